//! Marshal data of any version (the first byte): read, verified, decoded, and written back with the same meaning.

#![no_main]

use libfuzzer_sys::fuzz_target;
use patchctl_codeobject::marshal::{read_code, write_code};
use patchctl_codeobject::{CodeObject, Version, assemble, decode, verify_tree};

fuzz_target!(|content: &[u8]| {
    let Some((minor, data)) = content.split_first() else { return };
    let Some(version) = Version::new(3, u32::from(*minor)) else { return };
    let Ok(code) = read_code(data, version) else { return };
    if let Some(written) = write_code(&code, version) {
        assert!(read_code(&written, version).is_ok_and(|again| again == code));
    }
    let accepted = verify_tree(&code, version).is_ok();
    if let Some(again) = rewritten(&code, version) {
        assert!(!accepted || verify_tree(&again, version).is_ok(), "accepted before it was written anew");
    }
});

/// Decoded and assembled; it decodes to the same instructions again.
fn rewritten(code: &CodeObject, version: Version) -> Option<CodeObject> {
    let body = decode(code, version).ok()?;
    let again = assemble(code, &body).ok()?;
    let instructions = decode(&again, version).expect("what was assembled decodes").instructions;
    assert_eq!(instructions, body.instructions);
    Some(again)
}
