"""A patch that comes and goes while something else happens."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.rig.home import Home


@contextmanager
def changing(home: Home, path: Path) -> Iterator[list[int]]:
    """Put a patch in and take it out while the block runs; the list counts how often."""
    rounds = [0]
    ended = threading.Event()

    def change() -> None:
        while not ended.is_set():
            home.add(path, code=None)
            home.remove("fix", code=None)
            rounds[0] += 1

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield rounds
    finally:
        ended.set()
        thread.join()
