"""Runs a program under ptrace and kills it at a chosen step.

A step is the entry of a system call by which the program steers another process. x86_64 only.
"""

from __future__ import annotations

import ctypes
import os
import signal
from dataclasses import dataclass

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long

TRACEME, GETREGS, SYSCALL, SETOPTIONS = 0, 12, 24, 0x4200
SYSGOOD, FOLLOW_THREADS = 1, 8
ALL_THREADS = 0x40000000
RDI, RAX, ORIG_RAX = 14, 10, 15
NOT_DONE_YET = 2**64 - 38
STEERING = {101: "ptrace", 311: "process_vm_writev"}
POKE = 5
"""Writing a word; many of them follow each other, so only the first counts."""


@dataclass
class Killed:
    """Where the program was killed; `None`: it ended before, with this status."""

    step: str | None
    status: int


def request(what: int, thread: int, data: object = None) -> None:
    """Ask the kernel; a thread that is gone is no error."""
    LIBC.ptrace(what, thread, None, data)


def start(command: list[str], variables: dict[str, str]) -> int:
    """Start a program that stops before its first instruction, in a process group of its own."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setpgid(0, 0)
            silence = os.open("/dev/null", os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(silence, descriptor)
            request(TRACEME, 0)
            os.execve(command[0], command, variables)  # noqa: S606
        finally:
            os._exit(127)
    os.waitpid(pid, 0)
    return pid


def kill_at(step: int, command: list[str], variables: dict[str, str]) -> Killed:
    """Run the program until the step, and kill it there."""
    pid = start(command, variables)
    request(SETOPTIONS, pid, SYSGOOD | FOLLOW_THREADS)
    request(SYSCALL, pid)
    count, last = 0, ""
    while True:
        thread, status = os.waitpid(-pid, ALL_THREADS)
        if not os.WIFSTOPPED(status):
            if thread == pid:
                return Killed(None, status)
            continue
        passed_on = 0
        if os.WSTOPSIG(status) == signal.SIGTRAP | 0x80:
            name = entered(thread)
            if name and not (name == last == f"ptrace {POKE}"):
                count += 1
                if count == step:
                    end(pid)
                    return Killed(name, 0)
            last = name or last
        elif status >> 16 == 0 and os.WSTOPSIG(status) not in (signal.SIGTRAP, signal.SIGSTOP):
            passed_on = os.WSTOPSIG(status)
        request(SYSCALL, thread, passed_on)


def entered(thread: int) -> str:
    """Name of the steering system call that a thread enters, empty for all others and for exits."""
    registers = (ctypes.c_ulonglong * 27)()
    request(GETREGS, thread, ctypes.addressof(registers))
    name = STEERING.get(registers[ORIG_RAX])
    if name is None or registers[RAX] != NOT_DONE_YET:
        return ""
    return f"{name} {registers[RDI]}" if name == "ptrace" else name


def end(pid: int) -> None:
    """Kill with SIGKILL, and wait until nothing is left of the program."""
    os.kill(pid, signal.SIGKILL)
    while True:
        try:
            os.waitpid(-pid, ALL_THREADS)
        except ChildProcessError:
            return
