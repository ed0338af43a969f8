//! The way back: a signal frame on the borrowed thread's own stack, as the kernel lays it out for a
//! handler. Whenever the thread returns into it, `rt_sigreturn` makes it what it was, even when the
//! program that borrowed it is gone. Layout: `struct rt_sigframe` of Linux's
//! `arch/x86/include/asm/sigframe.h`, `arch/x86/kernel/fpu/signal.c` for the `XSAVE` area.

use crate::ptrace::Registers;
use std::arch::x86_64::__cpuid_count;

/// Size up to the end of `siginfo`, in bytes; the `XSAVE` area follows.
const HEAD: usize = 440;
/// Below the stack pointer, these bytes belong to the function that was interrupted.
const RED_ZONE: u64 = 128;
const USER_CODE: u16 = 0x33;
const USER_STACK: u16 = 0x2b;
/// `UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS`.
const FLAGS: u64 = 7;
/// No valid mode, so that the kernel leaves the alternate signal stack as it is.
const KEEP_SIGNAL_STACK: u64 = 0x10;
const MAGIC_1: u32 = 0x4650_5853;
const MAGIC_2: u32 = 0x4650_5845;
/// End of the x87 and SSE registers in the `XSAVE` area.
const REGISTERS_END: usize = 416;
/// Where the `XSAVE` area holds what software may use, and its header.
const SOFTWARE: usize = 464;
const HEADER: usize = 512;
/// The `XSAVE` area without any extended feature, in bytes.
const LEGACY: usize = 576;

/// The initial x87 control word and MXCSR.
const CONTROL_WORD: u16 = 0x37f;
const MXCSR: u32 = 0x1f80;
const PROTECTION_KEYS: u64 = 1 << 9;

/// The kernel's codes for system calls that a signal interrupted: `include/linux/errno.h`.
const RESTART: [i64; 3] = [-512, -513, -514];
const RESTART_BLOCK: i64 = -516;

/// Where a thread was interrupted.
#[derive(Clone, Debug)]
pub struct Saved {
    pub registers: Registers,
    pub xstate: Vec<u8>,
    pub mask: u64,
}

/// A frame to be written to `address`, with the thread's stack pointer on it.
#[derive(Clone, Debug)]
pub struct Frame {
    pub address: u64,
    pub bytes: Vec<u8>,
}

impl Saved {
    /// What the borrowed thread's call starts with, and the helper inherits: nothing in use, standard
    /// rounding and masks. Protection keys stay as they are.
    #[must_use]
    pub fn clean_xstate(&self) -> Vec<u8> {
        let mut bytes = self.xstate.clone();
        if let Some(header) = bytes.get_mut(HEADER..HEADER + 8) {
            let used = u64::from_ne_bytes((&*header).try_into().unwrap_or_default());
            header.copy_from_slice(&(used & PROTECTION_KEYS | 3).to_ne_bytes());
        }
        bytes[..REGISTERS_END].fill(0);
        bytes[..2].copy_from_slice(&CONTROL_WORD.to_ne_bytes());
        bytes[24..28].copy_from_slice(&MXCSR.to_ne_bytes());
        bytes
    }

    /// Lays out the frame; `restorer` is the address of code that calls `rt_sigreturn`.
    #[must_use]
    pub fn frame(&self, restorer: u64) -> Frame {
        let (size, features) = used_xstate(&self.xstate);
        let top = self.registers.rsp - RED_ZONE;
        let area = (top - size as u64 - 4) & !63;
        // As right after a call: 8 bytes off a multiple of 16.
        let address = ((area - HEAD as u64) & !15) - 8;
        let mut bytes = vec![0; usize::try_from(area - address).unwrap_or(HEAD)];
        let mut put = |at: usize, value: u64| bytes[at..at + 8].copy_from_slice(&value.to_ne_bytes());
        put(0, restorer);
        put(8, FLAGS);
        put(32, KEEP_SIGNAL_STACK);
        for (at, value) in (48..).step_by(8).zip(context(&self.registers)) {
            put(at, value);
        }
        put(192, u64::from(USER_CODE) | u64::from(USER_STACK) << 48);
        put(232, area);
        put(304, self.mask);
        bytes.extend(signal_area(&self.xstate, size, features));
        Frame { address, bytes }
    }
}

/// The number of the system call that a stop interrupted, if it did.
#[must_use]
pub fn blocked_in(registers: &Registers) -> Option<i64> {
    let (number, result) = (registers.orig_rax.cast_signed(), registers.rax.cast_signed());
    // epoll_wait is never restarted: it ends with EINTR.
    let interrupted = RESTART.contains(&result) || matches!(result, RESTART_BLOCK | -4);
    (number >= 0 && interrupted).then_some(number)
}

