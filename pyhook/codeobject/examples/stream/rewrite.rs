//! Code objects written anew, so that every offset in them is another than before.

use std::error::Error;
use std::io::{stdin, stdout};

use patchctl_codeobject::marshal::{read_code, write_code};
use patchctl_codeobject::{
    Body, CodeObject, Constant, Incoming, Instruction, Op, Version, assemble, decode, depths, verify,
};

use crate::chunks;

pub fn run(version: Version) -> Result<(), Box<dyn Error>> {
    let (mut input, mut output) = (stdin().lock(), stdout().lock());
    while let Some(data) = chunks::read(&mut input)? {
        let answer = match rewritten(&data, version) {
            Ok(data) => [b"+", &data[..]].concat(),
            Err(error) => format!("-{error}").into_bytes(),
        };
        chunks::write(&mut output, &answer)?;
    }
    Ok(())
}

fn rewritten(data: &[u8], version: Version) -> Result<Vec<u8>, Box<dyn Error>> {
    let code = shift_all(&read_code(data, version)?, version)?;
    Ok(write_code(&code, version).ok_or("a constant cannot be marshalled")?)
}

fn shift_all(code: &CodeObject, version: Version) -> Result<CodeObject, Box<dyn Error>> {
    let wrong = |error: &dyn Error| format!("{}: {error}", code.qualname);
    let mut body = decode(code, version).map_err(|error| wrong(&error))?;
    shift(&mut body, code.is_generator_like()).map_err(|error| wrong(&*error))?;
    let mut built = assemble(code, &body).map_err(|error| wrong(&error))?;
    verify(&built, version).map_err(|error| wrong(&error))?;
    for constant in &mut built.consts {
        if let Constant::Code(nested) = constant {
            **nested = shift_all(nested, version)?;
        }
    }
    Ok(built)
}

/// Puts a `NOP` before each instruction that starts a line with an empty stack.
fn shift(body: &mut Body, generator_like: bool) -> Result<(), Box<dyn Error>> {
    let (depths, _) = depths(body, generator_like)?;
    let starts = prologue_end(body, generator_like);
    for index in (starts..body.instructions.len()).rev() {
        let instruction = body.instructions[index];
        let new_line =
            index > 0 && body.instructions[index - 1].location.line() != instruction.location.line();
        if depths[index] != Some(0) || !new_line {
            continue;
        }
        let nop = Instruction { handler: instruction.handler, ..Instruction::new(Op::Nop, 0) };
        body.insert(index, &[nop.at(instruction.location)], Incoming::Redirect);
    }
    Ok(())
}

/// Index of the first instruction after those that must come first.
fn prologue_end(body: &Body, generator_like: bool) -> usize {
    let mut ops = body.instructions.iter().map(|instruction| instruction.op);
    let made = match generator_like {
        true => ops.clone().position(|op| matches!(op, Op::ReturnGenerator | Op::GenStart)),
        false => None,
    };
    let resumed = ops.position(|op| op == Op::Resume);
    made.max(resumed).map_or(0, |index| index + 3)
}
