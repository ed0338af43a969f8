//! CPython's own remote debugging interface (PEP 768, 3.14 and later): a request is written into the
//! interpreter's memory, and its main thread runs a script file at its next safe point. Nothing is
//! stopped for it. Layout: `_Py_DebugOffsets` of CPython's `pycore_debug_offsets.h`; the sender that
//! belongs to CPython is `Python/remote_debug.h`.

use crate::memory::Memory;
use crate::process::Process;
use crate::refusal::{Refusal, Result};
use crate::runtime::Runtime;

/// Bit of the evaluation breaker: `_PY_EVAL_PLEASE_STOP_BIT`.
const PLEASE_STOP: u8 = 1 << 5;
/// Words of the offsets that are the same in all versions: where the runtime has its interpreters, and
/// an interpreter its main thread.
const INTERPRETERS: usize = 5;
const MAIN_THREAD: usize = 10;

/// Where the parts stand that differ: (minor version, `thread_state.native_thread_id`, first word of
/// `debugger_support`).
const LAYOUTS: [(u8, usize, usize); 2] = [(14, 28, 89), (15, 31, 105)];

/// The places to write to.
#[derive(Clone, Copy, Debug)]
pub struct RemoteExec {
    memory: Memory,
    evaluation_breaker: u64,
    pending: u64,
    script: u64,
    script_size: u64,
}

impl RemoteExec {
    /// Finds them; `None` where the interpreter has no such interface, or one of unknown layout.
    ///
    /// # Errors
    /// That its owner switched it off.
    pub fn find(process: &Process, runtime: &Runtime) -> Result<Option<Self>> {
        let layout = LAYOUTS.iter().find(|(minor, ..)| *minor == runtime.version.minor);
        let (Some(base), Some((_, native_id, support)), true) =
            (runtime.debug_offsets, layout, runtime.version.is_final)
        else {
            return Ok(None);
        };
        let memory = Memory::of(process.pid);
        let failed = Refusal::system("read its runtime");
        let offsets = memory.words(base, support + 6).map_err(&failed)?;
        let interpreter = memory.u64(base + offsets[INTERPRETERS]).map_err(&failed)?;
        let not_ready = |_| Refusal::NotInitialised;
        let thread = memory.u64(interpreter + offsets[MAIN_THREAD]).map_err(not_ready)?;
        let native = memory.u64(thread + offsets[*native_id]).map_err(not_ready)?;
        let enabled = memory.u32(interpreter + offsets[support + 2]).map_err(not_ready)?;
        if u64::try_from(process.inner_pid) != Ok(native) {
            // The main interpreter runs in no main thread: embedded.
            return Ok(None);
        }
        if enabled != 1 {
            return Err(Refusal::RemoteDebuggingOff);
        }
        let own = thread + offsets[support + 1];
        Ok(Some(Self {
            memory,
            evaluation_breaker: thread + offsets[*support],
            pending: own + offsets[support + 3],
            script: own + offsets[support + 4],
            script_size: offsets[support + 5],
        }))
    }

    /// Asks for a script file to be run. `false`: its path is too long, or another request is pending.
    ///
    /// # Errors
    /// That the process is gone.
    pub fn send(&self, script: &str) -> Result<bool> {
        if script.len() as u64 >= self.script_size || self.is_pending()? {
            return Ok(false);
        }
        let failed = Refusal::system("write its runtime");
        let mut path = script.as_bytes().to_vec();
        path.push(0);
        self.memory.write(self.script, &path).map_err(&failed)?;
        self.memory.write(self.pending, &1_u32.to_ne_bytes()).map_err(&failed)?;
        self.ring().map_err(&failed)?;
        Ok(true)
    }

    /// Sets the bit that makes the interpreter look. Its other bits may change at the same time: if so,
    /// the write is made again.
    fn ring(&self) -> std::io::Result<()> {
        for _ in 0..3 {
            let [bits] = self.memory.array::<1>(self.evaluation_breaker)?;
            if bits & PLEASE_STOP != 0 {
                return Ok(());
            }
            self.memory.write(self.evaluation_breaker, &[bits | PLEASE_STOP])?;
        }
        Ok(())
    }

    /// Whether a request was not taken up yet.
    ///
    /// # Errors
    /// That the process is gone.
    pub fn is_pending(&self) -> Result<bool> {
        Ok(self.memory.u32(self.pending).map_err(Refusal::system("read its runtime"))? != 0)
    }

    /// Takes a request back.
    ///
    /// # Errors
    /// That the process is gone.
    pub fn clear(&self) -> Result<()> {
        self.memory.write(self.pending, &0_u32.to_ne_bytes()).map_err(Refusal::system("write its runtime"))
    }
}
