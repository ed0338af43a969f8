"""Stream the compiled standard library of this interpreter to stdout.

    compile_stdlib.py STRIDE    every STRIDE-th file

Each file: length of the path (4 bytes LE), path, length of the data, marshalled code.
"""

import marshal
import os
import struct
import sys
import sysconfig
import warnings

warnings.simplefilter("ignore")
sys.setrecursionlimit(5000)


def sources(root):
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in ("site-packages", "__pycache__"))
        yield from (os.path.join(folder, f) for f in sorted(files) if f.endswith(".py"))


def main(stride):
    root = sysconfig.get_path("stdlib")
    for path in list(sources(root))[::stride]:
        try:
            with open(path, "rb") as file:
                data = marshal.dumps(compile(file.read(), path, "exec", dont_inherit=True))
        except (SyntaxError, ValueError, UnicodeDecodeError, RecursionError, MemoryError):
            continue
        name = os.fsencode(os.path.relpath(path, root))
        sys.stdout.buffer.write(struct.pack("<I", len(name)) + name + struct.pack("<I", len(data)) + data)


main(int(sys.argv[1]))
