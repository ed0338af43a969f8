"""What is done before the pause of a live patch, while the application runs."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

from tests.rig.application import Application
from tests.rig.home import Home
from tests.rig.package import Package, git_diff
from tests.rig.waiting import until

Connected = Callable[..., Application]


def opened(path: Path) -> int | None:
    """A pipe's writing end, once somebody reads."""
    try:
        return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return None


def test_texts_of_importers_are_read_while_the_application_runs(
    home: Home, connected: Connected, package: Package, folder: Path
) -> None:
    """One is a pipe: whoever reads it waits."""
    text = "from shop.price import RATE\n"
    (package.folder / "taker.py").write_text(text)
    pipe = folder / "taker.py"
    os.mkfifo(pipe)
    app = connected(f"import shop.price, taker; taker.__file__ = {str(pipe)!r}")
    patch = package.write_patch("fix.diff", package.diff("shop/price.py", ("RATE = 20\n", "RATE = 21\n")))
    adding = threading.Thread(target=home.run, args=("add", patch), kwargs={"code": None})
    adding.start()
    try:
        end = until(lambda: opened(pipe), what="a reader of the text")
        assert app.eval("[taker.RATE, shop.price.RATE]", seconds=10) == [20, 20]
    finally:
        while adding.is_alive():
            end = opened(pipe) if end is None else end
            if end is not None:
                os.write(end, text.encode())
                os.close(end)
            end = None
            adding.join(0.01)
    assert app.eval("[taker.RATE, shop.price.RATE]") == [21, 21]


WATCH = """
import sys, threading, time
import shop.long as long
waits, done = [], threading.Event()

def watch():
    before = time.perf_counter()
    while not done.is_set():
        now = time.perf_counter()
        if now - before > alone / 2:
            waits.append(now - before)
        before = now

def compiled():
    source = open(long.__file__).read()
    begun = time.perf_counter()
    compile(source, "long.py", "exec")
    return time.perf_counter() - begun

alone = min(compiled() for _ in range(5))
threading.Thread(target=watch, daemon=True).start()
"""
ROUNDS = 5


def test_new_code_is_compiled_piece_by_piece(home: Home, connected: Connected, package: Package) -> None:
    """Threads wait once for the old text and once for the new one, and not for both together."""
    lines = "".join(f"    value = value + {number} * value\n" for number in range(5000))
    old = f"def decided(value):\n    result = 'old'\n{lines}    return result\n"
    (package.folder / "shop" / "long.py").write_text(old)
    app = connected(WATCH)
    patch = package.write_patch("fix.diff", git_diff("shop/long.py", old, old.replace("'old'", "'new'")))
    waits = []
    for _ in range(ROUNDS):
        app.exec("waits.clear()")
        home.add(patch)
        waits.append(app.eval("len(waits)"))
        assert app.eval("long.decided(1)") == "new"
        home.remove("fix")
    assert min(waits) >= 2, waits
