//! A Python patch with its header: read, or refused by the file's name.

#![no_main]

use libfuzzer_sys::fuzz_target;
use patchctl_planner::parse;

fuzz_target!(|content: &[u8]| {
    if let Err(error) = parse("fix.py", content, None) {
        assert!(error.to_string().starts_with("fix.py"), "{error}");
    }
});
