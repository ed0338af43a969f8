//! Identity of the code objects of many files.

use std::error::Error;
use std::io::{stdin, stdout};

use patchctl_codeobject::Version;
use serde_json::{json, to_writer};

use crate::identity::{Figures, check};
use crate::{chunks, walk};

/// Failures that are named.
const NAMED: usize = 20;

pub fn run(version: Version) -> Result<(), Box<dyn Error>> {
    let mut input = stdin().lock();
    let mut figures = Figures::default();
    let mut failures = Vec::new();
    while let Some((name, code)) = chunks::read_named(&mut input, version)? {
        figures.files += 1;
        walk(&code, &mut |code| {
            if let Err(error) = check(code, version, &mut figures) {
                failures.push(format!("{name} {}: {error}", code.qualname));
            }
        });
    }
    let count = failures.len();
    failures.truncate(NAMED);
    let report = json!({
        "files": figures.files,
        "objects": figures.objects,
        "instructions": figures.instructions,
        "canonical_line_tables": figures.canonical_lines,
        "exact_stack_sizes": figures.exact_stack,
        "failed": count,
        "failures": failures,
    });
    to_writer(stdout().lock(), &report)?;
    Ok(())
}
