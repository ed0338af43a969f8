"""`python -m tests.sanitize`: the Rust parts under sanitizers, and the list of what they are needed for."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Callable

from tests.rig.cargo import MissingError
from tests.sanitize import unsafe, wheels
from tests.sanitize.rust import Sanitizer, miri

# Freed memory is kept for a while: little of it, since tests hold the daemon to a limit.
ADDRESS = Sanitizer("address", "ASAN_OPTIONS", "quarantine_size_mb=16")
SUPPRESSIONS = Path(__file__).with_name("thread.supp")
THREAD = Sanitizer("thread", "TSAN_OPTIONS", f"halt_on_error=1:suppressions={SUPPRESSIONS}", with_std=True)
CRATES = ("planner", "protocol", "signature", "codeobject", "attach")
THREADED = ("protocol",)
KINDS = ("--lib", "--bins", "--tests")
# Hold the daemon to a size, or a parser to a time, that they can't keep here.
MEASURED = ("who_never_reads_delays_nobody", "deep_nesting_and_long_lines_are_bounded")
CASES = {"PROPTEST_CASES": os.environ.get("PROPTEST_CASES", "64")}


def tests_of(sanitizer: Sanitizer, crates: tuple[str, ...], *arguments: str) -> int:
    """Run the Rust tests of the daemon and of these crates."""
    packages = [
        word for crate in ("patchd", *(f"patchctl-{one}" for one in crates)) for word in ("-p", crate)
    ]
    sanitizer.forget()
    variables = {**CASES, **sanitizer.variables}
    skipped = [word for name in MEASURED for word in ("--skip", name)]
    command = ("test", *packages, *KINDS, "--no-fail-fast", *(arguments or ("--", *skipped)))
    status = sanitizer.cargo(*command, variables=variables)
    return sanitizer.verdict(status)


def listed(*_arguments: str) -> int:
    """Print every `unsafe` with its reason."""
    found = [*unsafe.places()]
    for place in found:
        print(f"{place.path}:{place.line}: {place.reason or 'NO REASON'}\n    {place.code}")
    print(f"{len(found)} places")
    return any(not place.reason for place in found)


WAYS: dict[str, Callable[..., int]] = {
    "address": lambda *arguments: tests_of(ADDRESS, CRATES, *arguments),
    "thread": lambda *arguments: tests_of(THREAD, THREADED, *arguments),
    "hook": lambda *arguments: wheels.hook(ADDRESS, *arguments),
    "daemon": lambda *arguments: wheels.daemon(THREAD, *arguments),
    "miri": miri,
    "unsafe": listed,
}


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.sanitize", description=__doc__)
    parser.add_argument("way", choices=[*WAYS])
    parser.add_argument(
        "arguments", nargs=argparse.REMAINDER, help="for `cargo test`, or for pytest with `hook` and `daemon`"
    )
    options = parser.parse_args()
    try:
        return WAYS[options.way](*options.arguments)
    except MissingError as missing:
        print(f"not run: {missing}", file=sys.stderr)
        return 0


if __name__ == "__main__":
    sys.exit(main())
