//! Two places in the target's C library that an attach stands on: a system call followed by a return,
//! and the code that signal handlers return into.

use crate::memory::Memory;
use crate::refusal::{Refusal, Result};
use crate::runtime::Runtime;

/// `syscall; ret`.
const GATE: [u8; 3] = [0x0f, 0x05, 0xc3];
/// `mov rax, 15; syscall`: `__restore_rt` of glibc and musl.
const RESTORER: [u8; 9] = [0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05];

/// Addresses in the target.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    pub gate: u64,
    pub restorer: u64,
}

impl Site {
    /// Searches the C library's code.
    ///
    /// # Errors
    /// That it can't be read, or is of an unknown kind.
    pub fn find(memory: Memory, runtime: &Runtime) -> Result<Self> {
        let (mut gate, mut restorer) = (None, None);
        for range in runtime.c_libraries().flat_map(|module| &module.text) {
            let mut code = vec![0; usize::try_from(range.end - range.start).unwrap_or(0)];
            memory.read(range.start, &mut code).map_err(Refusal::system("read its C library"))?;
            gate = gate.or_else(|| Some(range.start + find(&code, &GATE)?));
            restorer = restorer.or_else(|| Some(range.start + find(&code, &RESTORER)?));
            if let (Some(gate), Some(restorer)) = (gate, restorer) {
                return Ok(Self { gate, restorer });
            }
        }
        Err(Refusal::NoSymbols)
    }
}

fn find(code: &[u8], wanted: &[u8]) -> Option<u64> {
    // SAFETY: both ranges are valid for reading.
    let found =
        unsafe { libc::memmem(code.as_ptr().cast(), code.len(), wanted.as_ptr().cast(), wanted.len()) };
    (!found.is_null()).then(|| (found.addr() - code.as_ptr().addr()) as u64)
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn finds_the_first_place() {
        assert_eq!(find(b"abcabc", b"bc"), Some(1));
        assert_eq!(find(b"abc", b"cd"), None);
    }
}
