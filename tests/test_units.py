"""The daemon under a service manager: its units, and the readiness that it tells."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.rig.environment import plain_variables
from tests.rig.home import Home

KINDS = {"user": (), "machine": ("--machine",)}


@pytest.mark.parametrize("kind", KINDS)
def test_systemd_takes_the_unit(home: Home, folder: Path, kind: str) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze")
    unit = folder / "patchd.service"
    unit.write_text(home.run("daemon", "install-unit", "--print", *KINDS[kind]).out)
    assert f"ExecStart={home.environment.program('patchd')} --{kind}\n" in unit.read_text()
    done = subprocess.run(
        [
            "systemd-analyze",
            f"--{'system' if kind == 'machine' else 'user'}",
            "--man=no",
            "verify",
            str(unit),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**plain_variables(), "XDG_RUNTIME_DIR": str(folder), "HOME": str(folder)},
    )
    complaints = [line for line in done.stderr.splitlines() if "patchd" in line]
    assert (done.returncode, complaints) == (0, []), done.stderr


def test_user_unit_is_written_where_systemd_looks(home: Home, folder: Path) -> None:
    done = subprocess.run(
        [str(home.environment.program("patchctl")), "daemon", "install-unit"],
        env={**plain_variables(), **home.variables, "XDG_CONFIG_HOME": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    unit = folder / "systemd" / "user" / "patchd.service"
    assert str(unit) in done.stdout
    assert "Type=notify" in unit.read_text()


def test_readiness_is_told_when_it_serves(home: Home, folder: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(folder / "notify"))
        manager.settimeout(20)
        process = subprocess.Popen(
            [str(home.environment.program("patchd")), "--home", str(home.folder)],
            env={**plain_variables(), "NOTIFY_SOCKET": str(folder / "notify")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert b"READY=1" in manager.recv(4096)
            status = home.status()
            assert status is not None
            assert status["pid"] == process.pid
        finally:
            process.terminate()
            assert process.wait(20) == 0
