//! What the commands print, and what they end with, for given answers of a daemon. The daemon here is a
//! thread that says what it is told to; the real one is in the end-to-end tests.

use patchctl_protocol::client::{
    AuditReply, AuditedProcess, Changed, ErrorKind, ErrorReply, HeaderInfo, PatchInfo, PatchKind,
    ProcessInfo, ProcessOutcome, Reply, Request, Status, Verified,
};
use patchctl_protocol::digest::Digest;
use patchctl_protocol::framing;
use patchctl_protocol::location::{Location, Scope};
use patchctl_protocol::plan::{PatchRef, Stale};
use patchctl_protocol::socket;
use patchctl_protocol::state::{Reason, Refusal, State};
use std::io::BufReader;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

/// Runs `patchctl` against a daemon that answers each connection with the next of these replies; gives exit
/// code, stdout and stderr.
fn patchctl(words: &[&str], replies: Vec<Reply>) -> (i32, String, String) {
    let home = tempfile::tempdir().expect("makes a folder");
    let location = Location::home(home.path());
    std::fs::create_dir_all(&location.runtime).expect("makes folders");
    let listener = socket::bind(&location.socket()).expect("binds");
    let daemon = thread::spawn(move || {
        for reply in replies {
            let (stream, _) = listener.accept().expect("accepts");
            let mut reader = BufReader::new(stream);
            let _: Request = framing::read(&mut reader).expect("reads a request");
            framing::write(reader.get_mut(), &reply).expect("answers");
        }
    });
    std::fs::write(home.path().join("fix.diff"), "a patch").expect("writes");
    let output = program(home.path()).args(words).output().expect("runs");
    daemon.join().expect("the daemon was asked for all its replies");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("is text");
    (output.status.code().expect("ended by itself"), text(output.stdout), text(output.stderr))
}

fn program(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchctl"));
    command.current_dir(home).env("PATCHCTL_HOME", home).env("TZ", "UTC").stdin(Stdio::null());
    command
}

fn process(pid: u32) -> ProcessInfo {
    let command = ["/usr/bin/python3", "/srv/app.py"].map(str::to_owned).to_vec();
    ProcessInfo { pid, command, python: "3.11.7".into(), ..ProcessInfo::default() }
}

fn outcome(pid: u32, state: State, refusal: Option<Refusal>) -> ProcessOutcome {
    let functions = u32::from(state == State::Active) * 2;
    ProcessOutcome {
        process: process(pid),
        patch: PatchRef { id: "fix".into(), digest: Digest::default() },
        state: Some(state),
        refusal,
        functions,
        stale: Vec::new(),
        forced: None,
        pause_us: u64::from(functions) * 60,
    }
}

fn patch() -> PatchInfo {
    PatchInfo {
        id: "fix".into(),
        digest: Digest::default(),
        kind: PatchKind::Diff,
        file: "fix.diff".into(),
        link: None,
        enabled: true,
        expired: false,
        signed_by: None,
        broken: None,
        modules: vec!["shop.price".into()],
        header: HeaderInfo { cve: Some("CVE-2026-1".into()), ..HeaderInfo::default() },
        added_by: Some(0),
        added_at: Some(0.0),
        passed_over: Vec::new(),
    }
}

fn changed(processes: Vec<ProcessOutcome>) -> Reply {
    Reply::Changed(Changed { revision: 7, patches: vec![patch()], processes, notes: Vec::new() })
}

fn status() -> Reply {
    Reply::Status(Status {
        version: "0.1.0".into(),
        protocol: 1,
        pid: 1,
        scope: Scope::Home,
        socket: "/s".into(),
        patches_folder: "/p".into(),
        state_folder: "/st".into(),
        revision: 7,
        patches: 1,
        processes: 2,
        started_at: 0.0,
        off: false,
        memory: 1_000_000,
        problems: Vec::new(),
    })
}

#[test]
fn add_tells_one_line_a_process_and_a_summary() {
    let mut stale = outcome(11, State::Active, None);
    stale.stale.push(Stale {
        name: "Retry.DEFAULT".into(),
        line: 9,
        because: "Retry.__init__".into(),
        file: None,
    });
    let refusal = Refusal::new(Reason::VersionMismatch, "shop 2.0 is installed, the patch wants <2");
    let all = vec![stale, outcome(12, State::Waiting, None), outcome(13, State::Skipped, Some(refusal))];
    let (code, out, err) = patchctl(&["add", "fix.diff"], vec![changed(all)]);
    let expected = "\
fix added (shop.price, revision 7)
  patched         11  Python 3.11.7   python3 app.py  2 functions, pause 120 us
                      stale: Retry.DEFAULT (line 9, computed from Retry.__init__)
  waiting         12  Python 3.11.7   python3 app.py  module not imported yet
  skipped         13  Python 3.11.7   python3 app.py  version-mismatch: shop 2.0 is installed, the patch wants <2
1 patched, 1 waiting, 1 skipped, 0 failed
";
    assert_eq!(out, expected);
    assert!(err.contains("hint: version-mismatch: Nothing to do if"), "{err}");
    assert!(err.contains("`--renew NAME` or `--renew all`"), "{err}");
    assert_eq!(code, 1);
}

