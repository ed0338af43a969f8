"""Builds and runs Rust parts with a sanitizer compiled in, or in miri. Needs a nightly toolchain."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.rig.cargo import MissingError, require_nightly
from tests.rig.wheel import ROOT, store

TARGET = "x86_64-unknown-linux-gnu"
SMALL = ("--config", 'profile.dev.package."*".debug=false')


@dataclass(frozen=True)
class Sanitizer:
    """One sanitizer, and what it needs to know."""

    name: str
    variable: str
    """Which environment variable its settings stand in."""
    settings: str
    with_std: bool = False
    """Whether the standard library must be built with it."""

    @property
    def folder(self) -> Path:
        """Where what is built is kept."""
        return store() / "sanitize" / self.name

    @property
    def variables(self) -> dict[str, str]:
        """What a process under it needs; reports go to files, since nobody listens to some processes."""
        return {self.variable: f"{self.settings}:log_path={self.folder}/reports/report"}

    def cargo(self, *arguments: str, variables: dict[str, str] | None = None) -> int:
        """Run cargo with the sanitizer on; returns its exit status."""
        require_nightly(rust_src=self.with_std)
        own = {
            "CARGO_INCREMENTAL": "0",
            "CARGO_TARGET_DIR": str(self.folder),
            "RUSTFLAGS": f"-Zsanitizer={self.name} -Cforce-frame-pointers=yes",
            **(variables or {}),
        }
        verb, *rest = arguments
        std = ("-Zbuild-std",) if self.with_std else ()
        command = ["cargo", "+nightly", verb, *std, "--locked", "--target", TARGET, *SMALL, *rest]
        return subprocess.run(command, cwd=ROOT, env={**os.environ, **own}, check=False).returncode

    def forget(self) -> None:
        """Remove the reports of before."""
        shutil.rmtree(self.folder / "reports", ignore_errors=True)
        (self.folder / "reports").mkdir(parents=True)

    def verdict(self, status: int) -> int:
        """Print the reports; the exit status, which is not 0 if there are any."""
        found = sorted((self.folder / "reports").iterdir())
        for report in found:
            print(report.read_text(errors="replace"))
        print(f"reports of the {self.name} sanitizer: {len(found)}")
        return status or int(bool(found))


def miri(*arguments: str) -> int:
    """Run the tests of a crate without system calls in the interpreter that finds undefined behaviour."""
    require_nightly(rust_src=True)
    found = subprocess.run(["cargo", "+nightly", "miri", "--version"], capture_output=True, check=False)
    if found.returncode:
        message = "no miri: rustup component add miri --toolchain nightly"
        raise MissingError(message)
    own = {"CARGO_TARGET_DIR": str(store() / "sanitize" / "miri"), "MIRIFLAGS": "-Zmiri-disable-isolation"}
    command = ["cargo", "+nightly", "miri", "test", "--locked", "-p", "patchctl-codeobject", "--lib"]
    return subprocess.run([*command, *arguments], cwd=ROOT, env={**os.environ, **own}, check=False).returncode
