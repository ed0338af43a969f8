//! An edit patch: read, or refused by the file's name.

#![no_main]

use libfuzzer_sys::fuzz_target;
use patchctl_planner::parse;

fuzz_target!(|content: &[u8]| {
    if let Err(error) = parse("fix.toml", content, None) {
        assert!(error.to_string().starts_with("fix.toml"), "{error}");
    }
});
