//! An import's question: the plan of one module, on a connection of its own, with a deadline. The import
//! holds the module's import lock meanwhile, so no answer in time means: go on unpatched, the live path
//! follows, and later imports do not wait for a while.

use crate::place;
use patchctl_protocol::framing;
use patchctl_protocol::hook::{
    FromHook, Hello, ModuleFacts, ModulePlan, Outcome, Phase, PlanRequest, ToHook,
};
use patchctl_protocol::plan::PatchRef;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Longest time that an import waits for its plan.
const PATIENCE: Duration = Duration::from_millis(500);
/// A daemon that gave no answer is not asked again for so many seconds.
const SILENCE: u64 = 10;
/// Until when it is not asked, in seconds of the monotonic clock. No lock: a fork may come at any time.
static SILENT_UNTIL: AtomicU64 = AtomicU64::new(0);

/// Asks for a module's plan; `source` is called if the daemon can't read it. Call without the GIL.
/// `None` if there is no answer in time.
pub fn plan(
    facts: ModuleFacts,
    excluded: Vec<PatchRef>,
    hello: Hello,
    source: impl FnOnce() -> Option<String>,
) -> Option<ModulePlan> {
    if seconds() < SILENT_UNTIL.load(Ordering::Relaxed) {
        return None;
    }
    let deadline = Instant::now() + PATIENCE;
    let request =
        PlanRequest { request: 1, phase: Phase::Import, modules: vec![facts], excluded, hello: Some(hello) };
    let reply = converse(request, source, deadline);
    if reply.is_none() && Instant::now() >= deadline {
        SILENT_UNTIL.store(seconds() + SILENCE, Ordering::Relaxed);
    }
    reply
}

fn converse(
    mut request: PlanRequest,
    source: impl FnOnce() -> Option<String>,
    deadline: Instant,
) -> Option<ModulePlan> {
    let stream = place::connect(PATIENCE).ok()?;
    let reply = exchange(&stream, &request, deadline)?;
    if !matches!(reply.outcome, Outcome::NeedsSource) {
        return Some(reply);
    }
    request.request = 2;
    request.modules[0].source = Some(source().unwrap_or_default());
    exchange(&stream, &request, deadline)
}

fn seconds() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or(0)
}

/// A stream with one deadline over all reads and writes, however little each of them brings.
struct Bounded<'a> {
    stream: &'a UnixStream,
    deadline: Instant,
}

impl Bounded<'_> {
    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(buffer)
    }
}

impl Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn exchange(stream: &UnixStream, request: &PlanRequest, deadline: Instant) -> Option<ModulePlan> {
    let mut stream = Bounded { stream, deadline };
    stream.write_all(&framing::to_line(&FromHook::Plan(request.clone())).ok()?).ok()?;
    let mut reader = BufReader::new(stream);
    match framing::read::<_, ToHook>(&mut reader).ok()? {
        ToHook::Plans(reply) if reply.request == request.request => reply.modules.into_iter().next(),
        _ => None,
    }
}
