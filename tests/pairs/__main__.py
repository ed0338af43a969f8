"""`python -m tests.pairs`: try neighbouring releases of real packages as patches, and print the table."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.pairs.releases import table
from tests.pairs.trial import Result, Trial
from tests.rig import interpreters, wheel


def show(name: str, result: Result) -> None:
    """Print what became of a pair."""
    states = ", ".join(f"{way} {state}" for way, state in result.states.items())
    counts = f"functions {result.functions}, changed {result.changed}, told {len(result.told)}"
    bad = f"silent {len(result.silent)}, not undone {len(result.not_undone)}"
    print(f"{name} {result.pair.name}: {states}; {counts}, {bad}", flush=True)
    for way, detail in result.refusals.items():
        if detail:
            print(f"    {way} refused: {detail}")
    for place in (*result.silent[:20], *(f"undo {place}" for place in result.not_undone[:20])):
        print(f"    {place}")


def main() -> int:
    """Try what was asked for; exit status 1 if something is silent."""
    parser = argparse.ArgumentParser(prog="python -m tests.pairs", description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of `package old new`, all pairs by default")
    parser.add_argument("--python", action="append", help="version, such as 3.13; 3.11 by default")
    options = parser.parse_args()
    pairs = [pair for pair in table() if not options.names or any(one in pair.name for one in options.names)]
    silent = 0
    for interpreter in interpreters.find():
        if interpreter.name not in (options.python or ["3.11"]):
            continue
        for pair in pairs:
            with tempfile.TemporaryDirectory() as folder:
                result = Trial(pair, interpreter, wheel.locate(), Path(folder)).run()
            show(interpreter.name, result)
            silent += len(result.silent)
    return 1 if silent else 0


sys.exit(main())
