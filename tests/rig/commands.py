"""The commands of `patchctl`."""

from __future__ import annotations

RUNNING_ON = ("attach", "daemon", "demo")
"""Those that start or change processes beside the test's own."""

COMMANDS = (
    *("add", "remove", "enable", "disable", "list", "show", "check", "audit", "ps", "history", "diff"),
    *("off", "on", "key", "sign", "verify", "hook", "detach", "completions", "man", *RUNNING_ON),
)
