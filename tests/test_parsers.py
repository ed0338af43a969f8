"""What reads files, messages and code objects of others, in Rust: random inputs, counted for the summary."""

from __future__ import annotations

import re

import pytest

from tests.rig import interpreters
from tests.rig.cargo import cargo
from tests.rig.figures import LONG, Kind, rounds, tell, total

pytestmark = [pytest.mark.slow]
CRATES = ("patchctl-planner", "patchctl-protocol", "patchctl-signature")


def test_hostile_files_and_messages() -> None:
    cases = rounds(256, 20_000)
    packages = [word for crate in CRATES for word in ("--package", crate)]
    said = cargo("test", *packages, "properties::", variables={"PROPTEST_CASES": str(cases)})
    properties = sum(int(number) for number in re.findall(r"(\d+) passed", said))
    assert properties >= 7, said
    total(Kind.INPUTS, properties * cases)
    tell(f"parsers of patch files, messages and signatures: {properties} properties, {cases} inputs each")


def test_accepted_mutants_do_not_crash() -> None:
    found = interpreters.find()
    chosen = found if LONG else [interpreters.default(found)]
    variables = {"PATCHCTL_PYTHONS": ":".join(str(one.path) for one in chosen)}
    command = ("test", "--package", "patchctl-codeobject", "--test", "fuzz", "--", "--nocapture")
    said = cargo(*command, variables=variables)
    mutants = re.findall(r"^(\S+): (\d+) mutants \(\d+ unchanged\), (\d+) accepted", said, re.MULTILINE)
    assert mutants, said
    for version, tried, accepted in mutants:
        total(Kind.INPUTS, int(tried))
        tell(f"mutants of code objects, Python {version}: {tried}, of which {accepted} were accepted and run")
