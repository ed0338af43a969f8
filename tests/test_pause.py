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
import sys, threading
import shop.long as long
# Built into the interpreter, so that no thread can be switched to in it.
events, between, done = {}, [], threading.Event()
sys.addaudithook(events.__setitem__)
sys.setswitchinterval(1e-5)

def watch():
    while not done.is_set():
        made = str(events.get("compile", ("",))[0])
        if "is_new" in made and long.decoding(1) == "old":
            between.append(len(made))

thread = threading.Thread(target=watch, daemon=True)
thread.start()
"""


def test_new_code_is_compiled_while_the_application_runs(
    home: Home, connected: Connected, package: Package
) -> None:
    """Threads run between that and the first change: a text that may declare a coding is compiled audibly."""
    lines = "".join(f"    value = value + {number} * value\n" for number in range(3000))
    old = f"def decoding(value):\n    result = 'old'\n{lines}    return result\n"
    new = old.replace("result = 'old'", "result = is_new = 'new'")
    (package.folder / "shop" / "long.py").write_text(old)
    app = connected(WATCH)
    home.add(package.write_patch("fix.diff", git_diff("shop/long.py", old, new)))
    assert app.eval("long.decoding(1)") == "new"
    assert app.eval("done.set() or thread.join(20) or len(between)") > 0
