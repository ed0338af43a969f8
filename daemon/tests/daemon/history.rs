//! The history survives what the daemon does not, and agrees with the folder afterwards.

use crate::rig::{Rig, change, changed, eventually, refused};
use patchctl_protocol::client::{HistoryEntry, HistoryRequest, Reply, Request, Verified};
use patchctl_protocol::state::State;

const PATCH: &str = "# /// patch\n# module = \"mod\"\n# ///\ndef f():\n    return 2\n";

fn history(rig: &Rig) -> (Vec<HistoryEntry>, Verified) {
    let request = HistoryRequest { verify: true, ..HistoryRequest::default() };
    match rig.ask(&Request::History(request)) {
        Reply::History { entries, verified: Some(verified) } => (entries, verified),
        other => panic!("no history: {other:?}"),
    }
}

fn names(entries: &[HistoryEntry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.event.as_str()).collect()
}

#[test]
fn changes_and_applications_are_written_down() {
    let rig = Rig::new();
    let (mut hook, _) = rig.link();
    let added = changed(rig.add("fix.py", PATCH));
    let desired = hook.desired();
    let patch = &added.patches[0];
    let reference = patchctl_protocol::plan::PatchRef { id: patch.id.clone(), digest: patch.digest.clone() };
    hook.report(desired.revision, &[(reference, State::Active)]);
    let entries = eventually("the application", || {
        let (entries, _) = history(&rig);
        if entries.iter().any(|entry| entry.event == "apply") {
            Ok(entries)
        } else {
            Err(format!("{entries:?}"))
        }
    });
    let apply = entries.iter().find(|entry| entry.event == "apply").expect("is there");
    assert_eq!(apply.pid, Some(std::process::id()));
    assert!(apply.command.is_some());
    changed(rig.ask(&Request::Disable(change("fix"))));
    let without = hook.desired();
    hook.report(without.revision, &[]);
    eventually("the way back", || {
        let (entries, verified) = history(&rig);
        assert_eq!(verified.broken, None);
        let names = names(&entries).join(" ");
        if names == "start add apply disable unapply" { Ok(()) } else { Err(names) }
    });
}

#[test]
fn a_killed_daemon_comes_back_with_everything() {
    let mut rig = Rig::new();
    let mut revision = 0;
    for round in 0..5 {
        let now = changed(rig.add(&format!("p{round}.py"), PATCH)).revision;
        assert!(now > revision, "the revision grows over restarts: {revision}, {now}");
        revision = now;
        rig.kill_and_restart();
        assert_eq!(rig.list().len(), round + 1);
    }
    let (entries, verified) = history(&rig);
    assert_eq!(verified.broken, None);
    let adds = entries.iter().filter(|entry| entry.event == "add").count();
    assert_eq!(adds, 5, "no patch is added twice: {:?}", names(&entries));
}

#[test]
fn what_happens_while_no_daemon_runs_is_written_down_at_the_next_start() {
    let mut rig = Rig::new();
    changed(rig.add("gone.py", PATCH));
    changed(rig.add("stays.py", PATCH));
    let patches = rig.location.patches.clone();
    rig.stop_and(|rig| {
        std::fs::remove_file(patches.join("gone.py")).expect("removes");
        rig.write("new.py", PATCH);
    });
    let (entries, _) = history(&rig);
    let of = |id: &str| -> Vec<String> {
        let events = entries.iter().filter(|entry| entry.patch.as_deref() == Some(id));
        events.map(|entry| entry.event.clone()).collect()
    };
    assert_eq!(of("gone"), ["add", "remove"]);
    assert_eq!(of("new"), ["add"]);
    assert_eq!(of("stays"), ["add"]);
}

#[test]
fn without_a_history_nothing_is_changed_and_the_daemon_goes_on() {
    let mut rig = Rig::new();
    let state = rig.location.state.clone();
    rig.stop_and(|_| {
        std::fs::remove_file(state.join("history.db")).expect("removes");
        std::fs::create_dir(state.join("history.db")).expect("puts a folder in the way");
    });
    let error = refused(rig.add("fix.py", PATCH));
    assert!(error.message.contains("history"), "{error:?}");
    assert!(rig.list().is_empty());
    assert!(!rig.location.patches.join("fix.py").exists(), "the file is taken back");
    match rig.ask(&Request::Status) {
        Reply::Status(status) => assert!(!status.problems.is_empty()),
        other => panic!("no status: {other:?}"),
    }
    std::fs::remove_dir(state.join("history.db")).expect("clears the way");
    changed(rig.add("fix.py", PATCH));
}
