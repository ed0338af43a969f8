//! From edited instructions to a code object the interpreter can run.

use super::error::EditError;
use super::target::{Edited, Target};
use crate::tables::Op;
use crate::verify::{Defaults, Defect, verify, verify_replacement};
use crate::{CodeObject, VerifyError, assemble};

/// Builds and verifies the new code; loads that may find an unbound local are made to test.
pub(super) fn finish(mut target: Target, original: &CodeObject) -> Result<Edited, EditError> {
    if target.restructured {
        own_references(&mut target);
        target.body.forget_prefixes();
    }
    let code = loop {
        let code = assemble(&target.code, &target.body)?;
        match verify(&code, target.body.version) {
            Ok(_) => break code,
            Err(VerifyError { defect: Defect::Unbound(_), index: Some(index), .. }) => {
                target.body.instructions[index].op = Op::LoadFastCheck;
            }
            Err(error) => return Err(error.into()),
        }
    };
    verify_replacement(original, &code, Defaults::default())?;
    Ok(Edited { code, defaults: target.defaults, places: target.places })
}

/// What is borrowed from a local may now outlive it.
fn own_references(target: &mut Target) {
    for instruction in &mut target.body.instructions {
        if instruction.op == Op::LoadFastBorrow {
            instruction.op = Op::LoadFast;
        }
    }
}
