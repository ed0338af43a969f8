//! Faults around the daemon: a second one, stale sockets, wrong modes, long paths, garbage, slow readers.

use crate::rig::{Rig, change, changed, eventually, patchd};
use patchctl_protocol::client::{Reply, Request};
use patchctl_protocol::hook::{FromHook, Hello, ToHook};
use std::fs;
use std::os::unix::fs::PermissionsExt;

const PATCH: &str = "# /// patch\n# module = \"mod\"\n# ///\ndef f():\n    return 2\n";

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).expect("is there").permissions().mode() & 0o7777
}

#[test]
fn only_one_runs() {
    let rig = Rig::new();
    let second = patchd(rig.home()).output().expect("runs");
    assert_eq!(second.status.code(), Some(3));
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(said.contains(&format!("another patchd (pid {})", rig.pid())), "{said}");
    assert!(rig.list().is_empty(), "the first one still answers");
}

#[test]
fn a_stale_socket_is_replaced_and_modes_are_repaired() {
    let mut rig = Rig::new();
    let location = rig.location.clone();
    for folder in [&location.runtime, &location.patches, &location.state, &location.cache] {
        assert_eq!(mode(folder), 0o700, "{folder:?}");
    }
    assert_eq!(mode(&location.socket()), 0o600);
    fs::set_permissions(&location.patches, fs::Permissions::from_mode(0o777)).expect("opens to all");
    rig.kill_and_restart();
    assert_eq!(mode(&location.patches), 0o700);
}

#[test]
fn a_folder_of_someone_else_is_refused() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let runtime = folder.path().join("run");
    fs::create_dir(&runtime).expect("makes a folder");
    let stranger = 54_321;
    if std::os::unix::fs::chown(&runtime, Some(stranger), None).is_err() {
        // Only root can make this case.
        return;
    }
    let run = patchd(folder.path()).output().expect("runs");
    assert_eq!(run.status.code(), Some(1));
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(said.contains("belongs to uid 54321"), "{said}");
}

#[test]
fn a_home_of_any_depth_works() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let home = folder.path().join("a".repeat(120)).join("b".repeat(120));
    fs::create_dir_all(&home).expect("makes folders");
    let rig = Rig::in_home(folder, &home);
    changed(rig.add("fix.py", PATCH));
    assert_eq!(rig.list().len(), 1);
}

#[test]
fn garbage_is_answered_and_harms_nobody() {
    let rig = Rig::new();
    for garbage in
        [&b"\n"[..], b"{}\n", b"[1, 2]\n", b"{\"client\":\"dance\"}\n", b"\xff\xfe\x00\n", b"{\"hook\":1}\n"]
    {
        let mut peer = rig.connect();
        peer.send_raw(garbage).expect("sends");
        let answer: serde_json::Value = peer.receive().expect("is answered");
        let known = answer["reply"] == "error" || answer["daemon"] == "refused";
        assert!(known, "{garbage:?}: {answer}");
    }
    let mut peer = rig.connect();
    let mut long = br#"{"hook":"hello","x":""#.to_vec();
    long.resize(3 << 20, b'x');
    let _ = peer.send_raw(&long);
    let refused = peer.receive::<serde_json::Value>();
    assert!(refused.is_err() || refused.is_ok_and(|answer| answer["reply"] == "error"));
    let mut half = rig.connect();
    half.send_raw(b"{\"client\":").expect("sends");
    drop(half);
    assert!(rig.list().is_empty(), "it still answers");
}

#[test]
fn another_protocol_is_told_so() {
    let rig = Rig::new();
    let mut peer = rig.connect();
    peer.send(&FromHook::Hello(Hello { protocol: 99, ..rig.hello() }));
    match peer.receive().expect("is answered") {
        ToHook::Refused { message } => assert!(message.contains("protocol"), "{message}"),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn who_never_reads_delays_nobody() {
    let rig = Rig::new();
    let (_deaf, _) = rig.link();
    let content: String = (0..2000).map(|number| format!("def f{number}():\n    return 2\n")).collect();
    for round in 0..200 {
        let header = format!("# /// patch\n# module = \"m{}\"\n# ///\n", "x".repeat(round + 1000));
        rig.write("a.py", &format!("{header}{content}"));
        rig.ask(&Request::List);
    }
    changed(rig.add("fix.py", PATCH));
    changed(rig.ask(&Request::Disable(change("fix"))));
    match rig.ask(&Request::Status) {
        Reply::Status(status) => assert!(status.memory < 100 << 20, "memory: {}", status.memory),
        other => panic!("no status: {other:?}"),
    }
}

#[test]
fn a_stop_is_clean() {
    let rig = Rig::new();
    changed(rig.add("fix.py", PATCH));
    assert!(matches!(rig.ask(&Request::Stop), Reply::Done));
    let (socket, index) = (rig.location.socket(), rig.location.index());
    eventually("no socket and no index", || {
        if socket.exists() || index.exists() { Err("still there".into()) } else { Ok(()) }
    });
}
