//! The machine code that runs in the target, and the block of data it works on. It is position
//! independent and calls only what the block names. It makes no system calls of its own but `futex`,
//! `rt_sigprocmask` and `rt_sigreturn`, which starting a thread needs anyway (seccomp filters).
//!
//! Two threads run it. The *borrowed* one creates a thread, says so, and spins without a system call
//! until it is put back; if nobody does, it returns into its signal frame by itself. The *helper* waits
//! until the borrowed one is out of here, takes the GIL as any foreign thread does, runs the text, and
//! unmaps everything with its last jump.

use crate::runtime::FUNCTIONS;
use std::arch::global_asm;

/// Places in the block, in bytes from its start.
pub mod block {
    /// Set to 1 from outside: the borrowed thread is out, the helper may begin.
    pub const GO: u64 = 0;
    /// Set to 1 from outside: do nothing any more.
    pub const CANCEL: u64 = 4;
    /// Set to 1 from outside: the outcome was read.
    pub const READ: u64 = 8;
    /// The borrowed thread has called `pthread_create`.
    pub const CALLED: u64 = 12;
    /// What that returned.
    pub const RESULT: u64 = 16;
    /// The borrowed thread goes back by itself.
    pub const LEFT: u64 = 20;
    /// How far the helper is, see [`super::State`].
    pub const STATE: u64 = 24;
    /// Length of the message, in bytes.
    pub const LENGTH: u64 = 28;
    pub const FRAME: u64 = 32;
    pub const START: u64 = 40;
    pub const SIZE: u64 = 48;
    pub const TEXT: u64 = 56;
    pub const HELPER: u64 = 64;
    pub const THREAD: u64 = 72;
    /// The signals that the C library uses to reach all threads.
    pub const INTERNAL_SIGNALS: u64 = 80;
    /// A `struct timespec`: one round of waiting.
    pub const TICK: u64 = 88;
    /// Name of the variable with the message.
    pub const NAME: u64 = 104;
    pub const FUNCTIONS: u64 = 128;
    /// End of the functions.
    pub const MESSAGE: u64 = 256;
    /// Room for the message.
    pub const MESSAGE_SIZE: u64 = 768;
    /// Where the text begins.
    pub const TEXT_START: u64 = 1024;
}

/// How far the helper is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    NotBegun,
    WaitsForGil,
    Runs,
    /// The text ran; its message is there if it left one.
    Done,
    /// The text could not be run.
    Broken,
    NotInitialised,
    Cancelled,
    /// Nobody said go.
    GaveUp,
}

impl State {
    /// From the word in the block.
    #[must_use]
    pub fn from_word(word: u32) -> Self {
        use State::{Broken, Cancelled, Done, GaveUp, NotBegun, NotInitialised, Runs, WaitsForGil};
        let all = [NotBegun, WaitsForGil, Runs, Done, Broken, NotInitialised, Cancelled, GaveUp];
        usize::try_from(word).ok().and_then(|at| all.get(at)).copied().unwrap_or(Broken)
    }
}

/// One round of waiting, in nanoseconds.
pub const TICK: u64 = 200_000;
/// Rounds until the helper gives up, and until it leaves without its outcome having been read.
const PATIENCE: u32 = 15_000;
/// Rounds of spinning until the borrowed thread goes back by itself: 0.03 to 0.4 s.
const SPIN: u32 = 1 << 23;

