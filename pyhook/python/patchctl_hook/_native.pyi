"""The native part of the hook (Rust, stable ABI of CPython 3.9)."""

def start(placeholder: object | None) -> None:
    """Install the finder (in the place of ``placeholder`` on ``sys.meta_path``) and start the link.

    Idempotent; raises nothing for a missing, dead or foreign daemon.
    """

def attach(home: str | None) -> None:
    """Start the hook in a process that was not started with it; ``home`` names the daemon's folder."""
