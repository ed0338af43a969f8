//! Every code object of the standard libraries: decoded and encoded to the same bytes,
//! never with a larger stack, and accepted by the verifier. A tenth of the files by
//! default, all with `PATCHCTL_LONG=1`.

#![expect(clippy::print_stderr, reason = "the figures are the point")]

mod interpreters;

use interpreters::{Interpreter, interpreters, long, stdlib, walk};
use patchctl_codeobject::tables::{LineFormat, rules};
use patchctl_codeobject::{CodeObject, assemble, decode, encode, stack_depth, verify};

#[derive(Default, Debug)]
struct Figures {
    files: usize,
    objects: usize,
    instructions: usize,
    canonical_lines: usize,
    exact_stack: usize,
}

fn check(code: &CodeObject, interpreter: &Interpreter, figures: &mut Figures) -> Result<(), String> {
    let version = interpreter.version;
    let body = decode(code, version).map_err(|error| error.to_string())?;
    let encoded = encode(&body, code.firstlineno).map_err(|error| error.to_string())?;
    let lnotab = rules(version).lines == LineFormat::Lnotab;
    if encoded.code != code.code {
        return Err("code differs".into());
    }
    if encoded.exceptiontable != code.exceptiontable {
        return Err("exception table differs".into());
    }
    let canonical = encoded.linetable == code.linetable;
    if !canonical && !lnotab {
        return Err("line table differs".into());
    }
    let depth = stack_depth(&body, code.is_generator_like()).map_err(|error| error.to_string())?;
    if depth > code.stacksize {
        return Err(format!("stack {depth} > {}", code.stacksize));
    }
    let assembled = assemble(code, &body).map_err(|error| error.to_string())?;
    if assembled != *code {
        let lines = (assembled.linetable == code.linetable, canonical);
        return Err(format!("assembled code object differs, lines same and canonical: {lines:?}"));
    }
    let verified = verify(code, version).map_err(|error| format!("refused: {error}"))?;
    if verified.stack_depth != depth {
        return Err(format!("verifier needs {} slots, not {depth}", verified.stack_depth));
    }
    figures.objects += 1;
    figures.instructions += body.instructions.len();
    figures.canonical_lines += usize::from(canonical);
    figures.exact_stack += usize::from(depth == code.stacksize);
    Ok(())
}

#[test]
fn unedited_code_objects_come_out_identical() {
    let stride = if long() { 1 } else { 10 };
    for interpreter in interpreters() {
        let mut figures = Figures::default();
        let mut failures = Vec::new();
        for module in stdlib(&interpreter, stride) {
            figures.files += 1;
            walk(&module.code, &mut |code| {
                if let Err(error) = check(code, &interpreter, &mut figures) {
                    failures.push(format!("{} {}: {error}", module.path, code.qualname));
                }
            });
        }
        eprintln!("{}: {figures:?}", interpreter.version);
        let count = failures.len();
        failures.truncate(20);
        assert!(failures.is_empty(), "{count} failures: {failures:#?}");
        assert!(figures.objects > 1000, "only {} code objects", figures.objects);
    }
}
