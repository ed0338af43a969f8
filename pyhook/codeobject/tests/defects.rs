//! Each defect CPython accepts without a word, and the verifier must refuse, in code of
//! every interpreter found.

mod interpreters;

use std::sync::LazyLock;

use interpreters::{compile, function, interpreters};
use patchctl_codeobject::tables::{Handlers, Jump, Meaning, Operand, rules, table};
use patchctl_codeobject::{
    Body, CodeObject, DecodeError, Defaults, Defect, Incoming, Instruction, Op, VerifyError, Version, decode,
    encode, flags, verify, verify_replacement,
};

struct Samples {
    module: CodeObject,
    version: Version,
}

impl Samples {
    fn get(&self, name: &str) -> CodeObject {
        let code = function(&self.module, name);
        verify(&code, self.version).unwrap_or_else(|error| panic!("{} {name}: {error}", self.version));
        code
    }

    fn body(&self, name: &str) -> (CodeObject, Body) {
        let code = self.get(name);
        let body = decode(&code, self.version).expect("verified code decodes");
        (code, body)
    }

    /// The sample with its instructions changed; stack size generous.
    fn changed(&self, name: &str, change: impl FnOnce(&mut Body)) -> Result<(), VerifyError> {
        let (mut code, mut body) = self.body(name);
        change(&mut body);
        let encoded = encode(&body, code.firstlineno).expect("encodes");
        code.code = encoded.code;
        code.linetable = encoded.linetable;
        code.exceptiontable = encoded.exceptiontable;
        code.stacksize += 10;
        verify(&code, self.version).map(|_| ())
    }

    fn has(&self, op: Op) -> bool {
        table(self.version).has(op)
    }
}

fn find(body: &Body, wanted: impl Fn(&Instruction) -> bool) -> usize {
    body.instructions.iter().position(wanted).expect("the sample has such an instruction")
}

/// The samples compiled by every interpreter, once for all tests.
static SAMPLES: LazyLock<Vec<Samples>> = LazyLock::new(|| {
    let source = include_str!("samples.py").replace("LONG", &"a = a.b(a, a)\n        ".repeat(60));
    let compiled = interpreters().into_iter().map(|interpreter| {
        let module = compile(&interpreter, &source);
        Samples { module, version: interpreter.version }
    });
    compiled.collect()
});

fn each_version(check: impl Fn(&Samples)) {
    SAMPLES.iter().for_each(check);
}

/// Asserts that the result is an error whose defect matches.
macro_rules! refused {
    ($samples:expr, $result:expr, $($pattern:pat_param)|+) => {
        match $result {
            Err(VerifyError { defect: $($pattern)|+, .. }) => {}
            other => panic!("{}: {:?} instead of {}", $samples.version, other.map(|_| ()), stringify!($($pattern)|+)),
        }
    };
}

fn is_load(instruction: &Instruction) -> bool {
    matches!(instruction.op, Op::LoadFast | Op::LoadFastBorrow | Op::LoadFastCheck)
}

