//! `patchctl add`: reads patch files and hands them to the daemon, which checks, stores and applies them.

use super::change::ask;
use crate::daemon::Places;
use crate::edits::EditOptions;
use crate::error::{Error, Kind, Result};
use crate::exit::Exit;
use crate::outcome::Report;
use crate::output::Output;
use crate::time::{milliseconds, now, parse_duration, parse_seconds};
use patchctl_planner::{LARGEST_PATCH, Patch};
use patchctl_protocol::client::{AddRequest, NewFile, Request};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

const EXAMPLES: &str = "Examples:
  patchctl add fix.diff                         upstream's diff, as published
  patchctl add fix.diff --dry-run               what it would do in each process
  patchctl add fix.diff --for 2h --reason \"until the upgrade\"
  patchctl add hotfix.py --link                 follow later edits of the file
  git show abc123 | patchctl add - --type diff --id abc123
  patchctl add fix.diff --renew Retry.DEFAULT   compute a value anew that the old code computed
  patchctl add fix.diff --quiesce 30            only while nobody is within the functions it changes
  patchctl add app.core:total --replace '<' '<='
                                                change one operator of the compiled code
  patchctl add app.core:total --insert 'print(items)' --before-line 12";

/// Kinds of patches that can come over standard input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Type {
    /// A unified or git diff
    Diff,
    /// Python source that mirrors the module
    Python,
    /// Edits of compiled code, in TOML
    Edits,
}

/// Fix every running process that has the module, and every later one as it imports it
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Patch files (.diff, .patch, .py, .toml), or `-` for standard input; or, with an edit, the
    /// MODULE:FUNCTION to be edited
    #[arg(required = true, value_name = "FILE|TARGET")]
    files: Vec<PathBuf>,
    /// The patch's id; else the header's, else the file's name without its extension
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// What standard input holds
    #[arg(long = "type", value_name = "TYPE")]
    form: Option<Type>,
    /// Only say what it would do in each process
    #[arg(long)]
    dry_run: bool,
    /// Keep a link to the file and follow its later edits, instead of storing its content
    #[arg(long)]
    link: bool,
    /// Why, for list, audit and history
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    /// Let the patch leave by itself after a time such as 90s, 30m, 2h, 1d
    #[arg(long = "for", value_name = "TIME", value_parser = parse_duration)]
    duration: Option<Duration>,
    /// How long to wait for the processes
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = parse_seconds)]
    wait: Duration,
    /// Compute a value anew that the old code computed at import (`Retry.DEFAULT`), or `all` of them
    #[arg(long, value_name = "NAME")]
    renew: Vec<String>,
    /// Clear the caches (`functools.lru_cache`) of the functions that the patch affects, when it comes and
    /// when it goes
    #[arg(long)]
    clear_caches: bool,
    /// Put the patch in only at a moment at which no call of what it changes is under way; give up after
    /// this time, and say who held it
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    quiesce: Option<Duration>,
    /// Put it in after that time even so (at once, without --quiesce); who was in the way stands in the
    /// history for ever
    #[arg(long)]
    force: bool,
    /// Take the place of a patch of the same id
    #[arg(long)]
    overwrite: bool,
    /// Take N leading folders off the file names in a diff, instead of finding out
    #[arg(long, value_name = "N")]
    strip: Option<u32>,
    #[command(flatten)]
    edits: EditOptions,
}

pub fn run(args: &Args, places: &Places, output: &mut Output) -> Result<Exit> {
    if args.id.is_some() && args.files.len() > 1 {
        return Err(Error::new(Kind::Usage, "--id names one patch, but several files are given"));
    }
    let files = match args.edit_patch()? {
        Some(file) => {
            if args.dry_run && !output.is_json() {
                output.line(&file.content)?;
            }
            vec![file]
        }
        None => args.files.iter().map(|path| args.new_file(path)).collect::<Result<Vec<_>>>()?,
    };
    // Whether it got its moment is known only after that time.
    let wait = args.wait + args.quiesce.filter(|_| !args.wait.is_zero()).unwrap_or_default();
    let request = Request::Add(AddRequest {
        files,
        reason: args.reason.clone(),
        expires: args.duration.map(|duration| now() + duration.as_secs_f64()),
        dry_run: args.dry_run,
        wait_ms: milliseconds(wait),
        replace: args.overwrite,
        renew: args.renew.clone(),
        clear_caches: args.clear_caches,
        quiesce: args.quiesce.map(|time| time.as_secs_f64()),
        force: args.force,
    });
    let changed = ask(&request, wait, places, output)?;
    let waited = !args.wait.is_zero();
    Report { verb: "added", dry_run: args.dry_run, waited, taking_out: false }.print(&changed, output)
}

