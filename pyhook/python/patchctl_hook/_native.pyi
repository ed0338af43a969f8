"""The native part of the hook (Rust, stable ABI of CPython 3.9)."""

from types import CodeType

def start(placeholder: object | None) -> None:
    """Install the finder (in the place of ``placeholder`` on ``sys.meta_path``) and start the link.

    Idempotent; raises nothing for a missing, dead or foreign daemon.
    """

def attach(home: str | None) -> None:
    """Start the hook in a process that was not started with it; ``home`` names the daemon's folder."""

def examine(code: CodeType, edits: bytes) -> bytes:
    """Try edits (as JSON) on the code of a module that no process runs; where they apply, as JSON."""
