//! The options: one for each operation, and those that say where.

use super::write::{self, Table, expression, text};
use crate::error::{Error, Kind, Result};
use patchctl_protocol::client::NewFile;

const EDITS: &str = "Edits of MODULE:FUNCTION (Python expressions for values)";
const PLACES: &str = "Which occurrence, where there are several";

/// What to do with the compiled code of a function, in place of a patch file.
#[derive(clap::Args, Debug, Default)]
pub struct EditOptions {
    /// An operator: `+` `-`, `+=` `-=`, `<` `<=`, `in` `not in`, `not` `` (taken out)
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"], allow_hyphen_values = true, help_heading = EDITS)]
    replace: Vec<String>,
    /// A unary operator, where `--replace` would mean the binary one
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"], allow_hyphen_values = true, help_heading = EDITS)]
    unary: Vec<String>,
    /// Turn a condition round
    #[arg(long, help_heading = EDITS)]
    negate: bool,
    /// A constant, also within a constant tuple
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"], allow_hyphen_values = true, help_heading = EDITS)]
    constant: Vec<String>,
    /// A name: of a global, an attribute or method, or an import
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"], help_heading = EDITS)]
    name: Vec<String>,
    /// What `--name` is of: global, attribute or import
    #[arg(long, value_name = "KIND", requires = "name", help_heading = EDITS)]
    kind: Option<String>,
    /// A variable, where it is read (`--access store`: where it is assigned)
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"], help_heading = EDITS)]
    local: Vec<String>,
    /// How `--local` is used: load or store
    #[arg(long, value_name = "ACCESS", requires = "local", help_heading = EDITS)]
    access: Option<String>,
    /// A global becomes a constant
    #[arg(long, num_args = 2, value_names = ["NAME", "VALUE"], allow_hyphen_values = true, help_heading = EDITS)]
    global_to_constant: Vec<String>,
    /// A global becomes a variable of the function
    #[arg(long, num_args = 2, value_names = ["NAME", "LOCAL"], help_heading = EDITS)]
    global_to_local: Vec<String>,
    /// One more argument, with its default value
    #[arg(long, num_args = 2, value_names = ["NAME", "DEFAULT"], allow_hyphen_values = true, help_heading = EDITS)]
    add_argument: Vec<String>,
    /// Another name for an argument
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"], help_heading = EDITS)]
    rename_argument: Vec<String>,
    /// Two arguments change places
    #[arg(long, num_args = 2, value_names = ["ONE", "OTHER"], help_heading = EDITS)]
    swap_arguments: Vec<String>,
    /// Another default value for an argument
    #[arg(long, num_args = 2, value_names = ["NAME", "VALUE"], allow_hyphen_values = true, help_heading = EDITS)]
    default: Vec<String>,
    /// Statements, at the entry of the function if no other place is said
    #[arg(long, value_name = "STATEMENTS", help_heading = EDITS)]
    insert: Option<String>,
    /// Insert at the `entry` or before each `return`
    #[arg(long, value_name = "PLACE", requires = "insert", help_heading = EDITS)]
    at: Option<String>,
    /// Insert before the statement on this line
    #[arg(long, value_name = "LINE", requires = "insert", help_heading = EDITS)]
    before_line: Option<u32>,
    /// Insert after the statement on this line
    #[arg(long, value_name = "LINE", requires = "insert", help_heading = EDITS)]
    after_line: Option<u32>,
    /// The variable that holds the returned value for what is inserted `--at return`
    #[arg(long, value_name = "NAME", requires = "insert", help_heading = EDITS)]
    value: Option<String>,
    /// Take out the statement on this line
    #[arg(long, value_name = "LINE", help_heading = EDITS)]
    remove_line: Option<u32>,
    /// Other statements in the place of the one on this line
    #[arg(long, num_args = 2, value_names = ["LINE", "STATEMENTS"], help_heading = EDITS)]
    replace_line: Vec<String>,
    /// A sequence of instructions, such as `global str; load $1; call 1`
    #[arg(long = "match", value_name = "SEQUENCE", requires = "with", help_heading = EDITS)]
    pattern: Option<String>,
    /// The sequence that comes in its place
    #[arg(long, value_name = "SEQUENCE", requires = "pattern", help_heading = EDITS)]
    with: Option<String>,
    /// Names of inner functions, outermost first: `<lambda>`, `<lambda>[1]`, `inner`
    #[arg(long = "in", value_name = "NAME", help_heading = EDITS)]
    within: Vec<String>,
    /// On this line of the file
    #[arg(long, value_name = "LINE", help_heading = PLACES)]
    line: Option<u32>,
    /// So many lines after the first one of the function
    #[arg(long, value_name = "LINES", help_heading = PLACES)]
    relative_line: Option<u32>,
    /// That one, counted from 0; negative from the end
    #[arg(long, value_name = "N", allow_hyphen_values = true, help_heading = PLACES)]
    nth: Option<i64>,
    /// All of them
    #[arg(long, conflicts_with = "nth", help_heading = PLACES)]
    all: bool,
    /// Only if there are so many
    #[arg(long, value_name = "N", help_heading = PLACES)]
    of: Option<u32>,
}

