"""Compile the Python files of a folder with this interpreter, and stream the code objects to stdout.

    feed.py FOLDER STRIDE    every STRIDE-th file; FOLDER may be `stdlib`

Each file: length of its path (4 bytes, least significant first), path, length of the data, marshalled code.
Files that this interpreter cannot compile are passed over.
"""

import marshal
import os
import struct
import sys
import sysconfig
import warnings

PASSED_OVER = ("site-packages", "__pycache__")


def sources(root):
    """Paths of all Python files, in order."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in PASSED_OVER)
        yield from (os.path.join(folder, name) for name in sorted(files) if name.endswith(".py"))


def write(data):
    """One piece with its length before it."""
    sys.stdout.buffer.write(struct.pack("<I", len(data)) + data)


def main(root, stride):
    """Stream them."""
    if root == "stdlib":
        root = sysconfig.get_path("stdlib")
    for path in list(sources(root))[::stride]:
        try:
            with open(path, "rb") as file:
                code = compile(file.read(), path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        write(os.fsencode(os.path.relpath(path, root)))
        write(marshal.dumps(code))


warnings.simplefilter("ignore")
sys.setrecursionlimit(5000)
main(sys.argv[1], int(sys.argv[2]))
