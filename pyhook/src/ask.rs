//! An import's question: the plan of one module, on a connection of its own, with a deadline. The import
//! holds the module's import lock meanwhile, so no answer in time means: go on unpatched, the live path
//! follows.

use crate::place;
use patchctl_protocol::framing;
use patchctl_protocol::hook::{
    FromHook, Hello, ModuleFacts, ModulePlan, Outcome, Phase, PlanRequest, ToHook,
};
use patchctl_protocol::plan::PatchRef;
use std::io::{BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// Longest time that an import waits for its plan.
const PATIENCE: Duration = Duration::from_millis(500);

/// Asks for a module's plan; `source` is called if the daemon can't read it. Call without the GIL.
/// `None` if there is no answer in time.
pub fn plan(
    facts: ModuleFacts,
    excluded: Vec<PatchRef>,
    hello: Hello,
    source: impl FnOnce() -> Option<String>,
) -> Option<ModulePlan> {
    let deadline = Instant::now() + PATIENCE;
    let stream = place::connect().ok()?;
    let mut request =
        PlanRequest { request: 1, phase: Phase::Import, modules: vec![facts], excluded, hello: Some(hello) };
    let reply = exchange(&stream, &request, deadline)?;
    if !matches!(reply.outcome, Outcome::NeedsSource) {
        return Some(reply);
    }
    request.request = 2;
    request.modules[0].source = Some(source().unwrap_or_default());
    exchange(&stream, &request, deadline)
}

fn exchange(mut stream: &UnixStream, request: &PlanRequest, deadline: Instant) -> Option<ModulePlan> {
    let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
    stream.set_write_timeout(Some(left)).ok()?;
    // One line that trickles in byte by byte could outlast the deadline; the daemon is ours and writes at once.
    stream.set_read_timeout(Some(left)).ok()?;
    stream.write_all(&framing::to_line(&FromHook::Plan(request.clone())).ok()?).ok()?;
    let mut reader = BufReader::new(stream);
    match framing::read::<_, ToHook>(&mut reader).ok()? {
        ToHook::Plans(reply) if reply.request == request.request => reply.modules.into_iter().next(),
        _ => None,
    }
}
