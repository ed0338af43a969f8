"""The steered application: standard library only, Python 3.9 and later.

Says `{"ready": PID}`, then answers each JSON line of standard input with one of its own. With
`--idle block` the main thread waits in a blocking read; with `--idle select` it wakes 20 times a second.
"""

import json
import os
import select
import sys

OUTPUT = os.dup(1)
os.dup2(2, 1)


def say(**answer):
    """Write one answer; values that JSON does not know are sent as their representation."""
    os.write(OUTPUT, json.dumps(answer, default=repr).encode() + b"\n")


def lines(idle):
    """Lines of standard input."""
    unread = b""
    while True:
        while b"\n" not in unread:
            if idle == "select" and not select.select([0], [], [], 0.05)[0]:
                continue
            data = os.read(0, 65536)
            if not data:
                return
            unread += data
        line, unread = unread.split(b"\n", 1)
        yield json.loads(line)


def main():
    """Answer until the input ends."""
    idle = sys.argv[sys.argv.index("--idle") + 1]
    names = {"__name__": "steered"}
    say(ready=os.getpid())
    for request in lines(idle):
        try:
            if "eval" in request:
                say(value=eval(request["eval"], names))
            else:
                exec(request["exec"], names)
                say(value=None)
        except BaseException as error:
            within = error.__traceback__.tb_next
            say(error=f"{type(error).__name__}: {error}", line=within.tb_lineno if within else None)


if __name__ == "__main__":
    main()
