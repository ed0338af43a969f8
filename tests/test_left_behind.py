"""What a live patch can't take over is told, what it did is undone, and no object is asked for attributes."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from tests.rig.application import Application
from tests.rig.home import Home
from tests.rig.package import Package, git_diff

Connected = Callable[..., Application]


class Changed:
    """A module of the sample package, and a patch of it."""

    def __init__(self, home: Home, connected: Connected, package: Package, old: str, new: str) -> None:
        """Have the application import it."""
        self.home = home
        (package.folder / "shop" / "own.py").write_text(old)
        self.patch = package.write_patch("fix.diff", git_diff("shop/own.py", old, new))
        self.app = connected("import sys; import shop.own as own")

    def add(self) -> list[str]:
        """Add the patch; the names of what stays behind."""
        stale: list[dict[str, Any]] = self.home.add(self.patch).outcome(self.app.pid)["stale"]
        return [one["name"] for one in stale]


Change = Callable[[str, str], Changed]


@pytest.fixture
def change(home: Home, connected: Connected, package: Package) -> Change:
    """Make a module and a patch of it."""
    return lambda old, new: Changed(home, connected, package, old, new)


def test_names_that_a_statement_bound_and_does_not(change: Change) -> None:
    """An import that fails leaves what was bound for that case; one that succeeds does not."""
    old = "try:\n    import no_such_module as extra\nexcept ImportError:\n    extra = None\n"
    old += "try:\n    import json as codec\nexcept ImportError:\n    codec = None\n"
    new = old.replace("extra = None", "HAS_EXTRA = False").replace("codec = None", "HAS_CODEC = False")
    new = new.replace("except ImportError", "except (ImportError, ValueError)")
    changed = change(old, new)
    assert changed.add() == ["extra"]
    assert changed.app.eval("[own.HAS_EXTRA, own.extra, own.codec is not None]") == [False, None, True]


def test_names_that_a_branch_bound_and_does_not(home: Home, change: Change) -> None:
    old = "try:\n    import no_such_module as extra\nexcept ImportError:\n    extra = None\n"
    old += "try:\n    import json as codec\nexcept ImportError:\n    codec = None\n"
    new = old.replace("extra = None", "HAS_EXTRA = False").replace("codec = None", "HAS_CODEC = False")
    changed = change(old, new)
    changed.add()
    assert changed.app.eval("[hasattr(own, 'extra'), own.codec is not None]") == [False, True]
    home.remove("fix")
    assert changed.app.eval("[own.extra, own.codec is not None]") == [None, True]


def test_values_that_functions_have_bound_since(change: Change) -> None:
    old = "current = None\nlimit = 5\ndef start():\n    global current\n    current = 3\nstart()\n"
    new = old.replace("current = None\nlimit = 5\n", "")
    changed = change(old, new)
    assert changed.add() == ["current"]
    assert changed.app.eval("[own.current, hasattr(own, 'limit')]") == [3, False]


def test_other_names_of_loaded_modules_are_taken_back(home: Home, change: Change) -> None:
    old = "import json\nimport sys\nsys.modules['codec'] = json\n"
    new = "import json\nimport sys\nimport colorsys\n"
    new += "for name in ('codec', 'other'):\n    sys.modules[name] = colorsys\n"
    changed = change(old, new)
    names = "[getattr(sys.modules.get(name), '__name__', None) for name in ('codec', 'other', 'colorsys')]"
    before = changed.app.eval(names)
    assert before == ["json", None, None]
    changed.add()
    assert changed.app.eval(names) == ["colorsys", "colorsys", "colorsys"]
    home.remove("fix")
    # What was imported stays so.
    assert changed.app.eval(names) == ["json", None, "colorsys"]


@pytest.mark.every_python
@pytest.mark.every_python
def test_annotations_leave_no_dictionary(home: Home, change: Change) -> None:
    old = "class Thing:\n    size = 1\n"
    changed = change(old, old.replace("size", "size: int"))
    before = changed.app.eval("sorted(vars(own.Thing))")
    changed.add()
    assert changed.app.eval("list(own.Thing.__annotations__)") == ["size"]
    home.remove("fix")
    # From 3.14 on asking for annotations leaves what it found.
    asked = {"__annotations_cache__", "__annotate_func__"}
    assert set(changed.app.eval("sorted(vars(own.Thing))")) - asked == set(before)


def test_objects_are_not_asked_for_attributes(home: Home, change: Change) -> None:
    """Some make what they are asked for, and keep it."""
    old = """\
