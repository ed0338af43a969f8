"""What the hook costs at start and at imports."""

from __future__ import annotations

from functools import partial

from tests.bench.stage import Stage
from tests.bench.table import Row, median_pair, ratio
from tests.rig.package import with_header

IMPORTS = (
    "import time; begin = time.process_time()\n"
    "for number in range(500): __import__('modules.m%03d' % number)\n"
    "print(time.process_time() - begin)"
)
IMPORT_ONE = "import time; begin = time.perf_counter(); import {}; print(time.perf_counter() - begin)"


def bare_start(stage: Stage, rounds: int) -> list[Row]:
    """`python -c pass` with hook and daemon, and with the hook alone; and what importing anything takes."""
    rows = []
    for what, goal, started in (
        ("`python -c pass`, hook and daemon, over a trivial `.pth`", "1.08 x", True),
        ("`python -c pass`, hook, no daemon, over a trivial `.pth`", "1.01 x", False),
    ):
        home = stage.home(started=started)
        pair = median_pair(
            partial(stage.seconds, stage.hooked, "pass", home.variables),
            partial(stage.seconds, stage.trivial, "pass", {}),
            rounds,
        )
        rows.append(ratio(what, pair, goal))
    pair = median_pair(
        partial(stage.seconds, stage.empty, "pass", {}),
        partial(stage.seconds, stage.trivial, "pass", {}),
        rounds,
    )
    what = "`python -c pass`, a `.pth` that imports an empty package, over a trivial `.pth`"
    return [*rows, ratio(what, pair, "the least of a hook with a module")]


def imports(stage: Stage, rounds: int) -> Row:
    """500 modules without patches."""
    folder = stage.folder / "many"
    (folder / "modules").mkdir(parents=True)
    (folder / "modules" / "__init__.py").touch()
    for number in range(500):
        (folder / "modules" / f"m{number:03}.py").write_text(
            f"import os\n\n\ndef f():\n    return {number}\n"
        )
    home = stage.home()
    path = {"PYTHONPATH": str(folder)}
    pair = median_pair(
        lambda: stage.printed(stage.hooked, IMPORTS, {**home.variables, **path}),
        lambda: stage.printed(stage.plain, IMPORTS, path),
        rounds,
    )
    return ratio("import of 500 modules without patches, over bare (processor time)", pair, "1.01 x")


def patched_imports(stage: Stage, rounds: int) -> list[Row]:
    """Modules with one changed function body, over the same modules unpatched."""
    folder = stage.folder / "big"
    folder.mkdir()
    text = "".join(
        f"def f{number}(a, b=1):\n    c = a + b\n    return [c, {number}]\n\n\n" for number in range(1500)
    )
    (folder / "big.py").write_text(text)
    return [
        patched_import(
            stage,
            rounds,
            ("big", "def f7(a, b=1):\n    return 'patched'\n", {"PYTHONPATH": str(folder)}),
            "import of a patched module (1,500 functions), over unpatched",
        ),
        patched_import(
            stage,
            rounds,
            ("tarfile", "def is_tarfile(name):\n    return False\n", {}),
            "import of `tarfile`, patched, with the modules that it needs, over unpatched",
        ),
    ]


def patched_import(stage: Stage, rounds: int, fix: tuple[str, str, dict[str, str]], what: str) -> Row:
    """One module, the text of its patch, and what the process needs in its environment."""
    module, text, variables = fix
    patched, other = stage.home(), stage.home()
    path = stage.folder / f"fix-{module}.py"
    path.write_text(with_header(f'module = "{module}"', text))
    patched.add(path)
    code = IMPORT_ONE.format(module)
    pair = median_pair(
        lambda: stage.printed(stage.hooked, code, {**patched.variables, **variables}),
        lambda: stage.printed(stage.hooked, code, {**other.variables, **variables}),
        rounds,
    )
    return ratio(what, pair, "1.10 x")
