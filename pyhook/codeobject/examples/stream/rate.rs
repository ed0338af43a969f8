//! How many code objects a second are decoded, encoded and verified.

use std::error::Error;
use std::hint::black_box;
use std::io::{stdin, stdout};

use patchctl_codeobject::{CodeObject, Version, decode, encode, verify_body};
use serde_json::{json, to_writer};

use crate::timing::rate;
use crate::{chunks, walk};

pub fn run(version: Version) -> Result<(), Box<dyn Error>> {
    let mut input = stdin().lock();
    let mut codes: Vec<CodeObject> = Vec::new();
    while let Some((_, code)) = chunks::read_named(&mut input, version)? {
        walk(&code, &mut |code| codes.push(code.clone()));
    }
    let written = rate(&codes, |code| {
        let body = decode(code, version).expect("decodes");
        let _ = black_box(encode(&body, code.firstlineno));
    });
    let verified = rate(&codes, |code| {
        let body = decode(code, version).expect("decodes");
        let _ = black_box(encode(&body, code.firstlineno));
        black_box(verify_body(code, &body)).expect("accepted");
    });
    let report = json!({"objects": codes.len(), "decode_encode": written, "decode_encode_verify": verified});
    to_writer(stdout().lock(), &report)?;
    Ok(())
}
