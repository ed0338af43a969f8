"""`python -m tests.kinds`: try kinds of patch in three ways on each interpreter, and print the table."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from pathlib import Path

from tests.kinds import ways
from tests.kinds.case import OWN, load
from tests.rig import interpreters, wheel
from tests.rig.environment import with_wheel
from tests.rig.home import Home

MARKS = {"pass": ".", "silent": "S", "damaged": "D", "refused": "r", "undo": "U", "broken": "b", "none": "-"}


def folders(shared: str | None) -> list[Path]:
    """Folders of cases: this repository's own, and the collection's where that is there."""
    named = Path(shared) if shared else wheel.ROOT.parent / "shared"
    collection = named / "cases" / "cases"
    if not collection.is_dir():
        print(f"no collection: {collection} is not there", file=sys.stderr)
    return [folder for folder in (OWN, collection) if folder.is_dir()]


def main() -> int:
    """Try what was asked for; exit status 1 if anything but a pass came out."""
    parser = argparse.ArgumentParser(prog="python -m tests.kinds", description=__doc__)
    parser.add_argument("names", nargs="*", help="cases, all by default")
    parser.add_argument(
        "--python", action="append", help="version, such as 3.13; all that are found by default"
    )
    parser.add_argument("--way", action="append", choices=ways.WAYS, help="all three by default")
    options = parser.parse_args()
    places = folders(os.environ.get("PATCHCTL_SHARED"))
    cases = [case for folder in places for case in load(folder, options.names)]
    tally: Counter[str] = Counter()
    rows = {case.name: [case.name.ljust(32)] for case in cases}
    title = [" " * 32]
    for interpreter in interpreters.find():
        if options.python and interpreter.name not in options.python:
            continue
        environment = with_wheel(interpreter, wheel.locate())
        home = Home(environment)
        home.start()
        title.append(interpreter.name.ljust(5))
        for case in cases:
            cell = ""
            for way in options.way or ways.WAYS:
                verdict = ways.Verdict("none")
                if ways.fits(case, way, environment):
                    verdict = ways.run(home, environment, case, way)
                if verdict.status not in {"pass", "none"}:
                    print(f"{interpreter.name} {case.name} {way}: {verdict.status}: {verdict.detail[:300]}")
                tally[verdict.status] += 1
                cell += MARKS[verdict.status]
            rows[case.name].append(cell.ljust(5))
        home.close()
    print("\n".join(" ".join(cells) for cells in [title, *rows.values()]))
    print(", ".join(f"{MARKS[status]} {status} {count}" for status, count in sorted(tally.items())))
    return 0 if set(tally) <= {"pass", "none"} else 1


sys.exit(main())