class Made:
    def __getattr__(self, name):
        if name.startswith("_ipython"):
            raise AttributeError(name)
        made = Made()
        setattr(self, name, made)
        return made

    def __call__(self, function):
        self.kept = function
        return self

    @property
    def func(self):
        raise SystemExit("asked")


made = Made()
other = Made()

@made
def decorated():
    return 1

class Holder:
    value = Made()

def plain():
    return made, other
"""
    new = old.replace("return 1", "return 2").replace("other = Made()", "other = [made]")
    new = new.replace("return made, other", "return other, made").replace(
        "    value = Made()\n", "    pass\n"
    )
    changed = change(old, new)
    changed.app.exec("kept = [own.made, own.other, own.decorated, own.Holder.value]")
    asked = "[sorted(vars(one)) for one in kept]"
    before = changed.app.eval(asked)
    changed.add()
    assert changed.app.eval(asked) == before == [["kept"], [], ["kept"], []]
    assert changed.app.eval("own.plain()[1] is own.made")
    home.remove("fix")
    assert changed.app.eval(asked) == before


def test_a_name_that_the_module_has_deleted_stays_so(home: Home, change: Change) -> None:
    """Texts of steps begin with the module's `from __future__` line."""
    old = "from __future__ import annotations\ndel annotations\nLIMIT = 5\n"
    changed = change(old, old.replace("5", "7"))
    changed.add()
    assert changed.app.eval("[own.LIMIT, hasattr(own, 'annotations')]") == [7, False]
    home.remove("fix")
    assert changed.app.eval("[own.LIMIT, hasattr(own, 'annotations')]") == [5, False]


@pytest.mark.parametrize(
    ("done", "left"),
    [
        ("{'a': 1} | TABLE['b'] = 2 |", "{'a': 1}"),
        ("{'a': 1} | TABLE['b'] = 2 | own.TABLE['c'] = 3", "{'a': 1, 'c': 3}"),
        ("{'a': 1} | TABLE.update(b=2) | own.TABLE['c'] = 3", "{'a': 1, 'c': 3}"),
        ("{'a': 1} | TABLE.update(a=2) | own.TABLE['c'] = 3", "{'a': 1, 'c': 3}"),
        ("{'a': 1} | TABLE.pop('a') | own.TABLE['c'] = 3", "{'a': 1, 'c': 3}"),
        ("['a'] | TABLE.append('b') | own.TABLE.append('c')", "['a', 'c']"),
        ("['a', 'b'] | TABLE.remove('a') | own.TABLE.append('c')", "['b', 'c', 'a']"),
        ("{'a'} | TABLE.discard('a') | own.TABLE.add('c')", "{'a', 'c'}"),
        ("['a'] | fill() |", "['a']"),
        ("['a'] | fill() | own.TABLE.append('c')", "['a', 'c']"),
        ("['a'] | for one in 'xy':\n    TABLE.append(one) | own.TABLE.append('c')", "['a', 'c']"),
        ("['a'] | setattr(fill, 'size', 5) |", "['a']"),
        ("['a'] | globals()['more'] = 5 |", "['a']"),
    ],
)
def test_what_a_new_statement_did_is_undone(home: Home, change: Change, done: str, left: str) -> None:
    """In place or by names that it makes up; what the application put there meanwhile stays."""
    value, statement, meanwhile = (part.strip() for part in done.split("|"))
    old = f"TABLE = {value}\n\n\ndef fill():\n    TABLE.append('filled')\n"
    changed = change(old, f"{old}\n\n{statement}\n")
    state = "repr([own.TABLE, vars(own.fill), sorted(vars(own))])"
    before = changed.app.eval(state)
    changed.add()
    assert changed.app.eval(state) != before
    changed.app.exec(meanwhile or "pass")
    home.remove("fix")
    assert changed.app.eval(f"own.TABLE == {left}")
    changed.app.exec(f"own.TABLE = {value}")
    assert changed.app.eval(state) == before