global_asm!(
    ".pushsection .rodata.patchctl_attach_stub,\"a\",@progbits",
    ".balign 16",
    "patchctl_attach_stub_begin:",
    // The borrowed thread: rbx is the block, rsp the top of a stack of its own, a multiple of 16.
    "lea rdi, [rbx + {thread}]",
    "xor esi, esi",
    "mov rdx, [rbx + {helper}]",
    "mov rcx, rbx",
    "call [rbx + {functions} + 0]",
    "mov [rbx + {result}], eax",
    "mov dword ptr [rbx + {called}], 1",
    "mov ecx, {spin}",
    "2: pause",
    "dec ecx",
    "jnz 2b",
    "mov dword ptr [rbx + {left}], 1",
    "mov rsp, [rbx + {frame}]",
    "ret",
    ".balign 16",
    "patchctl_attach_stub_helper:",
    "push rbx",
    "push r12",
    "push r13",
    "push r14",
    "sub rsp, 8",
    "mov rbx, rdi",
    // All signals are blocked here, by inheritance. Those of the C library's own must not be: setuid()
    // waits for each thread to take them.
    "mov edi, 1",
    "lea rsi, [rbx + {internal}]",
    "xor edx, edx",
    "mov r10d, 8",
    "mov eax, 14",
    "syscall",
    "call [rbx + {functions} + 8]",
    "mov rdi, rax",
    "call [rbx + {functions} + 16]",
    "mov r12d, {patience}",
    "3: cmp dword ptr [rbx + {go}], 0",
    "jne 4f",
    "lea rdi, [rbx + {go}]",
    "call 20f",
    "dec r12d",
    "jnz 3b",
    // Nobody said go: the borrowed thread may still be in here, so nothing is unmapped.
    "mov dword ptr [rbx + {state}], 7",
    "xor eax, eax",
    "add rsp, 8",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbx",
    "ret",
    "4: cmp dword ptr [rbx + {cancel}], 0",
    "jne 12f",
    "call [rbx + {functions} + 32]",
    "test eax, eax",
    "jz 11f",
    "mov dword ptr [rbx + {state}], 1",
    "call [rbx + {functions} + 40]",
    "mov r12d, eax",
    "cmp dword ptr [rbx + {cancel}], 0",
    "jne 9f",
    "mov dword ptr [rbx + {state}], 2",
    "mov r14d, 4",
    "call [rbx + {functions} + 56]",
    "test rax, rax",
    "jz 7f",
    "mov r13, rax",
    // PyRun_String(text, Py_file_input, globals, globals)
    "mov rdi, [rbx + {text}]",
    "mov esi, 257",
    "mov rdx, r13",
    "mov rcx, r13",
    "call [rbx + {functions} + 64]",
    "test rax, rax",
    "jz 6f",
    "mov rdi, rax",
    "call [rbx + {functions} + 72]",
    "mov r14d, 3",
    "mov rdi, r13",
    "lea rsi, [rbx + {name}]",
    "call [rbx + {functions} + 88]",
    "test rax, rax",
    "jz 6f",
    "mov [rbx + {thread}], rax",
    "mov rdi, rax",
    "call [rbx + {functions} + 96]",
    "test rax, rax",
    "js 6f",
    "mov ecx, {message_size}",
    "cmp rax, rcx",
    "cmova rax, rcx",
    "mov [rbx + {length}], eax",
    "mov rdi, [rbx + {thread}]",
    "call [rbx + {functions} + 104]",
    "test rax, rax",
    "jz 6f",
    "mov rsi, rax",
    "lea rdi, [rbx + {message}]",
    "mov ecx, [rbx + {length}]",
    "rep movsb",
    "6: call [rbx + {functions} + 80]",
    "mov rdi, r13",
    "call [rbx + {functions} + 72]",
    "7: mov edi, r12d",
    "call [rbx + {functions} + 48]",
    "mov [rbx + {state}], r14d",
    "jmp 13f",
    "9: mov edi, r12d",
    "call [rbx + {functions} + 48]",
    "jmp 12f",
    "11: mov dword ptr [rbx + {state}], 5",
    "jmp 13f",
    "12: mov dword ptr [rbx + {state}], 6",
    "13: mov r12d, {patience}",
    "14: cmp dword ptr [rbx + {read}], 0",
    "jne 15f",
    "lea rdi, [rbx + {read}]",
    "call 20f",
    "dec r12d",
    "jnz 14b",
    "15: mov rdi, [rbx + {start}]",
    "mov rsi, [rbx + {size}]",
    "mov rax, [rbx + {functions} + 24]",
    "add rsp, 8",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbx",
    // munmap returns to whoever called the helper, with 0.
    "jmp rax",
    // futex(rdi, FUTEX_WAIT_PRIVATE, 0, one tick)
    "20: mov esi, 128",
    "xor edx, edx",
    "lea r10, [rbx + {tick}]",
    "mov eax, 202",
    "syscall",
    "ret",
    ".balign 8",
    "patchctl_attach_stub_end:",
    ".popsection",
    go = const block::GO,
    cancel = const block::CANCEL,
    read = const block::READ,
    called = const block::CALLED,
    result = const block::RESULT,
    left = const block::LEFT,
    state = const block::STATE,
    length = const block::LENGTH,
    frame = const block::FRAME,
    start = const block::START,
    size = const block::SIZE,
    text = const block::TEXT,
    helper = const block::HELPER,
    thread = const block::THREAD,
    internal = const block::INTERNAL_SIGNALS,
    tick = const block::TICK,
    name = const block::NAME,
    functions = const block::FUNCTIONS,
    message = const block::MESSAGE,
    message_size = const block::MESSAGE_SIZE,
    patience = const PATIENCE,
    spin = const SPIN,
);

// SAFETY: the labels of the assembly above have these names; only their addresses are used.
unsafe extern "C" {
    #[link_name = "patchctl_attach_stub_begin"]
    static BEGIN: u8;
    #[link_name = "patchctl_attach_stub_helper"]
    static HELPER: u8;
    #[link_name = "patchctl_attach_stub_end"]
    static END: u8;
}

/// The code; the borrowed thread begins at its first byte.
#[must_use]
pub fn code() -> &'static [u8] {
    let begin = &raw const BEGIN;
    let length = (&raw const END).addr() - begin.addr();
    // SAFETY: the three labels stand in this order in one read-only section, written above.
    unsafe { std::slice::from_raw_parts(begin, length) }
}

/// Where the helper begins, in bytes from the start of the code.
#[must_use]
pub fn helper_offset() -> u64 {
    ((&raw const HELPER).addr() - (&raw const BEGIN).addr()) as u64
}

const _: () = assert!(block::FUNCTIONS + 8 * FUNCTIONS.len() as u64 <= block::MESSAGE);

#[cfg(test)]
mod tests {
    use super::{State, code, helper_offset};

    #[test]
    fn is_small_and_in_one_piece() {
        assert!((100..4096).contains(&code().len()), "{} bytes", code().len());
        assert!(helper_offset() > 0 && helper_offset() < code().len() as u64);
    }

    #[test]
    fn words_are_states() {
        assert_eq!(State::from_word(0), State::NotBegun);
        assert_eq!(State::from_word(3), State::Done);
        assert_eq!(State::from_word(7), State::GaveUp);
        assert_eq!(State::from_word(99), State::Broken);
    }
}
