"""The import hook of patchctl, installed by ``patchctl.pth`` and ``patchctl.start``.

Runs at the start of every interpreter of this environment, so it imports nothing that is not loaded
already and raises nothing. Where a daemon's socket exists the native part is loaded at once; elsewhere
by the first import of the application, so that a daemon started later finds the process.
"""

import sys
from os import environ, getuid, path

__all__ = ["start"]

# The interpreter itself imports these right after the .pth files: site the first two, `-c` the third (3.13).
_START_NAMES = ("sitecustomize", "usercustomize", "linecache")


def _variable(name: str) -> "str | None":
    """Value of an environment variable, unless `-E` or `-I` says not to trust any."""
    return None if sys.flags.ignore_environment else environ.get(name)


def _sockets() -> "list[str]":
    """Paths at which a daemon's socket may be, as in ``daemon/protocol/src/location.rs``."""
    home = _variable("PATCHCTL_HOME")
    if home:
        return [home + "/run/patchd.sock"]
    uid = getuid()
    sockets = ["/run/patchctl/patchd.sock"]
    if uid:
        runtime = _variable("XDG_RUNTIME_DIR") or "/run/user/%d" % uid
        sockets.append(runtime + "/patchctl/patchd.sock")
        sockets.append("/tmp/patchctl-%d/patchd.sock" % uid)
    return sockets


def start() -> None:
    """Start the hook now if a daemon is there, else with the first import. Never raises.

    The second call does nothing: in a virtual environment ``site`` reads ``.pth`` files twice.
    """
    if _Deferred.started:
        return
    _Deferred.started = True
    try:
        if _variable("PATCHCTL_DISABLE") in (None, "", "0"):
            if any(map(path.exists, _sockets())):
                _load(None)
            else:
                sys.meta_path.insert(0, _Deferred)
    except Exception:
        pass


def _load(placeholder: "object | None") -> None:
    from . import _native

    _native.start(placeholder)


class _Deferred:
    """Stands first on ``sys.meta_path`` until the first import; finds nothing itself."""

    started = False
    loaded = False

    @classmethod
    def find_spec(cls, name: str, path: object = None, target: object = None) -> None:
        """Load the native part, whose finder takes this one's place."""
        if cls.loaded or name in _START_NAMES:
            return
        # Set first: loading imports. It stays on the list, where the native finder takes its place:
        # were it removed, whoever walks the list right now would pass over the next finder.
        cls.loaded = True
        try:
            _load(cls)
        except Exception:
            pass
