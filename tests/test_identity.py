"""Code objects that nobody edits come out byte for byte: popular packages, on every interpreter."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig import codeobjects, registry, shared
from tests.rig.interpreters import Interpreter

POPULAR = (
    *("attrs", "beautifulsoup4", "boto3", "botocore", "certifi", "charset-normalizer", "click", "django"),
    *("flask", "fsspec", "httpx", "idna", "jinja2", "jsonschema", "more-itertools", "networkx", "packaging"),
    *("pip", "pluggy", "pydantic", "pygments", "pytest", "python-dateutil", "requests", "rich", "setuptools"),
    *("six", "sqlalchemy", "sympy", "tomlkit", "tqdm", "typing-extensions", "urllib3", "werkzeug"),
)

# A few by default; all of them with `PATCHCTL_ALL=1`.
FEW = ("attrs", "click", "packaging", "urllib3")


@pytest.mark.slow
@pytest.mark.every_python
def test_popular_packages_come_out_identical(interpreter: Interpreter, folder: Path) -> None:
    stream = codeobjects.program()
    for name in POPULAR if shared.ALL else FEW:
        registry.install(interpreter, folder / name, name)
    report = codeobjects.over(stream, "check", interpreter, folder)
    assert report["failures"] == []
    assert report["objects"] > (50_000 if shared.ALL else 2_000)
    if interpreter.version > (3, 9):
        assert report["canonical_line_tables"] == report["objects"]
