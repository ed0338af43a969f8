//! Slots of 3.11 and newer in marshal data: all names in one row, and beside it what each is.

use crate::{CodeObject, Text};

// Bits of a slot's kind (Include/internal/pycore_code.h).
const LOCAL: u8 = 0x20;
const CELL: u8 = 0x40;
const FREE: u8 = 0x80;

/// Divides names by the kinds that were read. False if no compiler writes them so: instructions mean slots
/// by their number, so another order would be another program.
pub fn split(code: &mut CodeObject, names: &[Text]) -> bool {
    for (name, kind) in names.iter().zip(&code.slot_kinds) {
        if kind & LOCAL != 0 {
            code.varnames.push(name.clone());
        }
        if kind & CELL != 0 {
            code.cellvars.push(name.clone());
        } else if kind & FREE != 0 {
            code.freevars.push(name.clone());
        }
    }
    code.slot_names().into_iter().eq(names) && places(&code.slot_kinds).eq(implied(code))
}

/// The kinds read, or those the names imply when slots have changed since.
pub fn kinds(code: &CodeObject) -> Vec<u8> {
    let implied: Vec<u8> = implied(code).collect();
    if places(&code.slot_kinds).eq(implied.iter().copied()) { code.slot_kinds.clone() } else { implied }
}

/// Kinds without what says more than where a value lives.
fn places(kinds: &[u8]) -> impl Iterator<Item = u8> {
    kinds.iter().map(|kind| kind & (LOCAL | CELL | FREE))
}

fn implied(code: &CodeObject) -> impl Iterator<Item = u8> {
    let locals = code.varnames.iter().map(|name| match code.cellvars.contains(name) {
        true => LOCAL | CELL,
        false => LOCAL,
    });
    let cells = code.own_cells().map(|_| CELL);
    locals.chain(cells).chain(code.freevars.iter().map(|_| FREE))
}

#[cfg(test)]
mod tests {
    use super::{CELL, FREE, LOCAL, kinds, split};
    use crate::{CodeObject, Text};

    fn divided(kinds: &[u8], names: &[&str]) -> Option<CodeObject> {
        let mut code = CodeObject { slot_kinds: kinds.to_vec(), ..CodeObject::default() };
        let names: Vec<Text> = names.iter().map(|name| Text::from(*name)).collect();
        split(&mut code, &names).then_some(code)
    }

    #[test]
    fn slots_as_compilers_write_them_come_back() {
        let written = [LOCAL | 0x06, LOCAL | CELL, CELL, FREE];
        let code = divided(&written, &["a", "b", "c", "d"]).expect("divides");
        assert_eq!(kinds(&code), written);
    }

    #[test]
    fn slots_of_no_compiler_are_refused() {
        for (kinds, names) in [
            (&[LOCAL | FREE][..], &["a"][..]),
            (&[FREE, LOCAL], &["a", "b"]),
            (&[0], &["a"]),
            (&[LOCAL], &["a", "b"]),
            (&[LOCAL, CELL], &["a", "a"]),
        ] {
            assert_eq!(divided(kinds, names), None, "{kinds:?} {names:?}");
        }
    }
}
