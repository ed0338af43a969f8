//! Borrowing a thread for the one call that starts the helper: two system calls for memory, the call,
//! and everything put back. Other threads run on meanwhile.
//!
//! At each step the thread's own stack pointer leads back into a signal frame (or the code that it runs
//! ends there), so that a target whose tracer is killed goes on by itself. The order matters: registers
//! lead into the frame *before* signals are blocked, and the mask is back *before* they lead out again.

use crate::frame::{Frame, Saved};
use crate::memory::Memory;
use crate::ptrace::{Registers, Resume, Stop, Tracee};
use crate::refusal::Refusal;
use crate::runtime::Runtime;
use crate::scratch::Scratch;
use crate::site::Site;
use crate::stub::block;
use crate::thread_choice;
use std::io;
use std::time::{Duration, Instant};

/// How long a thread may take to stop before another moment is tried.
const STOPPING: Duration = Duration::from_millis(100);
/// How long a step in the target may take: no more than the scheduler needs on a busy machine.
const STEP: Duration = Duration::from_secs(2);
/// How long the call may wait for a lock before it is taken back.
const CALL: Duration = Duration::from_millis(500);
/// How long it may run in any case.
const LONGEST_CALL: Duration = Duration::from_secs(10);
/// Time between two looks at the call.
const LOOK: Duration = Duration::from_micros(20);

const MMAP: u64 = 9;
const MUNMAP: u64 = 11;
const PAGE: u64 = 4096;
/// Direction, trap and alignment-check flags.
const UNWANTED_FLAGS: u64 = 0x400 | 0x100 | 0x4_0000;

/// What is needed to borrow.
#[derive(Clone, Copy, Debug)]
pub struct Lender<'a> {
    pub pid: i32,
    pub runtime: &'a Runtime,
    pub site: Site,
    /// What the helper is to run: Python source.
    pub text: &'a str,
}

/// What came of one try.
#[derive(Debug)]
pub enum Outcome {
    /// The helper exists and waits for its start.
    Started(Scratch),
    /// Not this thread, not now.
    Unsafe(&'static str),
    Failed(Refusal),
}

/// One try, and how long the thread was held.
#[derive(Debug)]
pub struct Try {
    pub outcome: Outcome,
    pub held: Duration,
}

impl Lender<'_> {
    /// Tries with one thread. To be called in a thread that ends soon, see [`crate::ptrace`].
    ///
    /// # Errors
    /// The error of seizing it: gone, or not allowed.
    pub fn borrow(&self, thread: i32) -> io::Result<Try> {
        crate::priority::raise();
        let tracee = Tracee::seize(thread)?;
        let begun = Instant::now();
        let outcome = self.hold(tracee).unwrap_or_else(|error| match error.raw_os_error() {
            // It ended meanwhile, or the whole process did.
            Some(libc::ESRCH | libc::ECHILD) => Outcome::Unsafe("the thread ended"),
            _ => Outcome::Failed(Refusal::system("trace it")(error)),
        });
        Ok(Try { outcome, held: begun.elapsed() })
    }

    fn hold(&self, mut tracee: Tracee) -> io::Result<Outcome> {
        match tracee.stop(STOPPING)? {
            Some(Stop::Interrupted) => {}
            Some(Stop::Group) => return Ok(Outcome::Failed(Refusal::Stopped { pid: self.pid })),
            Some(Stop::Ended) => return Ok(Outcome::Unsafe("the thread ended")),
            _ => return Ok(Outcome::Unsafe("in an uninterruptible sleep")),
        }
        let registers = tracee.registers()?;
        let memory = Memory::of(self.pid);
        if let Err(reason) = thread_choice::judge(self.runtime, memory, &registers, self.site.restorer) {
            tracee.detach()?;
            return Ok(Outcome::Unsafe(reason));
        }
        let saved = Saved { registers, xstate: tracee.xstate()?, mask: tracee.signal_mask()? };
        let frame = saved.frame(self.site.restorer);
        if memory.write(frame.address, &frame.bytes).is_err() {
            tracee.detach()?;
            return Ok(Outcome::Unsafe("no room on its stack"));
        }
        Loan { lender: self, memory, tracee, saved, frame }.carry_out()
    }
}

