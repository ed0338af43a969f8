"""Reads from an ELF file (64 bit, little endian) which libraries it needs, without any tool."""

from __future__ import annotations

import struct

LOAD, DYNAMIC = 1, 2
NEEDED, STRING_TABLE = 1, 5


def needed(data: bytes) -> list[str]:
    """Names in the DT_NEEDED entries."""
    assert data[:6] == b"\x7fELF\x02\x01", "not a 64 bit little-endian ELF file"
    (start,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    headers = [struct.unpack_from("<IIQQQQQQ", data, start + index * size) for index in range(count)]
    loads = [(header[2], header[3], header[5]) for header in headers if header[0] == LOAD]
    (dynamic,) = [header for header in headers if header[0] == DYNAMIC]
    entries = [struct.unpack_from("<QQ", data, dynamic[2] + at) for at in range(0, dynamic[5], 16)]
    (table,) = [value for tag, value in entries if tag == STRING_TABLE]
    (strings,) = [
        offset + table - address for offset, address, length in loads if address <= table < address + length
    ]
    found = []
    for tag, value in entries:
        if tag == NEEDED:
            begin = strings + value
            found.append(data[begin : data.index(b"\0", begin)].decode())
    return found
