//! A diff with or without a header: read, or refused by the file's name.

#![no_main]

use libfuzzer_sys::fuzz_target;
use patchctl_planner::parse;

fuzz_target!(|content: &[u8]| {
    if let Err(error) = parse("fix.diff", content, None) {
        assert!(error.to_string().starts_with("fix.diff"), "{error}");
    }
});
