"""Code objects per second through the `bytecode` library's editable form, on one core: run by `code_objects`.

peer.py FEED FOLDER STRIDE    reads what FEED streams of FOLDER
"""

from __future__ import annotations

import json
import marshal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from types import CodeType
from typing import IO

from bytecode import Bytecode  # type: ignore[import-not-found]


def chunks(stream: IO[bytes]) -> Iterator[bytes]:
    """Pieces of data with their length before them."""
    while length := stream.read(4):
        yield stream.read(struct.unpack("<I", length)[0])


def walk(code: CodeType) -> Iterator[CodeType]:
    """A code object and all nested in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from walk(constant)


def main(feed: str, folder: str, stride: str) -> None:
    """Measure, and print the figures."""
    child = subprocess.Popen([sys.executable, "-B", feed, folder, stride], stdout=subprocess.PIPE)
    assert child.stdout is not None
    pieces = list(chunks(child.stdout))
    codes = [code for data in pieces[1::2] for code in walk(marshal.loads(data))]  # noqa: S302 - our own
    failed, fastest = 0, float("inf")
    for _ in range(2):
        failed, begin = 0, time.process_time()
        for code in codes:
            try:
                Bytecode.from_code(code).to_code()
            except Exception:
                failed += 1  # a few are too much for it
        fastest = min(fastest, time.process_time() - begin)
    print(json.dumps({"objects": len(codes), "failed": failed, "rate": len(codes) / fastest}))


main(*sys.argv[1:])
