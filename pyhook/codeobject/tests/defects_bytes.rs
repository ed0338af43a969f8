//! Defects in the bytes and tables of code objects, each refused by the verifier; and code
//! that does not fit the function it is for.

mod interpreters;
mod samples;

use patchctl_codeobject::tables::{Handlers, Jump, Meaning, Op, rules, table};
use patchctl_codeobject::{
    CodeObject, DecodeError, Defaults, Defect, HandlerId, Instruction, VerifyError, Version, flags, verify,
    verify_replacement,
};
use samples::{Samples, each_version};

fn bytes(samples: &Samples, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Result<(), VerifyError> {
    let mut code = samples.get(name);
    change(&mut code.code);
    verify(&code, samples.version).map(|_| ())
}

/// Offset of the first unit with that instruction.
fn offset_of(code: &[u8], version: Version, wanted: impl Fn(Meaning) -> bool) -> usize {
    let units = code.chunks_exact(2);
    2 * units.map(|unit| table(version).meaning(unit[0])).position(wanted).expect("found")
}

#[test]
fn stack_size_too_small_or_absurd() {
    each_version(|samples| {
        let code = samples.get("loop");
        let small = CodeObject { stacksize: code.stacksize - 1, ..code.clone() };
        refused!(samples, verify(&small, samples.version), Defect::StackTooSmall { .. });
        let absurd = CodeObject { stacksize: u32::MAX >> 1, ..code };
        refused!(samples, verify(&absurd, samples.version), Defect::StackSize(_));
    });
}

#[test]
fn code_that_ends_early_or_is_empty() {
    each_version(|samples| {
        let falls = samples.changed("plain", |body| {
            let last = body.instructions.len() - 1;
            body.remove(last..last + 1);
        });
        refused!(samples, falls, Defect::FallsOff);
        let empty = CodeObject { code: Vec::new(), ..samples.get("plain") };
        let result = verify(&empty, samples.version);
        refused!(samples, result, Defect::Decode(DecodeError::Empty));
    });
}

#[test]
fn jumps_to_where_no_instruction_starts() {
    each_version(|samples| {
        let version = samples.version;
        let forward = table(version)
            .infos()
            .iter()
            .find(|info| matches!(info.op, Op::PopJumpIfFalse | Op::PopJumpForwardIfFalse));
        let opcode = forward.expect("every version has one").number;
        let past = bytes(samples, "branch", |code| {
            let at = code.chunks_exact(2).position(|unit| unit[0] == opcode).expect("found");
            code[at * 2 + 1] = 255;
        });
        refused!(samples, past, Defect::Decode(DecodeError::BadTarget { .. }));
        // A loop of more than 256 units has jumps with prefixes, and caches where there are
        // any: a target a little off lies within an instruction.
        let code = samples.get("long_jump").code;
        let is_jump = |at: &usize| match table(version).meaning(code[*at]) {
            Meaning::Plain(shape) => shape.jump != Jump::None,
            _ => false,
        };
        let jumps = (0..code.len()).step_by(2).filter(is_jump);
        let near = jumps.flat_map(|at| (-4..=4_i8).map(move |off| (at, off)));
        let inside = near.filter(|(at, off)| {
            let target = code[at + 1].checked_add_signed(*off);
            let result = bytes(samples, "long_jump", |code| code[at + 1] = target.unwrap_or(code[at + 1]));
            matches!(result, Err(VerifyError { defect: Defect::Decode(DecodeError::BadTarget { .. }), .. }))
        });
        assert!(inside.count() > 0, "{version}: no jump into an instruction was refused");
    });
}

#[test]
fn unknown_and_forbidden_opcodes() {
    each_version(|samples| {
        let version = samples.version;
        for opcode in 0..=255_u8 {
            if table(version).meaning(opcode) != Meaning::Unknown {
                continue;
            }
            let result = bytes(samples, "plain", |code| {
                let at = offset_of(code, version, |meaning| {
                    matches!(meaning, Meaning::Plain(_) | Meaning::Fused(..))
                });
                code[at] = opcode;
            });
            refused!(samples, result, Defect::Decode(DecodeError::UnknownOpcode { .. }));
        }
        assert_eq!(table(version).meaning(255), Meaning::Unknown);
        assert_eq!(table(version).meaning(0), Meaning::Unknown);
    });
}

#[test]
fn caches_that_are_not_empty() {
    each_version(|samples| {
        let version = samples.version;
        if !rules(version).unified_slots {
            return;
        }
        let result = bytes(samples, "plain", |code| {
            let at = offset_of(code, version, |meaning| match meaning {
                Meaning::Plain(shape) => shape.op == Op::BinaryOp,
                _ => false,
            });
            code[at + 2] = 1;
        });
        refused!(samples, result, Defect::Decode(DecodeError::DirtyCache { .. }));
    });
}

#[test]
fn exception_tables() {
    each_version(|samples| {
        if rules(samples.version).handlers != Handlers::Table {
            return;
        }
        let code = samples.get("guarded");
        let outside = {
            let mut code = code.clone();
            // start 0, length 1, target 63, depth 0
            code.exceptiontable = vec![0x80, 1, 63 | 0x40, 63, 0];
            verify(&code, samples.version)
        };
        refused!(samples, outside, Defect::Decode(DecodeError::Exceptions(_)));
        let deep = samples.changed("guarded", |body| body.handlers[0].depth += 7);
        refused!(samples, deep, Defect::HandlerDepth { .. });
        let unsorted = {
            let mut code = code.clone();
            let first = code.exceptiontable.clone();
            code.exceptiontable.extend(first);
            verify(&code, samples.version)
        };
        refused!(samples, unsorted, Defect::Decode(DecodeError::Exceptions(_)));
    });
}

#[test]
fn line_tables_of_another_length() {
    each_version(|samples| {
        let mut code = samples.get("plain");
        code.linetable.extend(match rules(samples.version).unified_slots {
            true => vec![0xf8],
            false => vec![200, 1],
        });
        let result = verify(&code, samples.version);
        refused!(samples, result, Defect::Decode(DecodeError::Lines(_)));
    });
}

#[test]
fn replacements_that_do_not_fit() {
    each_version(|samples| {
        let old = samples.get("inner");
        let fits = |new: &CodeObject, positional| verify_replacement(&old, new, Defaults { positional });
        assert_eq!(fits(&old, 0), Ok(()));
        let renamed = CodeObject { freevars: vec!["b".into()], ..old.clone() };
        refused!(samples, fits(&renamed, 0), Defect::Replacement(_));
        let more = CodeObject { freevars: vec!["a".into(), "b".into()], ..old.clone() };
        refused!(samples, fits(&more, 0), Defect::Replacement(_));
        let generator = CodeObject { flags: old.flags | flags::GENERATOR, ..old.clone() };
        refused!(samples, fits(&generator, 0), Defect::Replacement(_));
        refused!(samples, fits(&old, 1), Defect::Replacement(_));
    });
}

/// The interpreter cuts the stack as the instruction leaves it, without what it took.
#[test]
fn a_handler_that_keeps_what_its_instruction_takes() {
    each_version(|samples| {
        if rules(samples.version).handlers != Handlers::Table {
            return;
        }
        let kept = samples.changed("guarded", |body| {
            let called = |i: &Instruction| i.op == Op::Call && i.handler.is_some();
            let call = body.instructions.iter().position(called).expect("a guarded call");
            let Some(HandlerId(id)) = body.instructions[call].handler else { unreachable!() };
            body.handlers[id as usize].depth += 1;
            for (index, instruction) in body.instructions.iter_mut().enumerate() {
                instruction.handler = instruction.handler.filter(|_| index == call);
            }
        });
        refused!(samples, kept, Defect::HandlerDepth { .. });
    });
}
