"""The import hook of patchctl. To import this package starts it: ``patchctl.pth`` and ``patchctl.start`` do.

Runs at the start of every interpreter of this environment, so it imports nothing that is not loaded
already and raises nothing. Where a daemon's socket exists the native part is loaded at once; elsewhere
this module stands first on ``sys.meta_path`` until the first import of the application, so that a daemon
started later finds the process. Each line is paid for by every process: no class, and no global that leads
to ``os``, which the interpreter would have to take apart with it at exit.
"""

import sys

__all__ = ["start"]

# Which of "start" and "load" are done or under way.
_done: "set[str]" = set()


def _variable(name: str) -> "str | None":
    """Value of an environment variable, unless `-E` or `-I` says not to trust any."""
    return None if sys.flags.ignore_environment else sys.modules["os"].environ.get(name)


def _sockets() -> "list[str]":
    """Paths at which a daemon's socket may be, as in ``daemon/protocol/src/location.rs``."""
    home = _variable("PATCHCTL_HOME")
    if home:
        return [home + "/run/patchd.sock"]
    uid = sys.modules["os"].getuid()
    sockets = ["/run/patchctl/patchd.sock"]
    if uid:
        runtime = _variable("XDG_RUNTIME_DIR") or "/run/user/%d" % uid
        sockets.append(runtime + "/patchctl/patchd.sock")
        sockets.append("/tmp/patchctl-%d/patchd.sock" % uid)
    return sockets


def start() -> None:
    """Start the hook now if a daemon is there, else with the first import. Never raises, works once."""
    if "start" in _done:
        return
    _done.add("start")
    try:
        # The native part relies on the GIL, and on how objects are laid out where there is one.
        if "t" not in sys.abiflags and _variable("PATCHCTL_DISABLE") in (None, "", "0"):
            if any(map(sys.modules["os"].path.exists, _sockets())):
                _load(None)
            else:
                sys.meta_path.insert(0, sys.modules[__name__])
    except Exception:
        pass


def _load(placeholder: "object | None") -> None:
    # As `from . import _native` would, whose search of the package's folder takes longer than the loading.
    name = __name__ + "._native"
    external = sys.modules["_frozen_importlib_external"]
    spec = external.spec_from_file_location(name, __path__[0] + "/_native.abi3.so")
    native = sys.modules["_frozen_importlib"].module_from_spec(spec)
    spec.loader.exec_module(native)
    sys.modules[name] = globals()["_native"] = native
    native.start(placeholder)


def find_spec(name: str, path: object = None, target: object = None) -> None:  # noqa: ARG001
    """Load the native part, whose finder takes this one's place. Finds nothing itself."""
    # The interpreter imports these right after the .pth files: site the first two, `-c` the third (3.13).
    if "load" in _done or name in ("sitecustomize", "usercustomize", "linecache"):
        return
    # Set first: loading imports. It stays on the list, where the native finder takes its place: were it
    # removed, whoever walks the list right now would pass over the next finder.
    _done.add("load")
    try:
        _load(sys.modules[__name__])
    except Exception:
        pass


start()
