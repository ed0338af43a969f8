//! A real patchd in a folder of its own, and peers that speak the protocol to it.

use patchctl_protocol::client::{AddRequest, ChangeRequest, Changed, NewFile, PatchInfo, Reply, Request};
use patchctl_protocol::framing;
use patchctl_protocol::hook::{Desired, FromHook, Hello, PatchReport, PlanRequest, Report, ToHook};
use patchctl_protocol::location::Location;
use patchctl_protocol::plan::PatchRef;
use patchctl_protocol::socket;
use patchctl_protocol::state::State;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest that anything here waits.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// Polls until `look` says it is there; shows what was seen last if it never is.
pub fn eventually<T: Debug>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        match look() {
            Ok(value) => return value,
            Err(seen) => assert!(Instant::now() < end, "waited for {what}; last seen: {seen}"),
        }
        std::thread::yield_now();
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// A daemon in a scratch folder; it ends with this value.
pub struct Rig {
    pub folder: tempfile::TempDir,
    pub location: Location,
    child: Child,
}

impl Rig {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("makes a folder");
        let home = folder.path().join("home");
        std::fs::create_dir(&home).expect("makes a home");
        Self::in_home(folder, &home)
    }

    pub fn in_home(folder: tempfile::TempDir, home: &Path) -> Self {
        let location = Location::home(home);
        let child = spawn(home);
        let rig = Self { folder, location, child };
        rig.wait_until_it_answers();
        rig
    }

    fn wait_until_it_answers(&self) {
        eventually("the daemon", || {
            socket::connect(&self.location.socket()).map(drop).map_err(|error| error.to_string())
        });
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills the daemon without warning and starts another one.
    pub fn kill_and_restart(&mut self) {
        self.stop_and(|_| {});
    }

    /// Stops the daemon, does something, and starts another one.
    pub fn stop_and(&mut self, work: impl FnOnce(&Self)) {
        self.child.kill().expect("kills");
        self.child.wait().expect("waits");
        work(self);
        self.child = spawn(self.home());
        self.wait_until_it_answers();
    }

    pub fn home(&self) -> &Path {
        self.location.patches.parent().expect("has a home")
    }

    pub fn connect(&self) -> Peer {
        Peer::new(socket::connect(&self.location.socket()).expect("connects"))
    }

    /// Asks and passes over progress.
    pub fn ask(&self, request: &Request) -> Reply {
        let mut peer = self.connect();
        peer.send(request);
        peer.last_reply()
    }

    pub fn add(&self, name: &str, content: &str) -> Reply {
        self.ask(&Request::Add(AddRequest { files: vec![file(name, content)], ..AddRequest::default() }))
    }

    pub fn remove(&self, id: &str) -> Reply {
        self.ask(&Request::Remove(change(id)))
    }

    pub fn list(&self) -> Vec<PatchInfo> {
        match self.ask(&Request::List) {
            Reply::Patches { patches } => patches,
            other => panic!("no list: {other:?}"),
        }
    }

    pub fn write(&self, name: &str, content: &str) {
        let path = self.location.patches.join(name);
        std::fs::write(&path, content).expect("writes");
        private(&path);
    }

    /// Writes a module into a folder of the rig that stands for `site-packages`.
    pub fn module(&self, name: &str, content: &str) -> PathBuf {
        let site = self.folder.path().join("site");
        let path = site.join(name);
        std::fs::create_dir_all(path.parent().expect("has a folder")).expect("makes folders");
        std::fs::write(&path, content).expect("writes");
        path
    }

    pub fn hello(&self) -> Hello {
        Hello {
            protocol: patchctl_protocol::PROTOCOL,
            python: "3.11.7".into(),
            search_path: vec![self.folder.path().join("site").to_string_lossy().into_owned()],
            ..Hello::default()
        }
    }

    /// A linked hook, with its first desired state.
    pub fn link(&self) -> (Peer, Desired) {
        let mut peer = self.connect();
        peer.send(&FromHook::Hello(self.hello()));
        let desired = peer.desired();
        (peer, desired)
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(home: &Path) -> Child {
    patchd(home).stderr(Stdio::null()).spawn().expect("starts patchd")
}

/// A command that runs patchd in a home.
pub fn patchd(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchd"));
    command.arg("--home").arg(home).stdin(Stdio::null());
    command
}

pub fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("sets the mode");
}

pub fn file(name: &str, content: &str) -> NewFile {
    NewFile { name: name.into(), id: None, content: content.into(), link: None, strip: None }
}

pub fn change(id: &str) -> ChangeRequest {
    ChangeRequest { ids: vec![id.into()], ..ChangeRequest::default() }
}

pub fn changed(reply: Reply) -> Changed {
    match reply {
        Reply::Changed(changed) => changed,
        other => panic!("not changed: {other:?}"),
    }
}

/// The message of a refusal.
pub fn refused(reply: Reply) -> patchctl_protocol::client::ErrorReply {
    match reply {
        Reply::Error(error) => error,
        other => panic!("not refused: {other:?}"),
    }
}

/// One end of a connection to the daemon.
pub struct Peer {
    stream: UnixStream,
    reader: BufReader<UnixStream>,
}

impl Peer {
    fn new(stream: UnixStream) -> Self {
        stream.set_read_timeout(Some(DEADLINE)).expect("sets a deadline");
        stream.set_write_timeout(Some(DEADLINE)).expect("sets a deadline");
        let reader = BufReader::new(stream.try_clone().expect("clones"));
        Self { stream, reader }
    }

    pub fn send<M: Serialize>(&mut self, message: &M) {
        framing::write(&mut self.stream, message).expect("sends");
    }

    pub fn send_raw(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        use std::io::Write;
        self.stream.write_all(bytes)
    }

    pub fn receive<M: DeserializeOwned>(&mut self) -> Result<M, framing::ReadError> {
        framing::read(&mut self.reader)
    }

    /// Whether nothing comes for a while.
    pub fn hears_nothing_for(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).expect("sets a deadline");
        let heard = self.reader.fill_buf().is_ok();
        self.stream.set_read_timeout(Some(DEADLINE)).expect("sets a deadline");
        !heard
    }

    pub fn last_reply(&mut self) -> Reply {
        loop {
            match self.receive().expect("replies") {
                Reply::Progress(_) => {}
                reply => return reply,
            }
        }
    }

    pub fn desired(&mut self) -> Desired {
        match self.receive().expect("tells") {
            ToHook::Desired(desired) => desired,
            other => panic!("no desired state: {other:?}"),
        }
    }

    /// Says what became of a revision, one patch after another.
    pub fn report(&mut self, revision: u64, patches: &[(PatchRef, State)]) {
        let patches = patches.iter().map(|(patch, state)| PatchReport {
            patch: patch.clone(),
            state: *state,
            refusal: None,
            since: None,
            forced: None,
            modules: Vec::new(),
        });
        let report = Report { revision, patches: patches.collect(), ..Report::default() };
        self.send(&FromHook::Report(report));
    }

    pub fn plan(&mut self, request: PlanRequest) -> patchctl_protocol::hook::PlanReply {
        self.send(&FromHook::Plan(request));
        match self.receive().expect("plans") {
            ToHook::Plans(plans) => plans,
            other => panic!("no plans: {other:?}"),
        }
    }
}
