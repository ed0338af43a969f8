//! An import's question: the plan of one module, on a connection of its own, with a deadline. The import
//! holds the module's import lock meanwhile, so no answer in time means: go on unpatched, the live path
//! follows, and later imports do not wait for a while.

use crate::{hello, place};
use patchctl_protocol::framing;
use patchctl_protocol::hook::{FromHook, ModuleFacts, ModulePlan, Outcome, Phase, PlanRequest, ToHook};
use patchctl_protocol::plan::PatchRef;
use pyo3::prelude::*;
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

/// A question on its way: asked when a module is found, answered while its code is read.
pub struct Question {
    stream: UnixStream,
    request: PlanRequest,
}

impl Question {
    /// Asks for a module's plan without the `excluded` patches, with the GIL released. `None` without a daemon that listens.
    pub fn ask(py: Python<'_>, facts: ModuleFacts, phase: Phase, excluded: Vec<PatchRef>) -> Option<Self> {
        if seconds() < SILENT_UNTIL.load(Ordering::Relaxed) {
            return None;
        }
        let request = PlanRequest {
            request: 1,
            phase,
            modules: vec![facts],
            excluded,
            hello: Some(hello::fresh(py, false)),
        };
        conversing(py, |deadline| {
            let question = Self { stream: place::connect(PATIENCE).ok()?, request };
            question.send(deadline)?;
            Some(question)
        })
    }

    /// The answer, awaited with the GIL released; `source` is called if the daemon can't read the module's.
    /// `None` if there is no answer in time.
    pub fn answer(
        mut self,
        py: Python<'_>,
        source: impl FnOnce(Python<'_>) -> Option<String>,
    ) -> Option<ModulePlan> {
        let reply = conversing(py, |deadline| self.receive(deadline))?;
        if !matches!(reply.outcome, Outcome::NeedsSource) {
            return Some(reply);
        }
        self.request.request = 2;
        self.request.modules[0].source = Some(source(py).unwrap_or_default());
        conversing(py, |deadline| {
            self.send(deadline)?;
            self.receive(deadline)
        })
    }

    fn send(&self, deadline: Instant) -> Option<()> {
        let line = framing::to_line(&FromHook::Plan(self.request.clone())).ok()?;
        Bounded { stream: &self.stream, deadline }.write_all(&line).ok()
    }

    fn receive(&self, deadline: Instant) -> Option<ModulePlan> {
        let mut reader = BufReader::new(Bounded { stream: &self.stream, deadline });
        match framing::read::<_, ToHook>(&mut reader).ok()? {
            ToHook::Plans(reply) if reply.request == self.request.request => reply.modules.into_iter().next(),
            _ => None,
        }
    }
}

/// Converses with the daemon, with the GIL released, until the deadline that is given; if it was silent that
/// long, it is not asked for a while.
fn conversing<T: Send>(py: Python<'_>, converse: impl FnOnce(Instant) -> Option<T> + Send) -> Option<T> {
    let deadline = Instant::now() + PATIENCE;
    let reply = py.detach(|| converse(deadline));
    if reply.is_none() && Instant::now() >= deadline {
        SILENT_UNTIL.store(seconds() + SILENCE, Ordering::Relaxed);
    }
    reply
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