/// r8 to r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, flags: the order of `struct sigcontext_64`.
fn context(registers: &Registers) -> [u64; 18] {
    let mut r = *registers;
    if blocked_in(&r).is_some() {
        match r.rax.cast_signed() {
            code if RESTART.contains(&code) => (r.rax, r.rip) = (r.orig_rax, r.rip - 2),
            _ => r.rax = (-4_i64).cast_unsigned(),
        }
    }
    [
        r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15, r.rdi, r.rsi, r.rbp, r.rbx, r.rdx, r.rax,
        r.rcx, r.rsp, r.rip, r.eflags,
    ]
}

/// How much of the area holds features that are in use, and which. A thread that never asked for AMX may
/// not be given back an area that has room for it.
fn used_xstate(xstate: &[u8]) -> (usize, u64) {
    let Some(used) = xstate.get(HEADER..HEADER + 8) else { return (xstate.len(), 3) };
    let used = u64::from_ne_bytes(used.try_into().unwrap_or_default());
    let mut size = LEGACY;
    for feature in (2..63).filter(|feature| used >> feature & 1 == 1) {
        let leaf = __cpuid_count(0xd, feature);
        size = size.max((leaf.ebx + leaf.eax) as usize);
    }
    (size.min(xstate.len()), used | 3)
}

fn signal_area(xstate: &[u8], size: usize, features: u64) -> Vec<u8> {
    let mut area = xstate[..size].to_vec();
    let number = |value: usize| u32::try_from(value).unwrap_or(0);
    let mut software = [0; 48];
    software[..4].copy_from_slice(&MAGIC_1.to_ne_bytes());
    software[4..8].copy_from_slice(&number(size + 4).to_ne_bytes());
    software[8..16].copy_from_slice(&features.to_ne_bytes());
    software[16..20].copy_from_slice(&number(size).to_ne_bytes());
    area[SOFTWARE..SOFTWARE + 48].copy_from_slice(&software);
    area.extend(MAGIC_2.to_ne_bytes());
    area
}

/// Whether a real signal frame stands in a thread's stack at word `at`: its handler runs, and may have
/// interrupted anything.
#[must_use]
pub fn is_signal_frame(stack: &[u64], base: u64, at: usize, restorer: u64) -> bool {
    let word = |offset: usize| stack.get(at + offset / 8).copied();
    let here = base + at as u64 * 8;
    let above = |value: Option<u64>| value.is_some_and(|value| value > here);
    let selectors = word(192).is_some_and(|word| word & 0xffff == u64::from(USER_CODE));
    word(0) == Some(restorer) && word(8).is_some_and(|flags| flags <= FLAGS) && selectors && above(word(232))
}

#[cfg(test)]
mod tests {
    use super::{HEAD, LEGACY, Saved, blocked_in, is_signal_frame};
    use crate::memory::as_words;

    fn saved() -> Saved {
        // SAFETY: all-zero bytes are a valid value of this struct of integers.
        let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
        (registers.rsp, registers.rip) = (0x7fff_0000_1238, 0x40_1000);
        (registers.orig_rax, registers.rax) = (35, (-516_i64).cast_unsigned());
        Saved { registers, xstate: vec![0; LEGACY], mask: 5 }
    }

    #[test]
    fn frames_are_aligned_and_found_again() {
        let frame = saved().frame(0x1000);
        assert_eq!((frame.address + 8) % 16, 0);
        let words = as_words(&frame.bytes);
        assert_eq!(words[29] % 64, 0, "the area's place");
        assert!(words[29] - frame.address >= HEAD as u64);
        assert!(frame.address + frame.bytes.len() as u64 <= saved().registers.rsp - 128);
        assert!(is_signal_frame(&words, frame.address, 0, 0x1000));
        assert!(!is_signal_frame(&words, frame.address, 0, 0x1001));
    }

    #[test]
    fn an_interrupted_call_goes_on_as_after_a_handler() {
        let mut one = saved();
        assert_eq!(blocked_in(&one.registers), Some(35));
        assert_eq!(super::context(&one.registers)[13].cast_signed(), -4);
        one.registers.rax = (-512_i64).cast_unsigned();
        assert_eq!(super::context(&one.registers)[13], 35);
        assert_eq!(super::context(&one.registers)[16], 0x40_0ffe);
        one.registers.orig_rax = u64::MAX;
        assert_eq!(blocked_in(&one.registers), None);
    }
}
