"""Any order of changes ends in the state that the patches present say: against a model, and without leaks."""

from __future__ import annotations

import random
from pathlib import Path

from tests.conftest import Connected
from tests.rig.application import Application
from tests.rig.figures import Kind, rounds, tell, total
from tests.rig.home import Home
from tests.rig.package import Package, git_diff, with_header
from tests.rig.waiting import until, until_equal

FUNCTIONS, SLOTS = 4, 3
FILLER = "".join(f"    filler_{number} = {number}\n" for number in range(8))


def function(number: int, values: list[int]) -> str:
    """One function with lines that patches change, far enough apart to be changed separately."""
    body = FILLER.join(f"    slot_{slot} = {value}\n" for slot, value in enumerate(values))
    names = ", ".join(f"slot_{slot}" for slot in range(SLOTS))
    return f"def f{number}(extra=0):\n{body}{FILLER}    return [{names}, extra]\n\n\n"


def module(values: dict[tuple[int, int], int]) -> str:
    """The module's text with some of the lines changed."""
    return "".join(
        function(number, [values.get((number, slot), 0) for slot in range(SLOTS)])
        for number in range(FUNCTIONS)
    )


class Model:
    """What should be: patches by id, each changing some lines, and which of them are enabled."""

    def __init__(self) -> None:
        """Begin without patches."""
        self.patches: dict[str, dict[tuple[int, int], int]] = {}
        self.disabled: set[str] = set()

    def expected(self) -> list[list[int]]:
        """Results of the functions."""
        values: dict[tuple[int, int], int] = {}
        for name in sorted(self.patches):
            if name not in self.disabled:
                values.update(self.patches[name])
        return [[*(values.get((number, slot), 0) for slot in range(SLOTS)), 0] for number in range(FUNCTIONS)]

    def free(self) -> list[tuple[int, int]]:
        """Lines that no patch changes."""
        taken = {place for places in self.patches.values() for place in places}
        every = [(number, slot) for number in range(FUNCTIONS) for slot in range(SLOTS)]
        return [place for place in every if place not in taken]


def patch(package: Package, name: str, places: dict[tuple[int, int], int]) -> Path:
    """A diff that changes these lines."""
    return package.write_patch(f"{name}.diff", git_diff("shop/many.py", module({}), module(places)))


def step(chance: random.Random, home: Home, package: Package, model: Model) -> str:
    """Change something, in the registry and in the model; says what."""
    names = sorted(model.patches)
    verbs = ["add"] * (3 if model.free() else 0) + ["remove", "edit", "switch"] * bool(names)
    verb = chance.choice(verbs)
    if verb == "add":
        name = f"p{chance.randrange(10**6):06}"
        places = chance.sample(model.free(), min(len(model.free()), chance.choice([1, 1, 2, 3])))
        model.patches[name] = {place: chance.randrange(1, 99) for place in places}
        home.add(patch(package, name, model.patches[name]))
    else:
        name = chance.choice(names)
        if verb == "remove":
            del model.patches[name]
            model.disabled.discard(name)
            home.remove(name)
        elif verb == "edit":
            model.patches[name] = {place: chance.randrange(1, 99) for place in model.patches[name]}
            (home.patches / f"{name}.diff").write_bytes(
                patch(package, name, model.patches[name]).read_bytes()
            )
        else:
            model.disabled ^= {name}
            home.run("disable" if name in model.disabled else "enable", name)
    return f"{verb} {name}"


def many(package: Package) -> None:
    """Put the module there."""
    (package.folder / "shop" / "many.py").write_text(module({}))


HELD = """
import shop.many
held = [getattr(shop.many, f"f{n}") for n in range(4)]
codes = [f.__code__ for f in held]
"""
SAME = (
    "[f is getattr(shop.many, f'f{n}') and f.__code__ is code"
    " for n, (f, code) in enumerate(zip(held, codes))]"
)


def test_random_sequences_end_where_the_model_does(
    home: Home, package: Package, connected: Connected
) -> None:
    many(package)
    app = connected()
    app.exec(HELD)
    seed = 20
    chance, model, done = random.Random(seed), Model(), []  # noqa: S311
    for _ in range(rounds(40, 1000)):
        done.append(step(chance, home, package, model))
        until(
            lambda: app.eval("[f() for f in held]"),
            lambda seen: seen == model.expected(),
            what=f"{model.expected()} after {done[-5:]} (seed {seed})",
        )
        changed = {
            number
            for name, places in model.patches.items()
            if name not in model.disabled
            for number, _ in places
        }
        same = app.eval(SAME)
        assert [not one for one in same] == [number in changed for number in range(FUNCTIONS)], done[-5:]
    for name in sorted(model.patches):
        home.remove(name)
    until_equal(lambda: app.eval(SAME), [True] * FUNCTIONS)
    total(Kind.ROUNDS, len(done))
    tell(f"random sequences: {len(done)} changes agree with the model")


COUNTS = """
import gc, os, sys, threading
def counts():
    gc.collect()
    kinds = [type(one).__name__ for one in gc.get_objects()]
    status = open('/proc/self/status').read()
    return {
        'functions': kinds.count('function'), 'dicts': kinds.count('dict'), 'types': kinds.count('type'),
        'descriptors': len(os.listdir('/proc/self/fd')), 'threads': len(os.listdir('/proc/self/task')),
        'modules': len(sys.modules), 'resident': int(status.split('VmRSS:')[1].split()[0]),
    }
"""
PATCH = """
import colorsys

LIMIT = 7


def helper(amount):
    return [colorsys.__name__, amount, LIMIT]


def net(amount, tax=5):
    return helper(amount)


class Shelf:
    kind = "patched"

    def put(self, name):
        return (name, super().__init__)
"""


def test_adding_and_removing_leaves_nothing_behind(
    home: Home, package: Package, connected: Connected
) -> None:
    (package.folder / "shop" / "shelf.py").write_text(
        "class Shelf:\n    def put(self, name):\n        return name\n\n\n"
        "def net(amount):\n    return amount\n"
    )
    app = connected()
    app.exec("import shop.shelf, colorsys")
    app.exec(COUNTS)
    path = package.write_patch("full.py", with_header('module = "shop.shelf"', PATCH))
    cycles = rounds(40, 1000)
    for _ in range(5):
        cycle(home, app, path)
    before = app.eval("counts()")
    for _ in range(cycles):
        cycle(home, app, path)
    after = app.eval("counts()")
    # The interpreter itself makes a dict now and then, such as that of an object whose attributes are read.
    within = {"dicts": 3, "resident": 512 + cycles}
    grown = {name: after[name] - before[name] for name in before}
    assert {name: count for name, count in grown.items() if count > within.get(name, 0)} == {}, after
    total(Kind.ROUNDS, cycles)
    tell(f"{cycles} times added and removed: {grown['resident']} kB more")


def cycle(home: Home, app: Application, path: Path) -> None:
    """Add the patch, see it, take it out, see that."""
    home.add(path)
    assert app.eval("shop.shelf.net(1)[1]") == 1
    home.remove("full")
    assert app.eval("shop.shelf.net(1)") == 1
