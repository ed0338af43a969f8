"""What listens where the daemon would and is none: it does to each connection whatever a test wants."""

from __future__ import annotations

import socket
import threading
import time
from typing import Callable

from tests.rig.home import Home

Behaviour = Callable[[socket.socket], None]


class Liar(threading.Thread):
    """A listener with an index that names modules, so that imports of them ask."""

    def __init__(self, home: Home, behave: Behaviour, modules: tuple[str, ...] = ("shop.price",)) -> None:
        """Bind the socket and write the index."""
        super().__init__(daemon=True)
        home.socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.behave = behave
        self.kept: list[socket.socket] = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(home.socket))
        home.socket.chmod(0o600)
        self.listener.listen(64)
        index = home.socket.parent / "index"
        names = "".join(f"{name}\n" for name in sorted(modules))
        index.write_text(f"patchctl-index 1 7\n{names}end\n")
        index.chmod(0o600)
        self.start()

    @property
    def connections(self) -> int:
        """How many there were."""
        return len(self.kept)

    def run(self) -> None:
        """Accept until the listener is closed."""
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            self.kept.append(peer)
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        try:
            self.behave(peer)
        except OSError:
            peer.close()

    def close(self) -> None:
        """Close everything."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for peer in self.kept:
            peer.close()


def says(answer: bytes) -> Behaviour:
    """Send the same bytes to everybody, and go on listening."""
    return lambda peer: peer.sendall(answer)


def says_and_closes(answer: bytes) -> Behaviour:
    """Send the same bytes to everybody, and hang up."""

    def behave(peer: socket.socket) -> None:
        peer.sendall(answer)
        peer.close()

    return behave


def is_silent(_peer: socket.socket) -> None:
    """Never answer."""


def trickles(peer: socket.socket) -> None:
    """Send one byte now and then, and never a whole line."""
    while True:
        peer.sendall(b" ")
        time.sleep(0.1)


def floods(peer: socket.socket) -> None:
    """Send without an end, and without a newline."""
    chunk = b"[" * (1 << 20)
    while True:
        peer.sendall(chunk)