#[test]
fn add_ends_with_3_where_every_process_refused() {
    let refusal = Refusal::new(Reason::HunkConflict, "hunk 1");
    let all = vec![outcome(11, State::Skipped, Some(refusal)), outcome(12, State::Waiting, None)];
    let (code, out, _) = patchctl(&["--json", "add", "fix.diff"], vec![changed(all)]);
    let document: serde_json::Value = serde_json::from_str(&out).expect("is one document");
    assert_eq!(
        document["summary"],
        serde_json::json!({"patched": 0, "waiting": 1, "skipped": 1, "failed": 0})
    );
    assert_eq!(document["revision"], 7);
    assert_eq!(code, 3);
}

#[test]
fn an_error_has_its_hints_and_its_exit_code() {
    for (kind, expected) in [
        (ErrorKind::NotFound, 5),
        (ErrorKind::Invalid, 6),
        (ErrorKind::Conflict, 3),
        (ErrorKind::Denied, 7),
        (ErrorKind::Internal, 1),
    ] {
        let reply = ErrorReply { kind, message: "no".into(), hints: vec!["do this".into()], reason: None };
        let (code, out, err) = patchctl(&["show", "fix"], vec![Reply::Error(reply)]);
        assert_eq!((code, out.as_str(), err.as_str()), (expected, "", "error: no\nhint: do this\n"));
    }
}

#[test]
fn list_shows_each_patch() {
    let (code, out, _) = patchctl(&["list"], vec![Reply::Patches { patches: vec![patch()] }]);
    let expected = "\
PATCH  STATE    KIND  ADDED                EXPIRES  MODULES     REASON
fix    enabled  diff  1970-01-01 00:00:00  -        shop.price  CVE-2026-1
";
    assert_eq!((code, out.as_str()), (0, expected));
}

#[test]
fn audit_check_finds_a_process_that_does_not_answer() {
    let silent = AuditedProcess::unanswered(process(11));
    let audit = Reply::Audit(AuditReply { revision: 7, processes: vec![silent], patches: vec![patch()] });
    let (code, out, err) = patchctl(&["audit", "--check"], vec![status(), audit]);
    assert!(out.contains("unanswered"), "{out}");
    assert!(err.contains("process 11: did not answer in time"), "{err}");
    assert_eq!(code, 1);
}

#[test]
fn history_that_was_changed_ends_with_1() {
    let verified = Some(Verified { entries: 3, broken: Some((2, "its content was changed".into())) });
    let (code, out, _) =
        patchctl(&["history", "--verify"], vec![Reply::History { entries: Vec::new(), verified }]);
    assert_eq!((code, out.as_str()), (1, "broken: entry 2: its content was changed\n"));
}

#[test]
fn a_closed_pipe_is_success() {
    let home = tempfile::tempdir().expect("makes a folder");
    let (reader, writer) = std::io::pipe().expect("makes a pipe");
    drop(reader);
    let status = program(home.path()).arg("man").stdout(writer).status().expect("runs");
    assert_eq!(status.code(), Some(0));
}

#[test]
fn without_a_daemon_the_looking_commands_say_so() {
    let home = tempfile::tempdir().expect("makes a folder");
    for words in [&["list"][..], &["ps"], &["audit"], &["daemon", "status"]] {
        let output = program(home.path()).args(words).output().expect("runs");
        assert_eq!(output.status.code(), Some(4), "{words:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("no daemon is running"), "{words:?}");
    }
    assert_eq!(std::fs::read_dir(home.path()).expect("reads").count(), 0, "nothing was made");
}

#[test]
fn a_daemon_that_closes_the_connection_is_unreachable() {
    let home = tempfile::tempdir().expect("makes a folder");
    let location = Location::home(home.path());
    std::fs::create_dir_all(&location.runtime).expect("makes folders");
    let listener = socket::bind(&location.socket()).expect("binds");
    let daemon = thread::spawn(move || drop(listener.accept().expect("accepts")));
    let output = program(home.path()).arg("ps").output().expect("runs");
    daemon.join().expect("was asked");
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("lost the connection"));
}
