//! Plans patch files against a folder of packages: `plan FOLDER PATCH...` prints a JSON line for each module.

use patchctl_planner::{Phase, PlanOptions, Texts, compose, order, parse, plan};
use serde_json::json;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or_default());
    let mut patches = Vec::new();
    for file in arguments {
        patches.push(parse(&file, &fs::read(&file)?, None).map_err(io::Error::other)?);
    }
    let (ordered, _) = order(patches.iter().collect());
    let mut modules: Vec<&String> = ordered.iter().flat_map(|patch| &patch.modules).collect();
    modules.sort();
    modules.dedup();
    for module in modules {
        let Some((path, is_package)) = find(&folder, module) else { continue };
        let original = fs::read_to_string(&path)?;
        let composed = compose(module, is_package, &original, &ordered);
        let texts = Texts {
            module,
            is_package,
            original: &original,
            running: &original,
            target: &composed.text,
            contributions: &composed.contributions,
        };
        let planned = plan(&texts, &PlanOptions { renew: &[], phase: Phase::Live });
        let line = json!({
            "module": module,
            "applied": composed.applied,
            "skipped": composed.skipped,
            "notes": composed.notes,
            "text": composed.text,
            "plan": planned.as_ref().ok(),
            "refusal": planned.as_ref().err(),
        });
        writeln!(io::stdout(), "{line}")?;
    }
    Ok(())
}

/// File of a module, and whether it is a package.
fn find(folder: &Path, module: &str) -> Option<(PathBuf, bool)> {
    let stem = folder.join(module.replace('.', "/"));
    let package = stem.join("__init__.py");
    let file = stem.with_extension("py");
    if package.is_file() { Some((package, true)) } else { file.is_file().then_some((file, false)) }
}
