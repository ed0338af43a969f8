//! Refused edits in words: what was looked for, and the places that it could mean.

use patchctl_codeobject::Location;
use patchctl_codeobject::edit::{Candidate, EditError};
use patchctl_protocol::edit::{Edit, Operation};
use patchctl_protocol::state::{Reason, Refusal};
use std::fs;

/// Most bytes of a source file that are read to show a line of it.
const LARGEST: u64 = 4 << 20;
/// Most places that are named.
const AT_MOST: usize = 12;

/// Why an edit can't be made. `file` is where the code says that it comes from.
pub fn refusal(edit: &Edit, error: &EditError, file: &str) -> Refusal {
    let function = name_of(edit);
    let what = looked_for(&edit.operation);
    let count = error.candidates().len();
    let text = match error {
        EditError::Occurrences { expected, .. } => {
            let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
            let wanted = if *expected == 1 { "one".to_owned() } else { expected.to_string() };
            match count {
                0 => format!("{function}: no {what}{}", on_line(edit)),
                _ => format!("{function}: {what} occurs {times}{}, {wanted} expected", on_line(edit)),
            }
        }
        EditError::NoSuchOccurrence { nth, .. } => {
            format!("{function}: no {what} number {nth} among {count}{}", on_line(edit))
        }
        EditError::Verify(_) | EditError::Encode(_) | EditError::Decode(_) => {
            let detail = format!("{function}: {what}: {error}");
            return Refusal::new(Reason::VerifyFailed, detail);
        }
        other => format!("{function}: {what}: {other}"),
    };
    let places = places(error.candidates(), file);
    Refusal::new(Reason::EditMismatch, format!("{text}{places} (line {} of the patch)", edit.line))
}

/// The function that an edit is for, as people write it.
pub fn name_of(edit: &Edit) -> String {
    let inner = edit.within.iter().map(|name| format!(".<locals>.{name}"));
    format!("{}{}", edit.function.qualname, inner.collect::<String>())
}

fn on_line(edit: &Edit) -> String {
    match (edit.place.line, edit.place.relative_line) {
        (Some(line), _) => format!(" on line {line}"),
        (None, Some(line)) => format!(" on line {line} of the function"),
        (None, None) => String::new(),
    }
}

fn looked_for(operation: &Operation) -> String {
    match operation {
        Operation::Binary { from, .. } => format!("operator `{from}`"),
        Operation::Unary { from, .. } => format!("unary operator `{from}`"),
        Operation::Compare { from, .. } => format!("comparison `{from}`"),
        Operation::Negate => "condition".to_owned(),
        Operation::Constant { from, .. } => format!("constant `{from}`"),
        Operation::Name { from, .. } => format!("name `{from}`"),
        Operation::Local { from, .. } => format!("use of the variable `{from}`"),
        Operation::GlobalToConstant { name, .. } | Operation::GlobalToLocal { name, .. } => {
            format!("global `{name}`")
        }
        Operation::AddArgument { name, .. } | Operation::Default { name, .. } => {
            format!("argument `{name}`")
        }
        Operation::RenameArgument { from, to } => format!("argument `{from}` to `{to}`"),
        Operation::SwapArguments { one, other } => format!("arguments `{one}` and `{other}`"),
        Operation::Insert { .. } => "statement".to_owned(),
        Operation::RemoveLine { line } | Operation::ReplaceLine { line, .. } => {
            format!("statement on line {line}")
        }
        Operation::Match { .. } => "such sequence".to_owned(),
    }
}

/// `: nth = 0: line 3, column 12 (`x + y`); ...`
fn places(candidates: &[Candidate], file: &str) -> String {
    if candidates.is_empty() {
        return String::new();
    }
    let source = source(file);
    let one = |candidate: &Candidate| {
        let spot = spot(candidate.location, source.as_deref());
        format!("nth = {}{}", candidate.nth, spot.map(|spot| format!(": {spot}")).unwrap_or_default())
    };
    let mut all: Vec<String> = candidates.iter().take(AT_MOST).map(one).collect();
    if candidates.len() > AT_MOST {
        all.push(format!("and {} more", candidates.len() - AT_MOST));
    }
    format!("; {}", all.join("; "))
}

/// `line 3, column 12: `x + y``; `None` without a line.
fn spot(location: Location, source: Option<&str>) -> Option<String> {
    let line = location.line()?;
    let mut text = format!("line {line}");
    if let Location::Span { column, .. } = location
        && column >= 0
    {
        text += &format!(", column {}", column + 1);
    }
    let index = usize::try_from(line - 1).unwrap_or(usize::MAX);
    if let Some(words) = source.and_then(|source| source.lines().nth(index)) {
        text += &format!(": `{}`", words.trim());
    }
    Some(text)
}

/// The places in a file that edits change, in words.
pub fn spots(places: &[Location], file: &str) -> Vec<String> {
    let source = source(file);
    places.iter().filter_map(|place| spot(*place, source.as_deref())).collect()
}

/// The text of a source file, if it can be had at once.
fn source(file: &str) -> Option<String> {
    let found = fs::metadata(file).ok()?;
    let readable = found.is_file() && found.len() <= LARGEST;
    readable.then(|| fs::read_to_string(file).ok()).flatten()
}
