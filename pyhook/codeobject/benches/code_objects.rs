//! Code objects per second of processor time on one core: decode, encode, verify, and all three, over a part
//! of the standard library of every interpreter found.

#![expect(clippy::print_stdout, reason = "the figures are the point")]

#[path = "../tests/interpreters/mod.rs"]
mod interpreters;
mod timing;

use std::hint::black_box;

use interpreters::{Interpreter, interpreters, stdlib, walk};
use patchctl_codeobject::{Body, CodeObject, decode, encode, verify_body};
use timing::rate;

fn objects(interpreter: &Interpreter) -> Vec<CodeObject> {
    let mut objects = Vec::new();
    for module in stdlib(interpreter, 20) {
        walk(&module.code, &mut |code| {
            // Nested objects are measured on their own.
            let consts = code.consts.clone();
            objects.push(CodeObject { consts, ..code.clone() });
        });
    }
    objects
}

fn main() {
    println!("version objects   decode/s   encode/s   verify/s   decode+encode/s   all/s");
    for interpreter in interpreters() {
        let version = interpreter.version;
        let codes = objects(&interpreter);
        let pairs: Vec<(&CodeObject, Body)> =
            codes.iter().map(|code| (code, decode(code, version).expect("decodes"))).collect();
        let decoding = rate(&codes, |code| {
            let _ = black_box(decode(code, version));
        });
        let encoding = rate(&pairs, |(code, body)| {
            let _ = black_box(encode(body, code.firstlineno));
        });
        let verifying = rate(&pairs, |(code, body)| {
            black_box(verify_body(code, body)).expect("accepted");
        });
        let both = rate(&codes, |code| {
            let body = decode(code, version).expect("decodes");
            let _ = black_box(encode(&body, code.firstlineno));
        });
        let all = rate(&codes, |code| {
            let body = decode(code, version).expect("decodes");
            let _ = black_box(encode(&body, code.firstlineno));
            let _ = black_box(verify_body(code, &body));
        });
        println!(
            "{version:>7} {:>7} {decoding:>10.0} {encoding:>10.0} {verifying:>10.0} {both:>17.0} {all:>7.0}",
            codes.len()
        );
    }
}
