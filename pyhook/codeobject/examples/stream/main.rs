//! Code objects over stdin, for the tests that live outside this crate.
//!
//! ```text
//! stream check VERSION      identity of every code object; figures and failures as JSON
//! stream rate VERSION       code objects per second of processor time, as JSON
//! stream rewrite VERSION    answers each code object with the same one, shifted and written anew
//! ```
//!
//! Every piece of data has its length before it, four bytes, least significant first. `check`
//! and `rate` take pairs of a name and a marshalled code object, `rewrite` only the latter; its
//! answers start with `+` and go on with marshal data, or start with `-` and say what is wrong.

mod check;
mod chunks;
#[path = "../../tests/identity/mod.rs"]
mod identity;
mod rate;
mod rewrite;
#[path = "../../benches/timing/mod.rs"]
mod timing;

use std::error::Error;

use patchctl_codeobject::{CodeObject, Version};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [action, version] = &arguments[..] else {
        return Err("usage: stream check|rate|rewrite VERSION".into());
    };
    let minor = version.strip_prefix("3.").and_then(|minor| minor.parse().ok());
    let version = minor.and_then(|minor| Version::new(3, minor));
    let version = version.ok_or("a version is one from 3.9 to 3.15")?;
    match &action[..] {
        "check" => check::run(version),
        "rate" => rate::run(version),
        "rewrite" => rewrite::run(version),
        other => Err(format!("unknown action {other}").into()),
    }
}

/// Calls `visit` for a code object and all nested in it.
fn walk(code: &CodeObject, visit: &mut dyn FnMut(&CodeObject)) {
    visit(code);
    for (_, nested) in code.nested() {
        walk(nested, visit);
    }
}
