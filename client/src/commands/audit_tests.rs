//! Tests of the audit's verdict and table.

use super::{faults, push_process};
use crate::table::Table;
use patchctl_protocol::client::{AuditReply, AuditedProcess, ProcessInfo};
use patchctl_protocol::digest::Digest;
use patchctl_protocol::hook::{FunctionReport, ModuleReport, PatchReport};
use patchctl_protocol::plan::PatchRef;
use patchctl_protocol::state::{Reason, Refusal, State};

fn report(state: State, function: State, reason: Option<Reason>) -> PatchReport {
    let function = FunctionReport { name: "f".into(), state: function, holders: 1, detail: String::new() };
    let module = ModuleReport { name: "m".into(), state, functions: vec![function], stale: Vec::new() };
    PatchReport {
        patch: PatchRef { id: "fix".into(), digest: Digest::default() },
        state,
        refusal: reason.map(|reason| Refusal::new(reason, "detail")),
        since: None,
        forced: None,
        modules: vec![module],
    }
}

fn audited(patches: Vec<PatchReport>) -> AuditedProcess {
    let process = ProcessInfo { pid: 7, command: vec!["python".into()], ..ProcessInfo::default() };
    AuditedProcess { answered: true, patches, ..AuditedProcess::unanswered(process) }
}

fn faults_of(process: AuditedProcess) -> Vec<String> {
    faults(&AuditReply { processes: vec![process], ..AuditReply::default() }, false)
}

#[test]
fn active_and_waiting_are_well() {
    let all = vec![
        report(State::Active, State::Active, None),
        report(State::Waiting, State::Waiting, None),
        report(State::Skipped, State::Skipped, Some(Reason::OtherProcess)),
    ];
    assert_eq!(faults_of(audited(all)), Vec::<String>::new());
}

#[test]
fn everything_else_is_a_fault() {
    let one = |state, function, reason| faults_of(audited(vec![report(state, function, reason)]));
    assert_eq!(one(State::Active, State::Drifted, None), ["process 7: fix is drifted"]);
    assert_eq!(one(State::Draining, State::Draining, None), ["process 7: fix is draining"]);
    let skipped = one(State::Skipped, State::Skipped, Some(Reason::HunkConflict));
    assert_eq!(skipped, ["process 7: fix is skipped (hunk-conflict: detail)"]);
    let silent = AuditedProcess { answered: false, ..audited(Vec::new()) };
    assert_eq!(faults_of(silent), ["process 7: did not answer in time"]);
    assert_eq!(faults(&AuditReply::default(), true).len(), 1);
}

#[test]
fn a_row_for_each_function() {
    let mut table =
        Table::new(&["PROCESS", "PID", "PYTHON", "MODULE:FUNCTION", "PATCH", "STATE", "SINCE", "NOTE"]);
    push_process(&mut table, &audited(vec![report(State::Active, State::Active, None)]));
    let text = anstream::adapter::strip_str(&table.render()).to_string();
    let words: Vec<&str> = text.lines().nth(1).unwrap_or_default().split_whitespace().collect();
    assert_eq!(words, ["python", "7", "m:f", "fix", "active", "-"]);
}