impl Args {
    /// The patch that the options of an edit stand for.
    fn edit_patch(&self) -> Result<Option<NewFile>> {
        let target = self.files.first().map(|path| path.to_string_lossy()).unwrap_or_default();
        let file = self.edits.patch(&target, self.id.as_ref())?;
        if file.is_some() && self.files.len() > 1 {
            return Err(Error::new(Kind::Usage, "an edit has one target, but several are given"));
        }
        if file.is_some() && (self.link || self.strip.is_some()) {
            return Err(Error::new(Kind::Usage, "--link and --strip are for files"));
        }
        if file.is_none() && target.contains(':') && !Path::new(&*target).exists() {
            let message = format!("what is to be done with {target}?");
            return Err(Error::new(Kind::Usage, message)
                .hint(format!("say it by an edit: `patchctl add {target} --replace '+' '-'`")));
        }
        Ok(file)
    }

    fn new_file(&self, path: &Path) -> Result<NewFile> {
        if path == Path::new("-") {
            return self.standard_input();
        }
        let mut file = read(path)?;
        file.id.clone_from(&self.id);
        file.strip = self.strip;
        if self.link {
            let absolute = std::path::absolute(path).map_err(|error| Error::file("find", path, &error))?;
            file.link = Some(absolute.to_string_lossy().into_owned());
        }
        Ok(file)
    }

    fn standard_input(&self) -> Result<NewFile> {
        let (Some(id), Some(form)) = (&self.id, self.form) else {
            return Err(Error::new(Kind::Usage, "a patch from standard input has no name")
                .hint("give it one: `patchctl add - --id NAME --type diff`"));
        };
        if self.link {
            return Err(Error::new(Kind::Usage, "--link needs a file, not standard input"));
        }
        let extension = match form {
            Type::Diff => "diff",
            Type::Python => "py",
            Type::Edits => "toml",
        };
        let name = format!("{id}.{extension}");
        let path = Path::new("standard input");
        let content = text(path, bounded(path, std::io::stdin())?)?;
        Ok(NewFile { name, id: Some(id.clone()), content, link: None, strip: self.strip })
    }
}

/// Reads a patch file as it is sent to the daemon.
///
/// # Errors
/// That it can't be read, or is no text.
pub fn read(path: &Path) -> Result<NewFile> {
    let file = File::open(path).map_err(|error| Error::file("read", path, &error))?;
    let bytes = bounded(path, file)?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Ok(NewFile { name, id: None, content: text(path, bytes)?, link: None, strip: None })
}

/// Parses a patch file.
///
/// # Errors
/// What is malformed, and where.
pub fn parse(path: &Path, content: &str, strip: Option<u32>) -> Result<Patch> {
    patchctl_planner::parse(&path.to_string_lossy(), content.as_bytes(), strip).map_err(|error| {
        let malformed = Error::new(Kind::Malformed, error.to_string());
        error.hint.into_iter().fold(malformed, Error::hint)
    })
}

/// Reads to the end, or as far as a patch file may go.
fn bounded(path: &Path, reader: impl Read) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = reader.take(LARGEST_PATCH + 1).read_to_end(&mut bytes);
    read.map_err(|error| Error::file("read", path, &error))?;
    if bytes.len() as u64 > LARGEST_PATCH {
        let message = format!("{}: more bytes than a patch may have ({LARGEST_PATCH})", path.display());
        return Err(Error::new(Kind::Malformed, message));
    }
    Ok(bytes)
}

fn text(path: &Path, bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
        let column = 1 + good.iter().rev().take_while(|byte| **byte != b'\n').count();
        let place = format!("{}:{line}:{column}", path.display());
        Error::new(Kind::Malformed, format!("{place}: not UTF-8")).hint("save the patch as UTF-8 text")
    })
}

#[cfg(test)]
mod tests {
    use super::text;
    use std::path::Path;

    #[test]
    fn names_line_and_column_of_what_is_no_text() {
        let error = text(Path::new("fix.diff"), b"one\ntw\xff".to_vec()).expect_err("is refused");
        assert_eq!(error.message, "fix.diff:2:3: not UTF-8");
    }
}
