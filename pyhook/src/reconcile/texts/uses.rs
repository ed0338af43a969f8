//! What a module computes from a name while it runs: values, defaults, annotations, bases and decorations.

use super::{Line, is_word};

/// What of a name's uses counts.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    /// Annotations: where they are evaluated when a function is defined.
    pub annotations: bool,
    /// Calls alone, as a decorator too.
    pub calls: bool,
}

/// Names (dotted, with their lines) that statements outside functions compute from a name.
pub fn uses(lines: &[Line], name: &str, counts: Counts) -> Vec<(String, u32)> {
    let evaluated = counts.annotations && !counts.calls && !lines.iter().any(is_future);
    let mut found = Vec::new();
    // Indentation and name of the blocks around; functions have none.
    let mut blocks: Vec<(usize, Option<&str>)> = Vec::new();
    let mut is_decorator = false;
    for line in lines {
        blocks.retain(|(outer, _)| *outer < line.indent);
        if blocks.iter().any(|(_, class)| class.is_none()) {
            continue;
        }
        if line.text.starts_with('@') {
            is_decorator |= find(&line.text, name).is_some();
            continue;
        }
        let is_decorated = std::mem::take(&mut is_decorator);
        let Some(bound) = binding(&line.text, evaluated) else { continue };
        if is_decorated || bound.from.iter().any(|from| is_used(from, name, counts.calls)) {
            let outer: Vec<&str> = blocks.iter().filter_map(|(_, class)| *class).collect();
            for name in &bound.names {
                let dotted = [outer.as_slice(), &[*name]].concat().join(".");
                found.push((dotted, line.number));
            }
        }
        if let Some(class) = bound.opens {
            blocks.push((line.indent, bound.names.first().copied().filter(|_| class)));
        }
    }
    found
}

/// The line in which a name stands first outside functions, where a module binds it.
pub fn mentioned(lines: &[Line], name: &str) -> Option<u32> {
    lines.iter().find_map(|line| Some(line.number_at(find(&line.text, name)?)))
}

fn is_future(line: &Line) -> bool {
    line.text.starts_with("from __future__") && find(&line.text, "annotations").is_some()
}

/// A statement that binds names to something.
struct Binding<'t> {
    names: Vec<&'t str>,
    /// What it is computed from.
    from: Vec<&'t str>,
    /// Whether it opens the block of a class, or of a function.
    opens: Option<bool>,
}

fn binding(statement: &str, evaluated: bool) -> Option<Binding<'_>> {
    let plain = statement.strip_prefix("async ").unwrap_or(statement);
    for (keyword, class) in [("def ", false), ("class ", true)] {
        if let Some(rest) = plain.strip_prefix(keyword) {
            let end = rest.find(['(', ':', '[']).unwrap_or(rest.len());
            let (name, from) = rest.split_at(end);
            let from = if class { vec![from] } else { parameters(from, evaluated) };
            return Some(Binding { names: vec![name.trim()], from, opens: Some(class) });
        }
    }
    let (target, from) = statement.split_once('=')?;
    if from.starts_with('=') {
        return None;
    }
    let target = target.split(':').next()?.trim_end_matches(['+', '-', '|', '&', '*', '/', '%', ' ']);
    let names: Vec<&str> = target.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let is_name = |name: &&str| name.chars().all(|c| is_word(c) || c == '.');
    let are_names = !names.is_empty() && names.iter().all(is_name);
    are_names.then_some(Binding { names, from: vec![from], opens: None })
}

/// What is computed when a function with this header is defined: defaults, and annotations if they are
/// evaluated.
fn parameters(header: &str, evaluated: bool) -> Vec<&str> {
    let mut found = Vec::new();
    for part in split(header) {
        let (annotated, default) = part.split_once('=').map_or((part, ""), |(a, b)| (a, b));
        found.push(default);
        if evaluated {
            found.push(annotated.split_once(':').map_or("", |(_, annotation)| annotation));
            found.push(annotated.split_once("->").map_or("", |(_, result)| result));
        }
    }
    found
}

/// The parameters in a header's brackets, and what stands behind these.
fn split(header: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0usize, 0);
    for (at, c) in header.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        let between = c == ',' && depth == 1 || c == ')' && depth == 0;
        if between || c == '(' && depth == 1 {
            parts.push(&header[start..at]);
            start = at + 1;
        }
    }
    parts.push(&header[start..]);
    parts
}

/// Whether a text uses a name, or calls it.
fn is_used(text: &str, name: &str, called: bool) -> bool {
    let calls = |at: usize| text[at + name.len()..].trim_start().starts_with('(');
    match called {
        true => text.match_indices(name).any(|(at, _)| stands_alone(text, at, name) && calls(at)),
        false => find(text, name).is_some(),
    }
}

/// Where a name (dotted ones too) stands in a text as one of its own.
fn find(text: &str, name: &str) -> Option<usize> {
    text.match_indices(name).map(|(at, _)| at).find(|at| stands_alone(text, *at, name))
}

fn stands_alone(text: &str, at: usize, name: &str) -> bool {
    let before = text[..at].chars().next_back();
    let after = text[at + name.len()..].chars().next();
    !before.is_some_and(|c| is_word(c) || c == '.') && !after.is_some_and(is_word)
}
