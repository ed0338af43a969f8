//! What a check found, as text: one line for each definition that would change, and what stands against
//! it. Finding it is up to the daemon or to [`crate::offline`].

use crate::edits::words;
use crate::style::{BAD, DIM, GOOD, NAME, STRONG, WARN, paint};
use crate::wording;
use anstyle::Style;
use patchctl_protocol::client::CheckedModule;
use patchctl_protocol::plan::{FunctionChange, Parts, Plan, Step, StepKind};
use std::fmt::Write as _;

/// The text for one module.
#[must_use]
pub fn describe(checked: &CheckedModule) -> String {
    let file = checked.file.as_deref().unwrap_or_default();
    let mut text = format!("{}  {}\n", paint(STRONG, &checked.module), paint(DIM, file));
    if let Some(plan) = &checked.plan {
        push_plan(&mut text, plan);
    }
    for note in &checked.notes {
        push(&mut text, "note", DIM, note, "");
    }
    match (&checked.refusal, &checked.plan) {
        (Some(refusal), _) => push(&mut text, "refused", BAD, &wording::refusal(refusal), ""),
        (None, Some(plan)) if is_empty(plan) => {
            push(&mut text, "nothing", DIM, "no definition changes", "");
        }
        _ => {}
    }
    text
}

fn is_empty(plan: &Plan) -> bool {
    plan.functions.is_empty() && plan.steps.is_empty() && plan.edits.is_empty()
}

fn push_plan(text: &mut String, plan: &Plan) {
    for function in &plan.functions {
        push(text, "changed", GOOD, &function.qualname, &parts(function));
    }
    let has_function = |step: &&Step| {
        step.kind == StepKind::ChangedFunction
            && plan
                .functions
                .iter()
                .any(|function| step.scope == function.scope && step.binds.contains(&function.name))
    };
    for step in plan.steps.iter().filter(|step| !has_function(step)) {
        let (word, what) = step_words(step.kind);
        push(text, word, GOOD, &step_name(step), what);
    }
    for (name, what) in plan.edits.iter().map(words) {
        push(text, "edited", GOOD, &name, &what);
    }
    for stale in &plan.stale {
        push(text, "stale", WARN, &wording::stale(stale), "");
    }
    for unsupported in &plan.unsupported {
        let name = format!("{} (line {})", unsupported.name, unsupported.line);
        push(text, "not live", BAD, &name, &unsupported.detail);
    }
}

fn push(text: &mut String, word: &str, style: Style, name: &str, what: &str) {
    let word = paint(style, &format!("{word:<9}"));
    let name = if what.is_empty() { name.to_owned() } else { format!("{}  {what}", paint(NAME, name)) };
    let _ = writeln!(text, "  {word} {name}");
}

/// `body, signature, default`.
fn parts(function: &FunctionChange) -> String {
    let Parts { code, signature, defaults, annotations, docstring, decorators, kind } = function.parts;
    let words = [
        (code, "body"),
        (signature, "signature"),
        (defaults, "default"),
        (annotations, "annotations"),
        (docstring, "docstring"),
        (decorators, "decorator"),
        (kind, "kind (function, generator, coroutine)"),
    ];
    words.iter().filter(|(changed, _)| *changed).map(|(_, word)| *word).collect::<Vec<_>>().join(", ")
}

fn step_name(step: &Step) -> String {
    let dotted = |name: &String| [step.scope.as_slice(), std::slice::from_ref(name)].concat().join(".");
    let places = step.places.iter().map(|place| match place.item {
        true => format!("{}[{}]", place.object, place.key),
        false => format!("{}.{}", place.object, place.key),
    });
    let names: Vec<String> = step.binds.iter().map(dotted).chain(places).collect();
    if names.is_empty() { format!("line {}", step.line) } else { names.join(", ") }
}

fn step_words(kind: StepKind) -> (&'static str, &'static str) {
    match kind {
        StepKind::NewFunction => ("new", "function"),
        StepKind::NewMethod => ("new", "method"),
        StepKind::NewClass => ("new", "class"),
        StepKind::NewImport => ("new", "import"),
        StepKind::NewValue => ("new", "value"),
        StepKind::ChangedFunction => ("changed", "function"),
        StepKind::ChangedClass => ("changed", "class"),
        StepKind::ChangedImport => ("changed", "import"),
        StepKind::ChangedValue => ("changed", "value"),
        StepKind::RemovedFunction => ("removed", "function"),
        StepKind::RemovedClass => ("removed", "class"),
        StepKind::RemovedImport => ("removed", "import"),
        StepKind::RemovedValue => ("removed", "value"),
        StepKind::Statement => ("executed", "statement"),
        StepKind::Renewed => ("renewed", "value, computed anew"),
    }
}

#[cfg(test)]
mod tests {
    use super::describe;
    use patchctl_protocol::client::CheckedModule;
    use patchctl_protocol::plan::{Action, FunctionChange, Parts, Plan, Stale, Step, StepKind, Unsupported};
    use patchctl_protocol::state::{Reason, Refusal};

    fn plan() -> Plan {
        let parts = Parts { code: true, signature: true, ..Parts::default() };
        let function = FunctionChange { qualname: "C.f".into(), parts, ..FunctionChange::default() };
        let step = Step {
            scope: vec!["C".into()],
            action: Action::Execute,
            binds: vec!["g".into()],
            places: Vec::new(),
            source: None,
            line: 3,
            replaces: false,
            late: false,
            registers: false,
            mutates: Vec::new(),
            touches: Vec::new(),
            constant: None,
            at_times: Vec::new(),
            star: None,
            kind: StepKind::NewMethod,
            patches: Vec::new(),
        };
        let stale = Stale { name: "C.X".into(), line: 9, because: "C.f".into(), file: None };
        let unsupported =
            Unsupported { name: "D".into(), line: 4, detail: "its slots change".into(), patches: Vec::new() };
        Plan {
            functions: vec![function],
            steps: vec![step],
            stale: vec![stale],
            unsupported: vec![unsupported],
            ..Plan::default()
        }
    }

    #[test]
    fn a_line_for_each_definition() {
        let checked = CheckedModule {
            module: "m".into(),
            file: Some("/m.py".into()),
            refusal: Some(Refusal::new(Reason::VersionMismatch, "m 2 is installed")),
            notes: vec!["hunk 1 applied at line 4".into()],
            plan: Some(plan()),
        };
        let text = anstream::adapter::strip_str(&describe(&checked)).to_string();
        let lines: Vec<&str> = text.lines().collect();
        let expected = [
            "m  /m.py",
            "  changed   C.f  body, signature",
            "  new       C.g  method",
            "  stale     C.X (line 9, computed from C.f)",
            "  not live  D (line 4)  its slots change",
            "  note      hunk 1 applied at line 4",
            "  refused   version-mismatch: m 2 is installed",
        ];
        assert_eq!(lines, expected);
    }
}
