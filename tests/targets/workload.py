"""A process to attach to, that checks itself: standard library only, Python 3.9 and later.

Says `{"ready": PID}` and does the work that its argument names, until SIGUSR1. Then it says
`{"rounds": N, "mistakes": [...]}`: a mistake is a result that differs from the first one.
"""

import asyncio
import collections
import contextlib
import ctypes
import hashlib
import importlib
import json
import math
import os
import select
import signal
import socket
import sys
import threading
import time
import warnings

MISTAKES = []
ROUNDS = [0]
STOP = threading.Event()
BLOCKED = ("sleep", "threads", "lock", "server", "hold", "read")


class Stop(BaseException):
    """Ends the main thread's work."""


def stop(_number, _frame):
    """Handle SIGUSR1: work that looks at the event ends by itself, a blocked main thread by the exception."""
    STOP.set()
    if sys.argv[1] in BLOCKED:
        raise Stop


def checked(work, *arguments):
    """Do the work again and again; each result must be the first one. The stop may break work off midway."""
    expected = work(*arguments)
    while not STOP.is_set():
        try:
            found = work(*arguments)
        except OSError as problem:
            found = problem
        if found != expected and not STOP.is_set():
            MISTAKES.append(f"{work.__name__}: {found} instead of {expected}")
        ROUNDS[0] += 1


def mix(count):
    """Integers, dictionaries and strings."""
    total, seen = 7, {}
    for number in range(count):
        total = (total * 31 + number) % 1_000_003
        seen[total % 97] = f"{number}:{total}"
    return total, hashlib.sha256("".join(seen.values()).encode()).hexdigest()


def floats(count):
    """Floating point arithmetic."""
    total = 0.5
    for number in range(1, count):
        total = math.sin(total) * number / (number + total * total) + 1e-9
    return total.hex()


def allocate(count):
    """Many objects, in cycles."""
    rings = []
    for number in range(count):
        ring = [number]
        ring.append(ring)
        rings.append(ring)
    return sum(ring[0] for ring in rings)


def tuples(count):
    """Named tuples: their functions run without builtins."""
    kind = collections.namedtuple("kind", "a b")
    return sum(kind(number, number).b for number in range(count))


def fork(_unused):
    """Fork, and wait for the child. CPython may see a thread of an attach then, and warn of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        os._exit(7)
    return os.waitpid(pid, 0)[1]


def load(_unused):
    """Import modules anew."""
    for name in ("colorsys", "sndhdr", "chunk", "this_is_missing", "fractions", "statistics", "json.tool"):
        sys.modules.pop(name, None)
        try:
            importlib.import_module(name)
        except ImportError:
            continue
    return importlib.import_module("colorsys").rgb_to_hls(0.1, 0.2, 0.3)


def sleep():
    """Idle."""
    time.sleep(3600)


def threads():
    """Workers, while the main thread joins one of them."""
    workers = [threading.Thread(target=checked, args=(mix, 200), daemon=True) for _ in range(3)]
    for worker in workers:
        worker.start()
    workers[0].join()


def lock():
    """The main thread waits for a lock, a worker works."""
    threading.Thread(target=checked, args=(mix, 200), daemon=True).start()
    held = threading.Lock()
    held.acquire()
    held.acquire()


def server():
    """Answer clients with select(); the clients check the answers."""
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=checked, args=(echoed, listener.getsockname()), daemon=True).start()
    while True:
        select.select([listener], [], [])
        with listener.accept()[0] as connection:
            connection.sendall(connection.recv(100)[::-1])


def echoed(address):
    """One question to the server."""
    with socket.create_connection(address) as client:
        client.sendall(b"abc")
        return client.recv(100)


async def converse():
    """An asyncio server and its clients."""

    async def answer(reader, writer):
        writer.write((await reader.readline())[::-1])
        writer.close()

    serving = await asyncio.start_server(answer, "127.0.0.1", 0)
    address = serving.sockets[0].getsockname()
    while not STOP.is_set():
        reader, writer = await asyncio.open_connection(*address[:2])
        writer.write(b"abc\n")
        if await reader.read() != b"\ncba":
            MISTAKES.append("a wrong answer")
        writer.close()
        ROUNDS[0] += 1
        await asyncio.sleep(0.001)


def hold():
    """Hold the GIL in a call into C until SIGUSR2, then be idle."""
    signal.signal(signal.SIGUSR2, lambda _number, _frame: None)
    ctypes.PyDLL(None).pause()
    time.sleep(3600)


WORK = {
    "sleep": sleep,
    "busy": lambda: checked(mix, 300),
    "floats": lambda: checked(floats, 300),
    "allocate": lambda: checked(allocate, 2000),
    "tuples": lambda: checked(tuples, 50),
    "c-call": lambda: checked(lambda count: sum(range(count)), 3_000_000),
    "c-without-gil": lambda: checked(lambda size: hashlib.sha256(bytes(size)).hexdigest(), 4_000_000),
    "fork": lambda: checked(fork, None),
    "import": lambda: checked(load, None),
    "threads": threads,
    "lock": lock,
    "server": server,
    "asyncio": lambda: asyncio.run(converse()),
    "hold": hold,
    "read": lambda: os.read(0, 1),
}


def main():
    """Work until the signal."""
    signal.signal(signal.SIGUSR1, stop)
    for limit in sys.argv[2:]:
        exec(limit, {})
    print(json.dumps({"ready": os.getpid()}), flush=True)
    with contextlib.suppress(Stop):
        WORK[sys.argv[1]]()
    print(json.dumps({"rounds": ROUNDS[0], "mistakes": MISTAKES[:5]}), flush=True)


if __name__ == "__main__":
    main()
