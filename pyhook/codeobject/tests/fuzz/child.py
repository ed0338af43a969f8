"""Run mutants, one marshalled code object a line (hex) on stdin; answer each with a line.

A crash ends this process by a signal, a mutant that never ends ends it with a status; whatever a mutant raises or returns is fine.
"""

import faulthandler
import marshal
import resource
import signal
import sys
import types
import warnings

warnings.simplefilter("ignore")
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
sys.setrecursionlimit(200)

SPACE = {"__name__": "fuzz"}
for path in sys.argv[1:]:
    exec(compile(open(path).read(), path, "exec"), SPACE)


class Late(BaseException):
    pass


def late(*args):
    raise Late


def drain(value):
    if isinstance(value, types.GeneratorType):
        for number, _ in enumerate(value):
            if number == 20:
                value.close()
                return
    elif isinstance(value, types.CoroutineType):
        for _ in range(20):
            value.send(None)
    elif hasattr(value, "asend"):
        for _ in range(5):
            drain_awaitable(value.asend(None))


def drain_awaitable(awaitable):
    for _ in range(20):
        awaitable.send(None)


def call(function, args):
    """Whether the call came to an end by itself."""
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        drain(function(*args))
    except Late:
        return False
    except BaseException:
        pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return True


signal.signal(signal.SIGALRM, late)
for line in sys.stdin:
    # A mutant may loop for ever and catch the alarm too: then this process gives up.
    faulthandler.dump_traceback_later(5, exit=True)
    code = marshal.loads(bytes.fromhex(line))
    cells = tuple(types.CellType(2) for _ in code.co_freevars)
    try:
        function = types.FunctionType(code, dict(SPACE), None, (3,), cells)
        function.__kwdefaults__ = {"k": 4}
        rounds = [(1,), (1, 2), ([1, 2, 3, 4],), (None, 0), ("ab", 3), (0,)] * 3
        if not code.co_flags & 0x2A0:
            rounds += [(5, 6)] * 12
        if code.co_varnames[:1] == (".0",):
            # The compiler's own parameter: always an iterator.
            rounds = ([iter([1, 2, 3])] for _ in range(20))
        all(call(function, args) for args in rounds)
    except BaseException:
        pass
    print("ok", flush=True)
