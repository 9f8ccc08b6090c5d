"""What a codec is, and how it says that it failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

SAMPLE = 192
"""Bytes looked at in each of three places (head, middle, tail) to see how sure a codec is."""

WHITESPACE = b" \t\r\n\v\f"
_PRINTABLE = bytes(range(0x20, 0x7F)) + b"\t\r\n"


class CodecError(ValueError):
    """The data is not in that encoding, or breaks off; `partial` is what came out before it did."""

    def __init__(self, message: str, /, *, partial: bytes = b"") -> None:
        super().__init__(message)
        self.partial = partial


class CodecLimit(CodecError):
    """The output would have been larger than the limit; `partial` is the output up to the limit."""


@dataclass(frozen=True, slots=True)
class Codec:
    """One encoding.

    `handles(data)` says from 0 to 1 how sure it is that `data` is so encoded; it looks at samples and
    is cheap. `decode(data, limit)` never makes more than `limit` bytes; it raises `CodecError` where
    the data is something else, `CodecLimit` where the output was cut. `checked` says that the format carries
    a checksum, so that a decoding that succeeds is certain whatever came out.
    """

    name: str
    handles: Callable[[bytes], float]
    decode: Callable[[bytes, int], bytes]
    checked: bool = False


def within(out: bytes, limit: int, /) -> bytes:
    """Return `out`, or raise `CodecLimit` with its head if it is larger than `limit` bytes."""
    if len(out) > limit:
        raise CodecLimit("the output exceeds the limit", partial=out[:limit])
    return out


def printable(data: bytes, /) -> bool:
    """Whether all of `data` is printable ASCII or white space."""
    return not data.translate(None, _PRINTABLE)


def sample(data: bytes, /) -> bytes:
    """Return the head, the middle and the tail of `data`, or all of it if it is short."""
    if len(data) <= 3 * SAMPLE:
        return data
    middle = len(data) // 2
    return data[:SAMPLE] + data[middle : middle + SAMPLE] + data[-SAMPLE:]


def in_long_lines(data: bytes, /, *, shortest: int = 16) -> bool:
    """Whether the head of `data` has no white space but that between lines of at least `shortest`
    bytes, as wrapped encodings have and prose has not."""
    pieces = data[: 3 * SAMPLE].split()
    return all(len(piece) >= shortest for piece in pieces[:-1])
