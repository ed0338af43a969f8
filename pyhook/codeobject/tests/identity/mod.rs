//! Whether a code object comes out of decoding and encoding as it went in, with no larger
//! stack, and accepted by the verifier.

use patchctl_codeobject::tables::{LineFormat, rules};
use patchctl_codeobject::{CodeObject, Version, assemble, decode, encode, stack_depth, verify};

/// What was seen of code objects that came out identical.
#[derive(Default, Debug)]
pub struct Figures {
    pub files: usize,
    pub objects: usize,
    pub instructions: usize,
    /// Line tables that the compiler wrote in the canonical form: all but a few of 3.9.
    pub canonical_lines: usize,
    /// Declared stack sizes that are no larger than needed.
    pub exact_stack: usize,
}

/// Checks one code object, without those nested in it.
pub fn check(code: &CodeObject, version: Version, figures: &mut Figures) -> Result<(), String> {
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
