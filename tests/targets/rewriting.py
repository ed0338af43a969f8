"""A pytest plugin that runs a project's suite on code written anew, and notes every test's outcome.

    REWRITING_OUTCOMES    file to write the outcomes to
    REWRITING_PROGRAM     the crate's `examples/stream`; without it nothing is rewritten
    REWRITING_PACKAGES    top-level names of the packages to rewrite, separated by commas

Every function of the packages is decoded, encoded at other offsets, verified and put in its place: in the
code that the source loader gives, and in modules that were imported before.
"""

import gc
import importlib.machinery
import json
import marshal
import os
import struct
import subprocess
import sys
import types

import pytest

PROGRAM = os.environ.get("REWRITING_PROGRAM")
PACKAGES = set(os.environ.get("REWRITING_PACKAGES", "").split(","))
OUTCOMES = {}
FAILURES = {}
COUNTS = {"modules": 0, "functions": 0}


class Rewriter:
    """The program, and a conversation with it."""

    def __init__(self, program):
        version = "{}.{}".format(*sys.version_info)
        self.process = subprocess.Popen(
            [program, "rewrite", version], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def rewrite(self, code):
        """Give the same code at other offsets."""
        data = marshal.dumps(code)
        self.process.stdin.write(struct.pack("<I", len(data)) + data)
        self.process.stdin.flush()
        (length,) = struct.unpack("<I", self.process.stdout.read(4))
        answer = self.process.stdout.read(length)
        if answer[:1] != b"+":
            raise RuntimeError("not rewritten: " + answer[1:].decode())
        return marshal.loads(answer[1:])  # noqa: S302 - our own program's


def is_meant(module):
    """Whether a module is of the packages."""
    return isinstance(module, str) and module.split(".")[0] in PACKAGES


def install(rewriter):
    """Rewrite what is loaded from now on, and what was loaded before."""
    load = importlib.machinery.SourceFileLoader.get_code

    def get_code(self, fullname):
        code = load(self, fullname)
        if not is_meant(fullname):
            return code
        COUNTS["modules"] += 1
        return rewriter.rewrite(code)

    importlib.machinery.SourceFileLoader.get_code = get_code
    for function in gc.get_objects():
        if isinstance(function, types.FunctionType) and is_meant(function.__module__):
            COUNTS["functions"] += 1
            function.__code__ = rewriter.rewrite(function.__code__)


@pytest.hookimpl(trylast=True)
def pytest_configure():
    """Have property tests try the same inputs each time, and not hold them to a time."""
    try:
        from hypothesis import settings
    except ImportError:
        return
    settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
    settings.load_profile("repeatable")


def pytest_runtest_logreport(report):
    """Note the worst that happened to each test."""
    if report.when == "call" or report.outcome != "passed":
        OUTCOMES.setdefault(report.nodeid, report.outcome)
    if report.outcome == "failed":
        FAILURES.setdefault(report.nodeid, report.longreprtext)


def pytest_collectreport(report):
    """Note what could not be collected."""
    if report.outcome == "failed":
        OUTCOMES[report.nodeid] = "not collected"


def pytest_sessionfinish():
    """Write all of it."""
    with open(os.environ["REWRITING_OUTCOMES"], "w") as file:
        json.dump({"outcomes": OUTCOMES, "failures": FAILURES, "rewritten": COUNTS}, file)


if PROGRAM:
    install(Rewriter(PROGRAM))