/// A thread that is held.
struct Loan<'a> {
    lender: &'a Lender<'a>,
    memory: Memory,
    tracee: Tracee,
    saved: Saved,
    frame: Frame,
}

impl Loan<'_> {
    fn carry_out(mut self) -> io::Result<Outcome> {
        let scratch = match self.map()? {
            Ok(scratch) => scratch,
            Err(error) => {
                self.give_back()?;
                return Ok(Outcome::Failed(Refusal::System { doing: "map memory in it", source: error }));
            }
        };
        match self.call(&scratch)? {
            Called::Returned(0) => {
                self.leave(&scratch)?;
                Ok(Outcome::Started(scratch))
            }
            Called::Returned(error) => {
                self.unmap(&scratch)?;
                self.give_back()?;
                let source = io::Error::from_raw_os_error(error);
                Ok(Outcome::Failed(Refusal::System { doing: "start a thread in it", source }))
            }
            Called::Hangs => {
                // Whatever it waits for, it holds no lock that it did not hold before.
                self.give_back()?;
                Ok(Outcome::Unsafe("waits for a lock of the C library"))
            }
        }
    }

    /// Maps the scratch memory: first all of it as data, then its last page as code. Never both.
    fn map(&mut self) -> io::Result<std::result::Result<Scratch, io::Error>> {
        let size = Scratch::size(self.lender.text);
        let private = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let data = libc::PROT_READ | libc::PROT_WRITE;
        let start = match self.map_one(0, size, data, private)? {
            Ok(start) => start,
            Err(error) => return Ok(Err(error)),
        };
        let scratch = Scratch { memory: self.memory, start, size };
        let code = libc::PROT_READ | libc::PROT_EXEC;
        let mapped = self.map_one(scratch.code(), PAGE, code, private | libc::MAP_FIXED)?;
        let filled = mapped.and_then(|_| {
            scratch.fill(self.lender.runtime, self.lender.text, self.frame.address)?;
            self.tracee.poke(scratch.code(), crate::stub::code())
        });
        match filled {
            Ok(()) => Ok(Ok(scratch)),
            Err(error) => {
                self.unmap(&scratch)?;
                Ok(Err(error))
            }
        }
    }

    fn map_one(
        &mut self,
        start: u64,
        size: u64,
        protection: i32,
        flags: i32,
    ) -> io::Result<std::result::Result<u64, io::Error>> {
        let unsigned = |value: i32| u64::from(value.cast_unsigned());
        self.system_call([MMAP, start, size, unsigned(protection), unsigned(flags), u64::MAX, 0])
    }

    fn unmap(&mut self, scratch: &Scratch) -> io::Result<()> {
        if self.tracee.stop(STEP)? != Some(Stop::Interrupted) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        // A thread that left by itself has nothing to give back, and its scratch memory stays.
        if scratch.word(block::LEFT).unwrap_or(1) == 0 {
            self.system_call([MUNMAP, scratch.start, scratch.size, 0, 0, 0, 0])?.ok();
        }
        Ok(())
    }

    /// Makes the stopped thread do a system call: number and six arguments. Without us it would return
    /// into the frame right after it.
    fn system_call(&mut self, call: [u64; 7]) -> io::Result<std::result::Result<u64, io::Error>> {
        let [rax, rdi, rsi, rdx, r10, r8, r9] = call;
        let rip = self.lender.site.gate;
        let base = self.base_registers(rip, self.frame.address);
        self.tracee.set_registers(&Registers { rax, rdi, rsi, rdx, r10, r8, r9, ..base })?;
        self.tracee.set_signal_mask(u64::MAX)?;
        self.until_system_call()?;
        self.until_system_call()?;
        let result = self.tracee.registers()?.rax.cast_signed();
        Ok(match result {
            -4095..0 => Err(io::Error::from_raw_os_error(i32::try_from(-result).unwrap_or(libc::EINVAL))),
            result => Ok(result.cast_unsigned()),
        })
    }

    fn base_registers(&self, rip: u64, rsp: u64) -> Registers {
        let eflags = self.saved.registers.eflags & !UNWANTED_FLAGS;
        Registers { rip, rsp, eflags, orig_rax: u64::MAX, ..self.saved.registers }
    }

    fn until_system_call(&mut self) -> io::Result<()> {
        let mut signal = 0;
        loop {
            self.tracee.go_on(Resume::ToSystemCall, signal)?;
            match self.tracee.wait(STEP)? {
                Some(Stop::SystemCall) => return Ok(()),
                Some(Stop::Signal(number)) => signal = number,
                // Job control stops the process again as soon as this thread is let go.
                Some(Stop::Group | Stop::Interrupted) => signal = 0,
                Some(Stop::Ended) => return Err(io::Error::from_raw_os_error(libc::ESRCH)),
                None => return Err(io::ErrorKind::TimedOut.into()),
            }
        }
    }

    /// Calls `pthread_create`, and leaves the thread spinning.
    fn call(&mut self, scratch: &Scratch) -> io::Result<Called> {
        let base = self.base_registers(scratch.code(), scratch.stack_top());
        self.tracee.set_xstate(&self.saved.clean_xstate())?;
        self.tracee.set_registers(&Registers { rbx: scratch.start, ..base })?;
        self.tracee.go_on(Resume::Freely, 0)?;
        let begun = Instant::now();
        while scratch.word(block::CALLED)? == 0 {
            match self.tracee.wait(LOOK)? {
                None if begun.elapsed() < CALL => {}
                None if begun.elapsed() > LONGEST_CALL => return Err(io::ErrorKind::TimedOut.into()),
                None => {
                    if self.hangs()? {
                        return Ok(Called::Hangs);
                    }
                }
                Some(Stop::Ended) => return Err(io::Error::from_raw_os_error(libc::ESRCH)),
                // SIGSTOP is passed on. Nothing else gets through the mask but a fault of the call.
                Some(Stop::Signal(libc::SIGSTOP)) => self.tracee.go_on(Resume::Freely, libc::SIGSTOP)?,
                Some(Stop::Signal(_)) => return Ok(Called::Hangs),
                Some(_) => self.tracee.go_on(Resume::Freely, 0)?,
            }
        }
        Ok(Called::Returned(scratch.word(block::RESULT)?.cast_signed()))
    }

    /// Whether a call that takes long waits for a lock, instead of for the scheduler.
    fn hangs(&mut self) -> io::Result<bool> {
        if self.tracee.stop(STEP)? != Some(Stop::Interrupted) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let waits = crate::frame::blocked_in(&self.tracee.registers()?).is_some();
        if !waits {
            self.tracee.go_on(Resume::Freely, 0)?;
        }
        Ok(waits)
    }

    /// Puts everything back after a call that succeeded, unless the thread left by itself.
    fn leave(&mut self, scratch: &Scratch) -> io::Result<()> {
        match self.tracee.stop(STEP)? {
            Some(Stop::Interrupted | Stop::Group) => {}
            Some(Stop::Ended) => return Ok(()),
            _ => return Err(io::ErrorKind::TimedOut.into()),
        }
        if scratch.word(block::LEFT)? == 0 {
            return self.restore();
        }
        self.tracee.detach()
    }

    /// Puts everything back from any stop.
    fn give_back(&mut self) -> io::Result<()> {
        match self.tracee.stop(STEP)? {
            Some(Stop::Interrupted | Stop::Group) => self.restore(),
            _ => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// At a stop in the kernel's signal path, so that an interrupted system call is restarted.
    fn restore(&mut self) -> io::Result<()> {
        self.tracee.set_xstate(&self.saved.xstate)?;
        self.tracee.set_signal_mask(self.saved.mask)?;
        self.tracee.set_registers(&self.saved.registers)?;
        // Or the next attach would take it for a handler's.
        self.memory.write(self.frame.address, &0_u64.to_ne_bytes())?;
        self.tracee.detach()
    }
}

enum Called {
    /// With 0, or the number of an error.
    Returned(i32),
    Hangs,
}