impl EditOptions {
    /// The patch file that the options stand for; `None` if none of them is given.
    ///
    /// # Errors
    /// That the target is no `MODULE:FUNCTION`, or that a value can't be meant so.
    pub fn patch(&self, target: &str, id: Option<&String>) -> Result<Option<NewFile>> {
        let edits = self.edits()?;
        if edits.is_empty() {
            return match self.place().is_empty() {
                true => Ok(None),
                false => Err(Error::new(Kind::Usage, "a place, and no edit to be made there")
                    .hint("say what to do, such as `--replace '+' '-'`")),
            };
        }
        let (module, function) = split(target)?;
        let name = format!("{}.toml", id.cloned().unwrap_or_else(|| default_id(module, function)));
        let content = write::file(module, function, &edits);
        Ok(Some(NewFile { name, id: id.cloned(), content, link: None, strip: None }))
    }

    /// All edits: those of the signature first, statements last.
    fn edits(&self) -> Result<Vec<Table>> {
        let mut edits = Vec::new();
        for (key, values) in [("add-argument", &self.add_argument), ("default", &self.default)] {
            edits.extend(pairs(values).map(|(name, value)| Table::of(key, &[text(name), expression(value)])));
        }
        for (key, values) in
            [("rename-argument", &self.rename_argument), ("swap-arguments", &self.swap_arguments)]
        {
            edits.extend(pairs(values).map(|(one, other)| Table::of(key, &[text(one), text(other)])));
        }
        let signature = edits.len();
        self.code(&mut edits)?;
        let place = self.place();
        edits.iter_mut().skip(signature).for_each(|edit| edit.extend(&place));
        self.statements(&mut edits);
        let within: Vec<String> = self.within.iter().map(|name| text(name)).collect();
        if !within.is_empty() {
            edits.iter_mut().for_each(|edit| edit.add_list("in", &within));
        }
        Ok(edits)
    }

    /// The edits that look for occurrences.
    fn code(&self, edits: &mut Vec<Table>) -> Result<()> {
        for (key, values) in [("replace", &self.replace), ("unary", &self.unary)] {
            edits.extend(pairs(values).map(|(from, to)| Table::of(key, &[text(from), text(to)])));
        }
        if self.negate {
            edits.push(Table::single("negate", "true"));
        }
        for (from, to) in pairs(&self.constant) {
            check_constant(from)?;
            check_constant(to)?;
            edits.push(Table::of("constant", &[expression(from), expression(to)]));
        }
        for (from, to) in pairs(&self.name) {
            edits.push(Table::of("name", &[text(from), text(to)]).with_text("kind", self.kind.as_ref()));
        }
        for (from, to) in pairs(&self.local) {
            edits.push(Table::of("local", &[text(from), text(to)]).with_text("access", self.access.as_ref()));
        }
        for (name, value) in pairs(&self.global_to_constant) {
            edits.push(Table::of("global-to-constant", &[text(name), expression(value)]));
        }
        for (name, local) in pairs(&self.global_to_local) {
            edits.push(Table::of("global-to-local", &[text(name), text(local)]));
        }
        if let Some(pattern) = &self.pattern {
            edits.push(Table::single("match", &text(pattern)).with_text("with", self.with.as_ref()));
        }
        Ok(())
    }

    fn statements(&self, edits: &mut Vec<Table>) {
        if let Some(statements) = &self.insert {
            let number = |line: Option<u32>| line.map(|line| line.to_string());
            edits.push(
                Table::single("insert", &text(statements))
                    .with_text("at", self.at.as_ref())
                    .with("before-line", number(self.before_line))
                    .with("after-line", number(self.after_line))
                    .with_text("value", self.value.as_ref()),
            );
        }
        edits.extend(self.remove_line.map(|line| Table::single("remove-line", &line.to_string())));
        edits.extend(
            pairs(&self.replace_line)
                .map(|(line, statements)| Table::of("replace-line", &[line.to_owned(), text(statements)])),
        );
    }

