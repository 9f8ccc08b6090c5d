"""Bytes as offsets, hex and ASCII, in the columns of `hexdump -C`."""

from __future__ import annotations

from collections.abc import Iterator

ROW = 16
"""Bytes on one line."""


def hexdump(data: bytes, /) -> Iterator[str]:
    """Yield one line for every 16 bytes of `data`; no line for no data."""
    for start in range(0, len(data), ROW):
        row = data[start : start + ROW]
        left, right = row[: ROW // 2].hex(" "), row[ROW // 2 :].hex(" ")
        yield f"{start:08x}  {left:<23}  {right:<23}  |{_ascii(row)}|"


def _ascii(row: bytes) -> str:
    shown = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
    # A terminal would make a link of a short URL; the hex beside it stays exact.
    return shown.replace("://", ".//")
