"""A small package of the tests' own, and diffs made from changes to its text."""

from __future__ import annotations

import difflib
from pathlib import Path

PRICE = '''\
"""Prices of the sample shop."""
import math

RATE = 20
LIMITS = {"low": 1, "high": 100}


def net(amount):
    """Return the amount without tax."""
    return amount


def total(amount, tax=RATE):
    """Return the amount with tax."""
    return net(amount) + tax


def rounded(amount):
    """Return the next whole number."""
    return math.ceil(amount)


class Cart:
    """Holds amounts."""

    currency = "EUR"

    def __init__(self):
        """Start empty."""
        self.items = []

    def add(self, amount):
        """Take one more amount."""
        self.items.append(amount)
        return self

    def sum(self):
        """Return the sum of what it holds."""
        return sum(total(item) for item in self.items)
'''
STOCK = '''\
"""What the sample shop has in stock."""


def count(name):
    """Return how many there are."""
    return len(name)


def has(name):
    """Return whether there is one."""
    return count(name) > 0
'''
FILES = {"shop/__init__.py": '"""A sample shop."""\n', "shop/price.py": PRICE, "shop/stock.py": STOCK}
NET = ("    return amount\n", "    return amount * 2\n")
"""Doubles what `shop.price.net` returns."""
COUNT = ("    return len(name)\n", "    return len(name) + 100\n")
"""Adds 100 to what `shop.stock.count` returns."""


class Package:
    """The package's files in a folder of a test, and patches to them."""

    def __init__(self, folder: Path, files: dict[str, str] | None = None, version: str = "1.0.0") -> None:
        """Write the files, and a distribution's metadata beside them."""
        self.folder = folder
        self.files = dict(FILES if files is None else files)
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.set_version(version)

    def set_version(self, version: str) -> None:
        """Make the installed distribution `sample-shop` have this version."""
        for known in self.folder.glob("sample_shop-*.dist-info"):
            (known / "METADATA").unlink()
            known.rmdir()
        metadata = self.folder / f"sample_shop-{version}.dist-info" / "METADATA"
        metadata.parent.mkdir()
        metadata.write_text(f"Metadata-Version: 2.1\nName: sample-shop\nVersion: {version}\n")

    def changed(self, name: str, *changes: tuple[str, str]) -> str:
        """Text of a file after some replacements, each of which must fit exactly once."""
        text = self.files[name]
        for old, new in changes:
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
            text = text.replace(old, new)
        return text

    def diff(self, name: str = "shop/price.py", *changes: tuple[str, str], under: str = "") -> str:
        """A git diff of one file; `under` is put before its path, such as `src/`."""
        return git_diff(f"{under}{name}", self.files[name], self.changed(name, *(changes or (NET,))))

    def write_patch(self, name: str, text: str, header: str = "") -> Path:
        """Write a patch file beside the package, with a TOML header if given."""
        path = self.folder.parent / name
        path.write_text(with_header(header, text) if header else text)
        return path


def with_header(header: str, text: str) -> str:
    """Put a TOML header before a patch, as a comment block."""
    lines = "".join(f"# {line}\n" for line in header.strip().splitlines())
    return f"# /// patch\n{lines}# ///\n{text}"


def git_diff(path: str, old: str, new: str) -> str:
    """The diff of one file as git writes it."""
    return f"diff --git a/{path} b/{path}\n" + plain_diff(old, new, f"a/{path}", f"b/{path}")


def plain_diff(old: str, new: str, old_name: str, new_name: str) -> str:
    """A unified diff, with git's note where a text does not end in a newline."""
    pieces = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), old_name, new_name
    )
    return "".join(
        piece if piece.endswith("\n") else piece + "\n\\ No newline at end of file\n" for piece in pieces
    )