#[test]
fn stack_underflow_and_imbalance() {
    each_version(|samples| {
        let underflow = samples.changed("plain", |body| {
            let load = find(body, is_load);
            body.remove(load..load + 1);
        });
        refused!(samples, underflow, Defect::Underflow);
        let unbalanced = samples.changed("loop", |body| {
            let back = |i: &usize| body.target_of(*i).is_some_and(|target| target < *i);
            let jump = (0..body.instructions.len()).find(back).expect("the loop jumps back");
            let load = body.instructions[find(body, is_load)];
            body.insert(jump, &[load], Incoming::Redirect);
        });
        refused!(samples, unbalanced, Defect::Depths(..) | Defect::Kinds(_) | Defect::Value { .. });
        let calls = samples.changed("loop", |body| {
            for instruction in &mut body.instructions {
                if matches!(instruction.op, Op::Call | Op::Precall | Op::CallFunction) {
                    instruction.arg += 3;
                }
            }
        });
        refused!(samples, calls, Defect::Underflow | Defect::Value { .. });
    });
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
fn indices_out_of_range() {
    each_version(|samples| {
        let wide = |operand: fn(Operand) -> bool, name: &str| {
            samples.changed(name, |body| {
                let table = table(body.version);
                let at = find(body, |i| table.info(i.op).is_some_and(|info| operand(info.operand)));
                body.instructions[at].arg = 5000;
            })
        };
        refused!(samples, wide(|o| o == Operand::Const, "constant"), Defect::Operand(5000));
        refused!(samples, wide(|o| matches!(o, Operand::Name(_)), "attribute"), Defect::Operand(5000));
        refused!(samples, wide(|o| o == Operand::Local, "plain"), Defect::Operand(5000));
        refused!(samples, wide(|o| o == Operand::Slot, "outer"), Defect::Operand(5000));
        let constants = samples.get("guarded");
        let none = CodeObject { consts: Vec::new(), ..constants };
        if decode(&none, samples.version).is_ok_and(|b| b.instructions.iter().any(|i| i.op == Op::LoadConst))
        {
            refused!(samples, verify(&none, samples.version), Defect::Operand(_));
        }
    });
}

#[test]
fn unbound_local_where_the_load_does_not_test() {
    each_version(|samples| {
        let result = samples.changed("unbound", |body| {
            for instruction in &mut body.instructions {
                if instruction.op == Op::LoadFastCheck {
                    instruction.op = Op::LoadFast;
                }
            }
        });
        match rules(samples.version).unchecked_loads {
            true => refused!(samples, result, Defect::Unbound(_)),
            false => assert_eq!(result, Ok(())),
        }
    });
}

#[test]
fn cell_instructions_on_what_is_no_cell() {
    each_version(|samples| {
        if !rules(samples.version).unified_slots {
            return;
        }
        let not_made = samples.changed("outer", |body| {
            let make = find(body, |i| i.op == Op::MakeCell);
            body.remove(make..make + 1);
        });
        refused!(samples, not_made, Defect::Slot { .. } | Defect::Value { .. } | Defect::Closure { .. });
        let plain = samples.changed("plain", |body| {
            let load = find(body, is_load);
            body.instructions[load].op = Op::LoadDeref;
        });
        refused!(samples, plain, Defect::Slot { .. });
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
            Meaning::Plain(place) => table(version).at(place).jump != Jump::None,
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
                Meaning::Plain(place) => table(version).at(place).op == Op::BinaryOp,
                _ => false,
            });
            code[at + 2] = 1;
        });
        refused!(samples, result, Defect::Decode(DecodeError::DirtyCache { .. }));
    });
}

#[test]
fn operators_out_of_range_and_missing_masks() {
    each_version(|samples| {
        let compare = samples.changed("branch", |body| {
            let at = find(body, |i| i.op == Op::CompareOp);
            body.instructions[at].arg = 255;
        });
        refused!(samples, compare, Defect::Operand(255));
        if rules(samples.version).compare.masks {
            let unmasked = samples.changed("branch", |body| {
                let layout = rules(body.version).compare;
                let at = find(body, |i| i.op == Op::CompareOp);
                body.instructions[at].arg &= !0xf | layout.to_bool;
            });
            refused!(samples, unmasked, Defect::Operand(_));
        }
        if samples.has(Op::BinaryOp) {
            let binary = samples.changed("plain", |body| {
                let at = find(body, |i| i.op == Op::BinaryOp);
                body.instructions[at].arg = 40;
            });
            refused!(samples, binary, Defect::Operand(40));
        }
    });
}

