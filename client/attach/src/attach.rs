//! An attach from beginning to end: which way, in what order, for how long. Each way stands in its own
//! file.

use crate::boot::Load;
use crate::borrow::{Lender, Outcome, Try};
use crate::delivery::{self, Delivery};
use crate::leftover;
use crate::memory::Memory;
use crate::outcome::{Attached, Method, Options, Pause};
use crate::process::Process;
use crate::ptrace::in_own_thread;
use crate::refusal::{Refusal, Result};
use crate::remote_exec::RemoteExec;
use crate::runtime::Runtime;
use crate::scratch::Scratch;
use crate::site::Site;
use crate::stub::{State, block};
use crate::version::Version;
use crate::{nudge, thread_choice};
use std::fs;
use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Time between two looks.
const LOOK: Duration = Duration::from_micros(200);
/// How long a main thread that was woken may take to take up a request.
const WAKING: Duration = Duration::from_millis(100);
/// How long it may take where it has just begun.
const BEGUN: Duration = Duration::from_millis(20);
/// Name of the report in the delivery.
const REPORT: &str = "report";

/// Finds out whether a process can be attached to, without touching it.
///
/// # Errors
/// Why not.
pub fn examine(process: &Process) -> Result<Version> {
    process.check(false)?;
    let runtime = Runtime::find(process)?;
    RemoteExec::find(process, &runtime)?;
    Ok(runtime.version)
}

/// Loads the extension into a process and calls its `attach`.
///
/// # Errors
/// Why not; the process is as it was then.
pub fn attach(process: &Process, options: &Options) -> Result<Attached> {
    let deadline = Instant::now() + options.timeout;
    process.check(options.force)?;
    leftover::remove(process);
    let runtime = Runtime::find(process)?;
    let remote = RemoteExec::find(process, &runtime)?;
    let mut delivery = None;
    let extension = bring(process, options.extension, &mut delivery)?;
    let load = Load { extension: &extension, home: options.home };
    let mut attempt =
        Attempt { process, runtime: &runtime, load, deadline, options, pause: Pause::default() };
    let by_request = match remote {
        Some(remote) => attempt.by_request(remote, &mut delivery)?,
        None => None,
    };
    let (method, message) = match by_request {
        Some(message) => (Method::RemoteExec, message),
        None => (Method::Thread, attempt.by_thread()?),
    };
    match message.strip_prefix("ok ") {
        Some(python) => Ok(Attached { python: python.to_owned(), method, pause: attempt.pause }),
        None => Err(Refusal::LoadFailed { message: message.trim_start_matches("error ").to_owned() }),
    }
}

/// The extension's path in the target's view, after a copy where it does not see or may not read it.
fn bring(process: &Process, extension: &Path, delivery: &mut Option<Delivery>) -> Result<String> {
    let failed = Refusal::system("read the extension");
    let canonical = fs::canonicalize(extension).map_err(&failed)?;
    if let Some(path) = canonical.to_str()
        && delivery::shares_files(process)
        && delivery::may_read(&canonical, process)
    {
        return Ok(path.to_owned());
    }
    let content = fs::read(&canonical).map_err(&failed)?;
    let made = delivery.insert(Delivery::new(process)?);
    made.put(process, "_native.abi3.so", &content)
}

struct Attempt<'a> {
    process: &'a Process,
    runtime: &'a Runtime,
    load: Load<'a>,
    deadline: Instant,
    options: &'a Options<'a>,
    pause: Pause,
}

