//! Defects in the instructions of code objects, each refused by the verifier: what CPython
//! accepts without a word, in code of every interpreter found.

mod interpreters;
mod samples;

use patchctl_codeobject::tables::{Handlers, Operand, rules, table};
use patchctl_codeobject::{
    CodeObject, Defect, Incoming, Instruction, Op, VerifyError, Version, decode, flags, verify,
};
use samples::{each_version, find, is_load};

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

/// From 3.12 on the variable of an inlined comprehension is put back where the outer handler
/// reaches, too; the handler still finds the cell.
#[test]
fn a_cell_that_a_comprehension_borrows_is_one_again() {
    each_version(|samples| {
        samples.get("cell_put_back");
    });
}

/// 3.14 names the `CLEANUP_THROW` before the `END_SEND` there; 3.15 leaves a borrowed or a new
/// reference to the handler of the other.
#[test]
fn asynchronous_comprehensions_are_accepted() {
    each_version(|samples| {
        samples.get("listed_in_handler");
        samples.get("pairs_listed");
    });
}

/// Up to 3.10 an exception is three values; the interpreter takes them as what their places say.
#[test]
fn parts_of_an_exception_out_of_place() {
    each_version(|samples| {
        if rules(samples.version).handlers != Handlers::Blocks {
            return;
        }
        for op in [Op::Reraise, Op::PopExcept] {
            let turned = samples.changed("guarded", |body| {
                let at = find(body, |i| i.op == op);
                body.insert(at, &[Instruction::new(Op::RotThree, 0)], Incoming::Redirect);
            });
            refused!(samples, turned, Defect::Value { .. } | Defect::Block(_));
        }
    });
}
