"""What fuzz targets begin with: honest inputs, from the kinds of patch and by the interpreters here."""

from __future__ import annotations

import difflib
import subprocess
from collections.abc import Iterator
from typing import Callable

from tests.kinds import case
from tests.rig import interpreters
from tests.rig.environment import plain_variables
from tests.rig.wheel import ROOT

HEADER = """# /// patch
# module = "m"
# requires = ["m>=1.0,<2"]
# python = ">=3.9"
# processes = { cmdline = "*app*", user = "www", prefix = "/srv" }
# expires = 2030-01-01T00:00:00Z
# order = 3
# needs = ["other"]
# renew = ["TABLE"]
# fingerprint = { f = "sha256:00" }
# strip = 1
# ///
"""
EDITS = (
    'replace = ["+", "-"]',
    'unary = ["-", "+"]\nnth = -1',
    "negate = true\nline = 3",
    "constant = [3, [1, 2.5, 'x']]",
    'name = ["upper", "title"]\nkind = "attribute"',
    'local = ["a", "b"]\naccess = "store"',
    'global-to-constant = ["abs", { py = "round" }]',
    'global-to-local = ["LIMIT", "limit"]',
    'add-argument = ["scale", 2]',
    'swap-arguments = ["a", "b"]',
    'default = ["limit", 5]',
    'insert = "print(1)"\nat = "return"\nvalue = "result"',
    'replace-line = [12, "x = 1"]',
    'match = "global str; load $1; call 1"\nwith = "load $1"',
)
MESSAGES = (
    '{"hook":"hello","protocol":1,"python":"3.11.7","search_path":["/a"],"attached":true}',
    '{"hook":"ask","module":"a.b"}',
    '{"daemon":"desired","revision":3,"modules":[{"name":"a.b","digest":"sha256:00"}]}',
    '{"client":"add","files":[{"name":"a.diff","id":null,"content":"x","link":null,"strip":1}],"wait_ms":5}',
    '{"client":"audit","deadline_ms":18446744073709551615,"pids":[1]}',
    '{"reply":"changed","revision":1,"patches":[],"processes":[],"notes":[]}',
)
SIGNATURE = '# /// signature\n# patch = "fix"\n# serial = 1\n# key = "00"\n# value = "00"\n# ///\n'
COMPILE = """
import marshal, sys
text = open(sys.argv[1], encoding="utf-8").read()
todo = [compile(text, "corpus.py", "exec")]
while todo:
    code = todo.pop()
    todo += [one for one in code.co_consts if hasattr(one, "co_code")]
    print(marshal.dumps(code).hex())
"""


def kinds() -> Iterator[tuple[str, str]]:
    """Files as installed and with the fix."""
    for one in case.load(case.OWN, []):
        yield from ((text, one.new[name]) for name, text in one.old.items() if name in one.new)


def diff(old: str, new: str) -> str:
    """A diff as git writes it."""
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), "a/m.py", "b/m.py"
    )
    return f"diff --git a/m.py b/m.py\n{''.join(lines)}"


def diffs() -> Iterator[bytes]:
    """Diffs, with a header and without."""
    for old, new in kinds():
        yield diff(old, new).encode()
    yield (HEADER + diff("a = 1\n", "a = 2\n")).encode()


def python_patches() -> Iterator[bytes]:
    """Python patches."""
    for _, new in kinds():
        yield (HEADER + new).encode()


def edit_patches() -> Iterator[bytes]:
    """Edit patches, one for each operation."""
    for edit in EDITS:
        yield f'module = "m"\nfunction = "C.f"\n\n[[edit]]\n{edit}\n'.encode()


def plans() -> Iterator[bytes]:
    """Sources with their patches."""
    for old, new in kinds():
        yield f"{old}\0{diff(old, new)}".encode()
        yield f'{old}\0# /// patch\n# module = "m"\n# ///\n{new}'.encode()


def messages() -> Iterator[bytes]:
    """Lines on the socket."""
    for message in MESSAGES:
        yield f"{message}\n".encode()


def signatures() -> Iterator[bytes]:
    """Texts with a signature block and without."""
    for text in ("x = 1\n", SIGNATURE, f"#!/usr/bin/python\n{SIGNATURE}x = 1\n", "# coding: utf-8\nx = 1\n"):
        yield text.encode()


def code_objects() -> Iterator[bytes]:
    """Marshalled code objects behind the minor version of their interpreter."""
    corpus = ROOT / "pyhook" / "codeobject" / "tests" / "fuzz" / "corpus.py"
    for one in interpreters.find():
        done = subprocess.run(
            [str(one.path), "-B", "-c", COMPILE, str(corpus)],
            capture_output=True,
            text=True,
            check=True,
            env=plain_variables(),
        )
        for line in done.stdout.splitlines():
            yield bytes([one.release[1]]) + bytes.fromhex(line)


SEEDS: dict[str, Callable[[], Iterator[bytes]]] = {
    "diff": diffs,
    "python_patch": python_patches,
    "edits": edit_patches,
    "plan": plans,
    "messages": messages,
    "signature": signatures,
    "code_object": code_objects,
}