impl Attempt<'_> {
    /// By PEP 768; `None`: it had no effect, or could have none.
    fn by_request(&mut self, remote: RemoteExec, delivery: &mut Option<Delivery>) -> Result<Option<String>> {
        if !thread_choice::main_waits(self.process, self.runtime) {
            return Ok(None);
        }
        let delivery = match delivery {
            Some(there) => there,
            None => delivery.insert(Delivery::new(self.process)?),
        };
        let text = self.load.script(&delivery.path(REPORT));
        let script = delivery.put(self.process, "boot.py", text.as_bytes())?;
        if !self.knock(&remote, &script)? {
            return Ok(None);
        }
        if let Some(message) = self.await_report(delivery, WAKING) {
            return Ok(Some(message));
        }
        if remote.is_pending()? {
            remote.clear()?;
            // It may have been taken up at this very moment.
            return Ok(self.await_report(delivery, BEGUN));
        }
        let left = self.deadline.saturating_duration_since(Instant::now());
        let late = Refusal::NotReached { waited: self.options.timeout, held: "a call into C holds the GIL" };
        self.await_report(delivery, left).map(Some).ok_or(late)
    }

    fn await_report(&self, delivery: &Delivery, patience: Duration) -> Option<String> {
        let deadline = (Instant::now() + patience).min(self.deadline);
        loop {
            if let Some(message) = delivery.take(REPORT) {
                return Some(message);
            }
            if Instant::now() >= deadline {
                return None;
            }
            sleep(LOOK);
        }
    }

    /// Makes the request while the main thread is held, and wakes it for it.
    fn knock(&mut self, remote: &RemoteExec, script: &str) -> Result<bool> {
        let (pid, runtime) = (self.process.pid, self.runtime);
        let failed = self.process.inaccessible("trace it");
        let knock = || nudge::nudge(pid, runtime, Memory::of(pid), &|| remote.send(script)).map_err(&failed);
        let (sent, held) = in_own_thread(knock)?;
        self.pause.note(held);
        sent
    }

    /// By a thread of its own.
    fn by_thread(&mut self) -> Result<String> {
        let text = self.load.text();
        let site = Site::find(Memory::of(self.process.pid), self.runtime)?;
        let lender = Lender { pid: self.process.pid, runtime: self.runtime, site, text: &text };
        let scratch = self.borrow_some_thread(&lender)?;
        scratch.set(block::GO).map_err(Refusal::system("start the thread in it"))?;
        let outcome = self.await_helper(&scratch);
        // A helper that waits for this would leave by itself a little later.
        let _ = scratch.set(block::READ);
        outcome
    }

    fn borrow_some_thread(&mut self, lender: &Lender) -> Result<Scratch> {
        let mut last = "no thread in a suitable place";
        let mut rest = LOOK;
        loop {
            for thread in thread_choice::candidates(self.process, self.runtime)? {
                match self.borrow(lender, thread)? {
                    Outcome::Started(scratch) => return Ok(scratch),
                    Outcome::Unsafe(reason) => last = reason,
                    Outcome::Failed(refusal) => return Err(refusal),
                }
                if Instant::now() >= self.deadline {
                    break;
                }
            }
            if Instant::now() >= self.deadline {
                let waited = self.options.timeout;
                return Err(Refusal::NoSafeMoment { waited, last: last.to_owned() });
            }
            sleep(rest);
            rest = (rest * 2).min(LOOK * 25);
        }
    }

    fn borrow(&mut self, lender: &Lender, thread: i32) -> Result<Outcome> {
        let failed = self.process.inaccessible("trace it");
        let tried = in_own_thread(|| Ok(lender.borrow(thread)))?;
        match tried {
            Ok(Try { outcome, held }) => {
                self.pause.note(held);
                Ok(outcome)
            }
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) && self.process.is_there() => {
                Ok(Outcome::Unsafe("the thread ended"))
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn await_helper(&self, scratch: &Scratch) -> Result<String> {
        let gone = |error: io::Error| match self.process.is_there() {
            true => Refusal::System { doing: "hear from the thread in it", source: error },
            false => Refusal::NoSuchProcess,
        };
        loop {
            let state = scratch.state().map_err(gone)?;
            match state {
                State::Done => return scratch.message().map_err(gone),
                State::Broken => {
                    return Err(Refusal::LoadFailed { message: "the interpreter could not run it".into() });
                }
                State::NotInitialised => return Err(Refusal::NotInitialised),
                State::NotBegun | State::WaitsForGil | State::Runs if Instant::now() < self.deadline => {
                    sleep(LOOK);
                }
                State::Runs => {
                    return Err(Refusal::NotReached {
                        waited: self.options.timeout,
                        held: "the extension is being loaded",
                    });
                }
                State::NotBegun | State::WaitsForGil | State::Cancelled | State::GaveUp => {
                    scratch.set(block::CANCEL).map_err(gone)?;
                    return Err(Refusal::NotReached {
                        waited: self.options.timeout,
                        held: "a call into C holds the GIL",
                    });
                }
            }
        }
    }
}
