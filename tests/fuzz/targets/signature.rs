//! The signature block: any text with one is read or refused, and any text that can be signed verifies.

#![no_main]

use libfuzzer_sys::fuzz_target;
use patchctl_signature::{Secret, Signature, sign};
use std::sync::LazyLock;

static SECRET: LazyLock<Secret> = LazyLock::new(|| Secret::generate().expect("random numbers"));

fuzz_target!(|content: &[u8]| {
    let _ = Signature::of(content, "fix");
    let Ok(text) = str::from_utf8(content) else { return };
    let Ok(signed) = sign(text, "fix", 1, &SECRET) else { return };
    let signature = Signature::of(signed.as_bytes(), "fix").expect("it is read").expect("it is there");
    assert!(signature.is_of(&SECRET.public()));
    assert!(Signature::of(signed.as_bytes(), "other").is_err());
});
