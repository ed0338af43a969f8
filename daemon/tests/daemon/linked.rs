//! Links: desired states, pushes, waiting for reports, audits, processes that go.

use crate::rig::{DEADLINE, Rig, change, changed, eventually, file, refused};
use patchctl_protocol::client::{AddRequest, ErrorKind, NewFile, Reply, Request};
use patchctl_protocol::hook::{FromHook, Report, StateReply, ToHook};
use patchctl_protocol::state::State;
use std::time::Duration;

const PATCH: &str = "# /// patch\n# module = \"mod\"\n# ///\ndef f():\n    return 2\n";

fn waiting(name: &str, content: &str) -> Request {
    let wait_ms = u64::try_from(DEADLINE.as_millis()).expect("fits");
    Request::Add(AddRequest { files: vec![file(name, content)], wait_ms, ..AddRequest::default() })
}

#[test]
fn a_patch_is_pushed_and_its_report_awaited() {
    let rig = Rig::new();
    let (mut hook, first) = rig.link();
    assert!(first.modules.is_empty());
    let mut client = rig.connect();
    client.send(&waiting("fix.py", PATCH));
    let desired = hook.desired();
    assert!(desired.revision > first.revision);
    assert_eq!(desired.modules[0].name, "mod");
    let patch = rig.list().remove(0);
    let reference = patchctl_protocol::plan::PatchRef { id: patch.id, digest: patch.digest };
    hook.report(desired.revision, &[(reference, State::Active)]);
    let reply = changed(client.last_reply());
    assert_eq!(reply.processes.len(), 1);
    assert_eq!(reply.processes[0].state, Some(State::Active));
    assert_eq!(reply.processes[0].process.pid, std::process::id());
    assert_eq!(reply.revision, desired.revision);
}

#[test]
fn removal_and_switch_are_pushed() {
    let rig = Rig::new();
    changed(rig.add("fix.py", PATCH));
    let (mut hook, first) = rig.link();
    assert_eq!(first.modules.len(), 1);
    changed(rig.ask(&Request::Disable(change("fix"))));
    assert!(hook.desired().modules.is_empty());
    changed(rig.ask(&Request::Enable(change("fix"))));
    assert_eq!(hook.desired().modules, first.modules);
    let off = std::thread::spawn({
        let mut client = rig.connect();
        move || {
            client.send(&Request::Switch { off: true, reason: "drill".into() });
            changed(client.last_reply())
        }
    });
    let desired = hook.desired();
    assert!(desired.modules.is_empty());
    hook.report(desired.revision, &[]);
    assert_eq!(off.join().expect("ends").revision, desired.revision);
    assert!(rig.location.off_switch.exists());
    std::fs::remove_file(&rig.location.off_switch).expect("removes the switch");
    assert_eq!(hook.desired().modules, first.modules);
    changed(rig.remove("fix"));
    assert!(hook.desired().modules.is_empty());
}

#[test]
fn who_does_not_answer_is_said_to_be_so() {
    let rig = Rig::new();
    let (_silent, _) = rig.link();
    let request = AddRequest { files: vec![file("fix.py", PATCH)], wait_ms: 50, ..AddRequest::default() };
    let reply = changed(rig.ask(&Request::Add(request)));
    assert_eq!(reply.processes[0].state, Some(State::Unanswered));
    match rig.ask(&Request::Audit { deadline_ms: 50, pids: Vec::new() }) {
        Reply::Audit(audit) => assert!(!audit.processes[0].answered),
        other => panic!("no audit: {other:?}"),
    }
}

#[test]
fn an_audit_gathers_what_processes_say() {
    let rig = Rig::new();
    let (mut hook, desired) = rig.link();
    hook.report(desired.revision, &[]);
    let mut client = rig.connect();
    client.send(&Request::Audit { deadline_ms: 20_000, pids: Vec::new() });
    let ToHook::Audit { request } = hook.receive().expect("is asked") else { panic!("no audit") };
    let report = Report { revision: desired.revision, disabled: Some("why".into()), ..Report::default() };
    hook.send(&FromHook::State(StateReply { request, report }));
    match client.last_reply() {
        Reply::Audit(audit) => {
            assert!(audit.processes[0].answered);
            assert_eq!(audit.processes[0].disabled.as_deref(), Some("why"));
        }
        other => panic!("no audit: {other:?}"),
    }
}

#[test]
fn a_process_is_audited_once_it_has_done_what_it_was_told() {
    let rig = Rig::new();
    changed(rig.add("fix.py", PATCH));
    let (mut hook, desired) = rig.link();
    let mut client = rig.connect();
    client.send(&Request::Audit { deadline_ms: 20_000, pids: Vec::new() });
    assert!(hook.hears_nothing_for(Duration::from_millis(300)));
    hook.report(desired.revision, &[]);
    let ToHook::Audit { request } = hook.receive().expect("is asked") else { panic!("no audit") };
    hook.send(&FromHook::State(StateReply { request, report: Report::default() }));
    match client.last_reply() {
        Reply::Audit(audit) => assert!(audit.processes[0].answered),
        other => panic!("no audit: {other:?}"),
    }
}

#[test]
fn a_process_that_goes_is_forgotten() {
    let rig = Rig::new();
    let (hook, _) = rig.link();
    let count = || match rig.ask(&Request::Processes) {
        Reply::Processes { processes } => processes.len(),
        other => panic!("no processes: {other:?}"),
    };
    assert_eq!(count(), 1);
    drop(hook);
    eventually("no process", || if count() == 0 { Ok(()) } else { Err("one is left".into()) });
}

#[test]
fn the_index_is_there_before_the_answer() {
    let rig = Rig::new();
    let reply = changed(rig.add("fix.py", PATCH));
    let text = std::fs::read_to_string(rig.location.index()).expect("reads the index");
    let index = patchctl_protocol::index::Index::parse(&text).expect("is whole");
    assert_eq!((index.revision, index.modules), (reply.revision, vec!["mod".to_owned()]));
}

#[test]
fn what_is_there_already_or_not_at_all_is_refused() {
    let rig = Rig::new();
    changed(rig.add("fix.py", PATCH));
    assert_eq!(refused(rig.add("fix.py", PATCH)).kind, ErrorKind::Conflict);
    assert_eq!(refused(rig.remove("fx")).kind, ErrorKind::NotFound);
    let error = refused(rig.remove("fixx"));
    assert!(error.hints[0].contains("fix"), "{error:?}");
    let named = NewFile { id: Some("../evil".into()), ..file("fix.py", PATCH) };
    let request = AddRequest { files: vec![named], ..AddRequest::default() };
    assert_eq!(refused(rig.ask(&Request::Add(request))).kind, ErrorKind::Invalid);
    assert_eq!(refused(rig.add("fix.txt", PATCH)).kind, ErrorKind::Invalid);
    assert_eq!(rig.list().len(), 1);
}
