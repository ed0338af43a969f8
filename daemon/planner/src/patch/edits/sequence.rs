//! Sequences of instructions: one a line (or between semicolons), a word and an operand:
//!
//! ```text
//! global str
//! load $1
//! call 1
//! ```

use patchctl_protocol::edit::{Instruction, Operand};

/// Words whose operand may be left out.
const BARE: [&str; 5] = ["*", "swap", "dup", "pop", "subscr"];

/// Words of the portable vocabulary that need an operand.
const WITH_OPERAND: [&str; 11] =
    ["load", "store", "const", "global", "attr", "method", "binop", "inplace", "compare", "call", "unary"];

/// Reads a sequence.
///
/// # Errors
/// Which instruction is wrong, and how.
pub(super) fn sequence(text: &str) -> Result<Vec<Instruction>, String> {
    let lines = text.split(['\n', ';']).map(str::trim).filter(|line| !line.is_empty());
    lines.map(instruction).collect()
}

fn instruction(line: &str) -> Result<Instruction, String> {
    let (op, operand) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let operand = operand.trim();
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    if op != "*" && !op.chars().all(plain) {
        return Err(format!("`{op}` is no instruction"));
    }
    let operand = match operand {
        "" => Operand::None,
        "_" => Operand::Any,
        text => match text.strip_prefix('$') {
            Some(name) if !name.is_empty() && name.chars().all(char::is_alphanumeric) => {
                Operand::Capture(name.to_owned())
            }
            Some(_) => return Err(format!("`{text}` is no name of a capture, such as `$1`")),
            None => Operand::Text(text.to_owned()),
        },
    };
    let needs = WITH_OPERAND.contains(&op) || op == "label";
    if needs && operand == Operand::None {
        return Err(format!("`{op}` needs an operand (`_` for any)"));
    }
    if BARE.contains(&op) && !matches!(operand, Operand::None) {
        return Err(format!("`{op}` has no operand"));
    }
    Ok(Instruction { op: op.to_owned(), operand })
}

#[cfg(test)]
mod tests {
    use super::sequence;
    use patchctl_protocol::edit::{Instruction, Operand};

    #[test]
    fn reads_words_and_operands() {
        let read = sequence("const 'a b';  load $x\n *; pop_top; compare not in; call _\n").expect("reads");
        let expected = [
            ("const", Operand::Text("'a b'".into())),
            ("load", Operand::Capture("x".into())),
            ("*", Operand::None),
            ("pop_top", Operand::None),
            ("compare", Operand::Text("not in".into())),
            ("call", Operand::Any),
        ];
        let expected = expected.map(|(op, operand)| Instruction { op: op.into(), operand });
        assert_eq!(read, expected);
        for wrong in ["load", "LOAD_FAST 1", "load $", "swap 2"] {
            assert!(sequence(wrong).is_err(), "{wrong}");
        }
    }
}
