//! The scratch memory in the target: the stub's block of data, the text, a stack for the call, and the
//! page of code. It is mapped by the borrowed thread and unmapped by the helper.

use crate::memory::Memory;
use crate::runtime::Runtime;
use crate::stub::{self, State, block};
use std::io;

const PAGE: u64 = 4096;
/// Stack of the call that starts the helper, in bytes.
const STACK: u64 = 64 << 10;
/// The helper's variable with the outcome.
const VARIABLE: &[u8] = b"outcome\0";
/// Signals 32 and 33.
const INTERNAL_SIGNALS: u64 = 3 << 31;

/// Where it is.
#[derive(Clone, Copy, Debug)]
pub struct Scratch {
    pub memory: Memory,
    pub start: u64,
    pub size: u64,
}

impl Scratch {
    /// How much is needed for a text, in bytes.
    #[must_use]
    pub fn size(text: &str) -> u64 {
        (block::TEXT_START + text.len() as u64 + 1).next_multiple_of(PAGE) + STACK + PAGE
    }

    /// The page of code.
    #[must_use]
    pub fn code(&self) -> u64 {
        self.start + self.size - PAGE
    }

    /// Where a stack begins, growing down.
    #[must_use]
    pub fn stack_top(&self) -> u64 {
        self.code() - 64
    }

    /// Writes block and text; `frame` is where the borrowed thread goes back.
    ///
    /// # Errors
    /// That the memory is gone.
    pub fn fill(&self, runtime: &Runtime, text: &str, frame: u64) -> io::Result<()> {
        let length = usize::try_from(block::TEXT_START).unwrap_or(0);
        let mut bytes = vec![0; length];
        let mut put = |at: u64, value: &[u8]| {
            let at = usize::try_from(at).unwrap_or(0);
            bytes[at..at + value.len()].copy_from_slice(value);
        };
        put(block::FRAME, &frame.to_ne_bytes());
        put(block::START, &self.start.to_ne_bytes());
        put(block::SIZE, &self.size.to_ne_bytes());
        put(block::TEXT, &(self.start + block::TEXT_START).to_ne_bytes());
        put(block::HELPER, &(self.code() + stub::helper_offset()).to_ne_bytes());
        put(block::INTERNAL_SIGNALS, &INTERNAL_SIGNALS.to_ne_bytes());
        put(block::TICK + 8, &stub::TICK.to_ne_bytes());
        put(block::NAME, VARIABLE);
        for (at, address) in (block::FUNCTIONS..).step_by(8).zip(runtime.functions) {
            put(at, &address.to_ne_bytes());
        }
        bytes.extend(text.bytes());
        bytes.push(0);
        self.memory.write(self.start, &bytes)
    }

    /// One word of the block.
    ///
    /// # Errors
    /// That the helper unmapped it, or the process is gone.
    pub fn word(&self, at: u64) -> io::Result<u32> {
        self.memory.u32(self.start + at)
    }

    /// Sets a word of the block to 1.
    ///
    /// # Errors
    /// As [`Scratch::word`].
    pub fn set(&self, at: u64) -> io::Result<()> {
        self.memory.write(self.start + at, &1_u32.to_ne_bytes())
    }

    /// How far the helper is.
    ///
    /// # Errors
    /// As [`Scratch::word`].
    pub fn state(&self) -> io::Result<State> {
        self.word(block::STATE).map(State::from_word)
    }

    /// What the helper left as its outcome.
    ///
    /// # Errors
    /// As [`Scratch::word`].
    pub fn message(&self) -> io::Result<String> {
        let length = u64::from(self.word(block::LENGTH)?).min(block::MESSAGE_SIZE);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        self.memory.read(self.start + block::MESSAGE, &mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

const _: () = assert!(block::MESSAGE + block::MESSAGE_SIZE <= block::TEXT_START);
