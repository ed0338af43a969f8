"""Code objects decoded, encoded and verified, over the editable form of the `bytecode` library."""

from __future__ import annotations

import json
from pathlib import Path

from tests.bench.stage import Stage
from tests.bench.table import Row
from tests.rig import codeobjects
from tests.rig.environment import bare, call

STRIDE = 20


def code_objects(stage: Stage) -> list[Row]:
    """Both on the same code objects of the standard library, one after the other, each on one core."""
    stream = codeobjects.program(release=True)
    interpreter = stage.interpreter
    ours = codeobjects.over(stream, "rate", interpreter, Path("stdlib"), stride=STRIDE)
    peer = bare(stage.folder / "peer", interpreter)
    peer.install("bytecode")
    script = str(Path(__file__).parent / "peer.py")
    command = [str(peer.python), script, str(codeobjects.FEED), "stdlib", str(STRIDE)]
    theirs = json.loads(call(command))
    if theirs["objects"] != ours["objects"]:
        message = f"not the same code objects: {ours} and {theirs}"
        raise RuntimeError(message)
    return [
        row("decode and encode", ours["decode_encode"], theirs["rate"], 300),
        row("decode, encode and verify", ours["decode_encode_verify"], theirs["rate"], 100),
    ]


def row(what: str, ours: float, theirs: float, goal: int) -> Row:
    """One ratio of rates."""
    found = f"{ours / theirs:.0f} x ({ours:,.0f} over {theirs:,.0f} a second)"
    return Row(f"code objects: {what}, over `bytecode`", found, f"{goal} x")
