"""Bytes as offsets, hex and ASCII, in the columns of `hexdump -C`."""

from __future__ import annotations

from collections.abc import Iterator

GROUP = 8
"""Bytes in one group."""

WIDTH = 78
"""Columns of a line with two groups."""


def hexdump(data: bytes, /, *, width: int = WIDTH) -> Iterator[str]:
    """Yield one line for every 16 bytes of `data`, or 8 where `width` columns are too few; no line for no data."""
    size = 2 * GROUP if width >= WIDTH else GROUP
    for start in range(0, len(data), size):
        row = data[start : start + size]
        groups = "  ".join(f"{row[at : at + GROUP].hex(' '):<23}" for at in range(0, size, GROUP))
        yield f"{start:08x}  {groups}  |{_ascii(row)}|"


def _ascii(row: bytes) -> str:
    shown = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
    # A terminal would make a link of a short URL; the hex beside it stays exact.
    return shown.replace("://", ".//")
