//! Reads the file of an edit patch: the keys of its header, `function`, and the list of edits.

use super::super::block::Block;
use super::super::header::Header;
use super::super::keys;
use super::super::reader::{Key, Reader, Value};
use super::address;
use super::function::{is_inner_name, split};
use super::operation::{DETAILS, Details, OPERATIONS};
use crate::error::Fault;
use patchctl_protocol::edit::{Edit, Function, Place};

/// Keys of an edit patch beside those of a header.
const EDIT_KEYS: [&str; 2] = ["function", "edit"];

/// Each edit reads and writes the function anew.
const MOST_EDITS: usize = 500;

/// What an edit patch holds.
pub(in super::super) type Edits = (Header, Vec<Edit>);

/// Reads an edit patch. The edits do not know its id yet.
pub(in super::super) fn read(text: &str) -> Result<Edits, Fault> {
    let block = Block::whole(text);
    let (reader, table) = Reader::parse(&block)?;
    let mut header = Header::default();
    let mut common = None;
    let mut list = None;
    for (key, value) in table.get_ref() {
        match key.get_ref().as_ref() {
            "function" => common = Some(reader.function(value)?),
            "edit" => list = Some(value),
            name if !reader.set(&mut header, key, value)? => {
                let known: Vec<&str> = keys::KEYS.into_iter().chain(EDIT_KEYS).collect();
                return Err(reader.unknown(&key.span(), name, &known));
            }
            _ => {}
        }
    }
    let hint = "Write `[[edit]]` and below it what to do, such as `replace = [\"+\", \"-\"]`.";
    let list = list.ok_or_else(|| Fault::at(1, "no edit in this file").hint(hint))?;
    let items = list.get_ref().as_array().ok_or_else(|| reader.wrong(list, "tables `[[edit]]`"))?;
    if items.len() > MOST_EDITS {
        let message = format!("{} edits, which is more than the {MOST_EDITS} taken", items.len());
        return Err(reader.fault(&list.span(), message));
    }
    let edits: Result<Vec<Edit>, Fault> =
        items.iter().map(|item| reader.edit(item, common.as_ref())).collect();
    let edits = edits?;
    if edits.is_empty() {
        return Err(reader.fault(&list.span(), "no edit in this file").hint(hint));
    }
    Ok((header, edits))
}

type Target = (Function, Vec<String>);

impl Reader<'_> {
    fn function(&self, value: &Value<'_>) -> Result<Target, Fault> {
        let name = self.text(value)?;
        split(&name).ok_or_else(|| {
            self.fault(&value.span(), format!("`{name}` is no name of a function"))
                .hint("Write it as in `C.method`, `outer.<locals>.inner` or `<module>`.")
        })
    }

    fn edit(&self, item: &Value<'_>, common: Option<&Target>) -> Result<Edit, Fault> {
        let table = item.get_ref().as_table().ok_or_else(|| self.wrong(item, "a table `[[edit]]`"))?;
        let mut target = None;
        let mut inner = Vec::new();
        let mut place = Place::default();
        let mut operations: Vec<(&Key<'_>, &Value<'_>)> = Vec::new();
        let mut details = Details(Vec::new());
        let mut address = None;
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "function" => target = Some(self.function(value)?),
                "in" => inner = self.inner_names(value)?,
                name if OPERATIONS.contains(&name) => operations.push((key, value)),
                name if DETAILS.contains(&name) => details.0.push((key, value)),
                _ if self.address(&mut place, key, value)? => address = Some(key),
                name => return Err(self.unknown_in_edit(key, name)),
            }
        }
        let (key, value) = self.only(item, &operations)?;
        let operation = self.operation(key, value, &mut details)?;
        let stray = details.0.first().map(|(key, _)| *key);
        let stray = stray.or_else(|| address.filter(|_| !takes_address(key.get_ref())));
        if let Some(stray) = stray {
            let message = format!("`{}` says nothing about `{}`", stray.get_ref(), key.get_ref());
            return Err(self.fault(&stray.span(), message));
        }
        let (function, mut within) = target.or_else(|| common.cloned()).ok_or_else(|| {
            self.fault(&item.span(), "an edit of no function")
                .hint("Name it: `function = \"C.method\"`, at the top or in the edit.")
        })?;
        within.extend(inner);
        let (line, _) = self.place(&key.span());
        Ok(Edit { patch: String::new(), line, function, within, place, operation })
    }

    fn inner_names(&self, value: &Value<'_>) -> Result<Vec<String>, Fault> {
        let names = self.list(value)?;
        match names.iter().find(|name| !is_inner_name(name)) {
            Some(wrong) => Err(self.fault(&value.span(), format!("`{wrong}` is no name of a function"))),
            None => Ok(names),
        }
    }

    fn unknown_in_edit(&self, key: &Key<'_>, name: &str) -> Fault {
        let own = ["function", "in"];
        let known: Vec<&str> =
            OPERATIONS.into_iter().chain(DETAILS).chain(address::KEYS).chain(own).collect();
        self.unknown(&key.span(), name, &known)
    }

    /// The one operation of an edit.
    fn only<'t, 'v>(
        &self,
        item: &Value<'_>,
        operations: &[(&'t Key<'v>, &'t Value<'v>)],
    ) -> Result<(&'t Key<'v>, &'t Value<'v>), Fault> {
        match operations {
            [one] => Ok(*one),
            [] => Err(self
                .fault(&item.span(), "an edit that does nothing")
                .hint(format!("Say what to do with one of: {}.", OPERATIONS.join(", ")))),
            [(first, _), (second, _), ..] => {
                let message = format!("`{}` and `{}` in one edit", first.get_ref(), second.get_ref());
                Err(self.fault(&second.span(), message).hint("Write an `[[edit]]` for each."))
            }
        }
    }
}