#[test]
fn conditions_that_are_no_bools() {
    each_version(|samples| {
        if !rules(samples.version).exact_bools {
            return;
        }
        let result = samples.changed("unbound", |body| {
            let at = find(body, |i| i.op == Op::ToBool);
            body.remove(at..at + 1);
        });
        refused!(samples, result, Defect::Value { .. });
        let unconverted = samples.changed("branch", |body| {
            let at = find(body, |i| i.op == Op::CompareOp);
            body.instructions[at].arg &= !16;
        });
        refused!(samples, unconverted, Defect::Value { .. });
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
fn blocks_out_of_balance() {
    each_version(|samples| {
        if rules(samples.version).handlers != Handlers::Blocks {
            return;
        }
        let unpopped = samples.changed("guarded", |body| {
            let at = find(body, |i| i.op == Op::PopBlock);
            body.instructions[at].op = Op::Nop;
        });
        refused!(samples, unpopped, Defect::LeftOver(_) | Defect::Blocks | Defect::Block(_));
    });
}

#[test]
fn values_left_at_a_return() {
    each_version(|samples| {
        let result = samples.changed("plain", |body| {
            let load = find(body, is_load);
            let again = body.instructions[load];
            body.insert(load, &[again], Incoming::Redirect);
        });
        refused!(samples, result, Defect::LeftOver(1));
    });
}

#[test]
fn null_returned() {
    each_version(|samples| {
        if !samples.has(Op::PushNull) {
            return;
        }
        let result = samples.changed("plain", |body| {
            let at = body.instructions.iter().rposition(|i| i.op == Op::ReturnValue);
            let at = at.expect("it returns");
            let line = body.instructions[at].location;
            let swap = [Instruction::new(Op::PopTop, 0).at(line), Instruction::new(Op::PushNull, 0).at(line)];
            body.insert(at, &swap, Incoming::Redirect);
        });
        refused!(samples, result, Defect::Value { .. });
    });
}

#[test]
fn prologues() {
    each_version(|samples| {
        let without = |name: &str, op: Op| {
            samples.has(op).then(|| {
                samples.changed(name, |body| {
                    let at = find(body, |i| i.op == op);
                    let pops = usize::from(op == Op::ReturnGenerator);
                    body.remove(at..at + 1 + pops);
                })
            })
        };
        let cases = [
            ("inner", Op::CopyFreeVars),
            ("generator", Op::ReturnGenerator),
            ("coroutine", Op::ReturnGenerator),
            ("plain", Op::Resume),
            ("generator", Op::GenStart),
        ];
        for (name, op) in cases {
            if let Some(result) = without(name, op) {
                refused!(samples, result, Defect::Prologue(_));
            }
        }
        let code = samples.get("generator");
        let dropped = CodeObject { flags: code.flags & !flags::GENERATOR, ..code };
        refused!(samples, verify(&dropped, samples.version), Defect::Prologue(_));
        let code = samples.get("plain");
        let added = CodeObject { flags: code.flags | flags::GENERATOR, ..code };
        let result = verify(&added, samples.version);
        if samples.version != Version::Py39 {
            refused!(samples, result, Defect::Prologue(_));
        }
    });
}

#[test]
fn borrowed_references_that_outlive_the_local() {
    each_version(|samples| {
        if !samples.has(Op::LoadFastBorrow) {
            return;
        }
        let result = samples.changed("reassign", |body| {
            // `[a, b]`: both are on the stack, then `a` is stored.
            let at = find(body, |i| i.op == Op::BuildList);
            let slot = body.instructions[at - 2].arg;
            let store = Instruction::new(Op::StoreFast, slot).at(body.instructions[at].location);
            let load = Instruction { op: Op::LoadFast, ..body.instructions[at - 1] };
            body.insert(at, &[load, store], Incoming::Redirect);
        });
        refused!(samples, result, Defect::Borrow(_));
    });
}

#[test]
fn loops_that_miss_their_end() {
    each_version(|samples| {
        if !samples.has(Op::EndFor) {
            return;
        }
        let result = samples.changed("loop", |body| {
            let at = find(body, |i| i.op == Op::EndFor);
            let nop = Instruction::new(Op::Nop, 0).at(body.instructions[at].location);
            body.insert(at, &[nop], Incoming::Redirect);
        });
        refused!(samples, result, Defect::Glue(_));
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