    fn place(&self) -> Table {
        let number = |number: Option<u32>| number.map(|number| number.to_string());
        Table::default()
            .with("line", number(self.line))
            .with("relative-line", number(self.relative_line))
            .with("nth", self.nth.map(|nth| nth.to_string()))
            .with("all", self.all.then(|| "true".to_owned()))
            .with("of", number(self.of))
    }
}

fn pairs(values: &[String]) -> impl Iterator<Item = (&str, &str)> {
    values.chunks_exact(2).map(|pair| (pair[0].as_str(), pair[1].as_str()))
}

/// A bare word as a constant is most likely a text whose quotes the shell took.
fn check_constant(value: &str) -> Result<()> {
    let word = value.chars().all(|letter| letter == '_' || letter.is_alphanumeric());
    let digit = value.starts_with(|letter: char| letter.is_ascii_digit());
    if value.is_empty() || word && !digit && !["True", "False", "None", "Ellipsis"].contains(&value) {
        return Err(Error::new(Kind::Usage, format!("`{value}` is no constant"))
            .hint(format!("a text needs quotes that the shell leaves: --constant '\"{value}\"' ...")));
    }
    Ok(())
}

/// `MODULE:FUNCTION`.
fn split(target: &str) -> Result<(&str, &str)> {
    match target.split_once(':') {
        Some((module, function)) if !module.is_empty() && !function.is_empty() => Ok((module, function)),
        _ => Err(Error::new(Kind::Usage, format!("`{target}` names no function to be edited"))
            .hint("name it as in `patchctl add app.core:Cart.total --replace '+' '-'`")),
    }
}

/// The id of a patch that was given none: the names of module and function.
fn default_id(module: &str, function: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._".contains(letter);
    let function = function.replace(".<locals>.", ".");
    format!("{module}.{function}").chars().filter(|letter| plain(*letter)).collect()
}

#[cfg(test)]
mod tests {
    use super::{EditOptions, default_id};
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: EditOptions,
    }

    fn patch(words: &[&str]) -> Result<Option<(String, String)>, String> {
        let line = Line::try_parse_from([&["add"], words].concat()).map_err(|error| error.to_string())?;
        let made = line.options.patch("app.core:C.f", None).map_err(|error| error.message)?;
        Ok(made.map(|file| (file.name, file.content)))
    }

    #[test]
    fn options_are_the_keys_of_the_file() {
        let (name, content) = patch(&["--replace", "+", "-", "--line", "3"]).expect("fits").expect("edits");
        assert_eq!(name, "app.core.C.f.toml");
        let expected = concat!(
            "module = \"app.core\"\nfunction = \"C.f\"\n\n[[edit]]\n",
            "replace = [\"+\", \"-\"]\nline = 3\n"
        );
        assert_eq!(content, expected);
    }

    #[test]
    fn every_option_gives_a_file_that_parses() {
        for words in [
            &["--unary", "-", "~", "--nth", "-1"][..],
            &["--negate", "--relative-line", "2", "--of", "1"],
            &["--constant", "-1", "'a b'", "--all"],
            &["--name", "abs", "round", "--kind", "global"],
            &["--local", "a", "b", "--access", "store"],
            &["--global-to-constant", "abs", "round"],
            &["--global-to-local", "LIMIT", "limit"],
            &["--add-argument", "scale", "2", "--replace-line", "2", "c = (a + b) * scale"],
            &["--rename-argument", "a", "b", "--default", "x", "[1, 2]"],
            &["--swap-arguments", "a", "b", "--in", "<lambda>[1]"],
            &["--insert", "if a:\n    b = \"x\"", "--at", "return", "--value", "result"],
            &["--insert", "a = 1", "--before-line", "4"],
            &["--remove-line", "4"],
            &["--match", "load $1; call 1", "--with", ""],
        ] {
            let (name, content) = patch(words).expect("fits").expect("edits");
            let parsed = patchctl_planner::parse(&name, content.as_bytes(), None);
            assert!(parsed.is_ok(), "{words:?}\n{content}\n{parsed:?}");
        }
    }

    #[test]
    fn what_can_not_be_meant_is_told() {
        assert_eq!(patch(&[]), Ok(None));
        assert!(patch(&["--line", "3"]).is_err());
        assert!(patch(&["--constant", "y", "'z'"]).is_err());
        assert!(patch(&["--kind", "global"]).is_err());
        let target = EditOptions { negate: true, ..EditOptions::default() }.patch("app.core", None);
        assert!(target.is_err());
        assert_eq!(default_id("a.b", "C.f.<locals>.<lambda>"), "a.b.C.f.lambda");
    }
}
