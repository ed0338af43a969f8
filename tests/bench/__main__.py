"""`python -m tests.bench`: run the benchmarks and print the table."""

from __future__ import annotations

import argparse
import sys
from typing import Callable

from tests.bench import attach, calls, code_objects, latency, start_up
from tests.bench.stage import Stage
from tests.bench.table import Row, show
from tests.rig import interpreters

Bench = Callable[[Stage, int], "list[Row]"]
BENCHES: dict[str, Bench] = {
    "start": lambda stage, n: start_up.bare_start(stage, 150 * n),
    "imports": lambda stage, n: [start_up.imports(stage, 40 * n), *start_up.patched_imports(stage, 30 * n)],
    "calls": lambda stage, n: [calls.call(stage, 10 * n), *calls.live_kinds(stage, 10 * n)],
    "add": lambda stage, n: [latency.add(stage, 1, 30 * n, "10 ms")],
    "pause": lambda stage, n: [
        calls.pause(stage, 20 * n, 100_000, "2 ms"),
        calls.pause(stage, 10 * n, 1_000_000, "25 ms, 2 x"),
        calls.pause(stage, 20 * n, 100_000, "2 ms", held=calls.HELD),
        calls.pause(stage, 10 * n, 1_000_000, "25 ms, 2 x", held=calls.HELD),
        *(
            calls.pause(stage, 10 * n, objects, "25 ms", *manner)
            for manner in (("--clear-caches",), ("--quiesce", "5"))
            for objects in (100_000, 1_000_000)
        ),
        calls.pause_with_importers(stage, 10 * n, 1_000, "2 x"),
    ],
    "attach": lambda stage, n: attach.attach(stage, 15 * n),
    "fleet": lambda stage, n: [latency.add(stage, 200, 5 * n, "150 ms")],
    "codeobjects": lambda stage, _: code_objects.code_objects(stage),
    "memory": lambda stage, _: [latency.memory(stage, 200, 1000)],
}


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(BENCHES)}; all by default")
    parser.add_argument("--python", help="version of the interpreter, such as 3.13 (default: 3.11)")
    parser.add_argument("--rounds", type=int, default=1, help="factor to the number of rounds")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(BENCHES))
    if unknown:
        parser.error(f"no benchmark named {', '.join(unknown)}")
    found = interpreters.find()
    chosen = [one for one in found if one.name == options.python] or [interpreters.default(found)]
    stage = Stage(chosen[0])
    rows: list[Row] = []
    with stage.stack:
        for name in options.names or BENCHES:
            print(f"{name} ...", file=sys.stderr, flush=True)
            rows += BENCHES[name](stage, options.rounds)
    print("CPython {}".format(".".join(map(str, chosen[0].release))))
    print(show(rows))


main()