/// Whether an operation looks for occurrences.
fn takes_address(operation: &str) -> bool {
    !matches!(
        operation,
        "add-argument"
            | "rename-argument"
            | "swap-arguments"
            | "default"
            | "insert"
            | "remove-line"
            | "replace-line"
    )
}

#[cfg(test)]
mod tests {
    use super::read;
    use patchctl_protocol::edit::{Access, InsertAt, NameKind, Nth, Operation, Statement};

    fn operations(edits: &str) -> Vec<Operation> {
        let text = format!("module = 'm'\nfunction = 'f'\n{edits}");
        let (_, edits) = read(&text).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
        edits.into_iter().map(|edit| edit.operation).collect()
    }

    #[test]
    fn reads_every_operation() {
        let read = operations(concat!(
            "[[edit]]\nnegate = true\n",
            "[[edit]]\nconstant = [1.0, { py = '1 << 80' }]\n",
            "[[edit]]\nname = ['a', 'b']\nkind = 'import'\n",
            "[[edit]]\nlocal = ['a', 'b']\naccess = 'store'\n",
            "[[edit]]\nglobal-to-constant = ['LIMIT', [1, 'x']]\n",
            "[[edit]]\ndefault = ['a', true]\n",
            "[[edit]]\ninsert = 'a = 1'\nat = 'return'\nvalue = 'result'\n",
            "[[edit]]\ninsert = 'a = 1'\nafter-line = 4\n",
            "[[edit]]\nreplace-line = [3, 'pass']\n",
        ));
        let text = str::to_owned;
        let statement = |text: &str| Statement { text: text.to_owned(), in_strings: Vec::new() };
        let (a, b) = (text("a"), text("b"));
        let expected = [
            Operation::Negate,
            Operation::Constant { from: text("1.0"), to: text("1 << 80") },
            Operation::Name { kind: Some(NameKind::Import), from: a.clone(), to: b.clone() },
            Operation::Local { from: a.clone(), to: b, access: Access::Store },
            Operation::GlobalToConstant { name: text("LIMIT"), value: text("(1, \"x\",)") },
            Operation::Default { name: a, value: text("True") },
            Operation::Insert { at: InsertAt::Return(Some(text("result"))), statement: statement("a = 1") },
            Operation::Insert { at: InsertAt::AfterLine(4), statement: statement("a = 1") },
            Operation::ReplaceLine { line: 3, statement: statement("pass") },
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn reads_addresses_and_places() {
        let text = concat!(
            "module = 'm'\nreason = 'r'\n[[edit]]\nreplace = ['+', '-']\nline = 3\nnth = -1\nof = 2\n",
            "function = 'C.f'\nin = ['g', '<lambda>']\n[[edit]]\nfunction = 'f'\nnegate = true\nall = true\n",
        );
        let (header, edits) = read(text).expect("reads");
        assert_eq!(header.reason.as_deref(), Some("r"));
        assert_eq!((edits[0].line, edits[0].place.line, edits[0].place.of), (4, Some(3), Some(2)));
        assert_eq!(edits[0].place.nth, Some(Nth::Index(-1)));
        assert_eq!((edits[0].function.qualname.as_str(), edits[0].within.len()), ("C.f", 2));
        assert_eq!(edits[1].place.nth, Some(Nth::All));
    }

    #[test]
    fn names_the_place_of_a_fault() {
        for (edit, line, column) in [
            ("replace = ['+', '<']", 3, 11),
            ("replace = ['+']", 3, 11),
            ("repalce = ['+', '-']", 3, 1),
            ("replace = ['+', '-']\nnegate = true", 3, 1),
            ("insert = 'if:'", 3, 10),
            ("insert = 'a'\nline = 3", 4, 1),
            ("insert = 'a'\nvalue = 'x'", 4, 9),
            ("negate = true\nline = 0", 4, 8),
            ("negate = true\nkind = 'global'", 4, 1),
            ("match = 'load'\nwith = ''", 3, 9),
            ("constant = [1, 2020-01-01]", 3, 16),
            ("constant = [1, { py = '1 +' }]", 3, 23),
            ("constant = [1, { py = 'a = 1' }]", 3, 23),
            ("line = 3", 2, 1),
            ("function = 'a b'\nnegate = true", 3, 12),
            ("replace = ['+'", 3, 15),
        ] {
            let text = format!("module = 'm'; function = 'f'\n[[edit]]\n{edit}\n").replace("; ", "\n");
            let fault = read(&text).expect_err(edit);
            assert_eq!((fault.line, fault.column), (line + 1, column), "{edit}: {}", fault.message);
        }
        assert!(read("module = 'm'\n").expect_err("no edit").hint.is_some());
        let many = "module = 'm'\nfunction = 'f'\n".to_owned() + &"[[edit]]\nnegate = true\n".repeat(501);
        assert!(read(&many).expect_err("too many").message.contains("501 edits"));
        let deep = format!("constant = [1, {{ py = '{}1{}' }}]", "(".repeat(50_000), ")".repeat(50_000));
        let text = format!("module = 'm'\nfunction = 'f'\n[[edit]]\n{deep}\n");
        assert!(read(&text).expect_err("too deep").message.contains("nest"));
    }
}
