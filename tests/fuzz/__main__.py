"""`python -m tests.fuzz`: run the fuzz targets, and print what was tried.

Needs a nightly toolchain, a C++ compiler and `cargo install cargo-fuzz`. What a target found interesting
stays in the store, and the next run goes on from there.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.fuzz.seeds import SEEDS
from tests.rig.cargo import MissingError, require_nightly
from tests.rig.wheel import store

HERE = Path(__file__).parent
LONGEST_INPUT = 16_384
MEMORY_MB = 2048
PATIENCE = 20
"""Seconds after which an input counts as a hang."""


def built() -> Path:
    """The folder of the programs, built anew."""
    require_nightly()
    if shutil.which("cargo-fuzz") is None:
        message = "no cargo-fuzz on PATH: cargo install cargo-fuzz"
        raise MissingError(message)
    target = store() / "fuzz" / "target"
    command = ["cargo", "+nightly", "fuzz", "build", "--debug-assertions"]
    command += ["--fuzz-dir", str(HERE), "--target-dir", str(target)]
    subprocess.run(command, check=True)
    return target / "x86_64-unknown-linux-gnu" / "release"


def fuzz(program: Path, seconds: int) -> bool:
    """Run one program, and print its figures; whether it found nothing wrong."""
    name = program.name
    corpus, found = store() / "fuzz" / "corpus" / name, store() / "fuzz" / "found" / name
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[name]()):
        (corpus / f"seed-{number}").write_bytes(seed)
    limits = {
        "max_total_time": seconds,
        "max_len": LONGEST_INPUT,
        "rss_limit_mb": MEMORY_MB,
        "timeout": PATIENCE,
        "print_final_stats": 1,
        "artifact_prefix": f"{found}/",
    }
    command = [str(program), str(corpus), *(f"-{option}={value}" for option, value in limits.items())]
    variables = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, env=variables)
    tried = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    reached = re.findall(r"\bcov: (\d+) ft: (\d+) corp: (\d+)", done.stderr) or [("?", "?", "?")]
    edges, features, kept = reached[-1]
    print(
        f"{name}: {int(tried[1]) if tried else 0:,} inputs in {seconds} s; "
        f"{edges} edges and {features} features of the code reached, {kept} inputs kept",
        flush=True,
    )
    if done.returncode:
        print(done.stderr[-6000:])
    return done.returncode == 0


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(SEEDS)}; all by default")
    parser.add_argument("--seconds", type=int, default=60, help="how long each target runs")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(SEEDS))
    if unknown:
        parser.error(f"no target named {', '.join(unknown)}")
    try:
        folder = built()
    except MissingError as missing:
        print(f"not run: {missing}", file=sys.stderr)
        return 0
    good = [fuzz(folder / name, options.seconds) for name in options.names or SEEDS]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
