"""Substitution alphabets that can be read without a key: symbols that stand for bits, hex digits or bytes.

What the order of the symbols does not give away cannot be decoded here: a shuffled alphabet needs the code that
holds it. Only a reading that shows a program, a known format or text counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pydepgate.payload.codecs.codec import Codec, CodecError, CodecLimit
from pydepgate.payload.codecs.looks import promises

_HEAD_CHARACTERS = 2048
_SHOWN = 0.9
_POSSIBLE = 0.3
_TRIED = 1280
_BITS_NEEDED = 64
_DIGITS_NEEDED = 48
_SYMBOLS_NEEDED = 24

_Reading = Callable[[str], bytes]


def alphabet_handles(data: bytes, /) -> float:
    """How sure it is that `data` is written in a substitution alphabet: very if a reading of its start makes sense, a
    little if its symbols are all of one block of 256, else not at all."""
    text = _head(data)
    if _telling_reading(text) is not None:
        return _SHOWN
    return _POSSIBLE if _block_reading(text) is not None else 0.0


def alphabet_decode(data: bytes, limit: int, /) -> bytes:
    """Read symbols as bytes by the reading that makes sense of the start, else by their place in their block; white
    space between them is left out."""
    text = _head(data)
    reading = _telling_reading(text) or _block_reading(text)
    if reading is None:
        raise CodecError("no alphabet that can be read without a key")
    out = reading(data.decode("utf-8", "ignore"))
    if len(out) > limit:
        raise CodecLimit("the output exceeds the limit", partial=out[:limit])
    return out


def _head(data: bytes) -> str:
    """The start of `data` as text, empty if no alphabet can be meant."""
    head = data[: 4 * _HEAD_CHARACTERS]
    if len(data) < _SYMBOLS_NEEDED or (head.isascii() and len(set(head.translate(None, b"\r\n"))) != 2):
        return ""
    # The head may end within a character.
    text = head.decode("utf-8", "ignore")
    return text if len(text.encode("utf-8")) + 3 >= len(head) else ""


def _telling_reading(text: str) -> _Reading | None:
    for reading in _readings(text):
        out = reading(text[:_TRIED])
        if out and promises(out):
            return reading
    return None


def _block_reading(text: str) -> _Reading | None:
    points = [ord(symbol) for symbol in text if not symbol.isspace()]
    if len(points) < _SYMBOLS_NEEDED or min(points) < 0x100 or min(points) >> 8 != max(points) >> 8:
        return None
    return _shifted(min(points) & ~0xFF)


def _readings(text: str) -> Iterator[_Reading]:
    """Yield the readings that the symbols of `text` allow, the most telling first."""
    selectors = sum(_selector(symbol) is not None for symbol in text)
    if selectors >= _SYMBOLS_NEEDED and selectors * 2 >= len(text):
        yield _read_selectors
    symbols = sorted(set(text) - set("\r\n"))
    if len(symbols) == 2 and len(text) >= _BITS_NEEDED:
        for zero, one in (symbols, symbols[::-1]):
            yield _digits({zero: "0", one: "1"}, 2, 8)
    if text.isascii():
        return
    symbols = [symbol for symbol in symbols if not symbol.isspace()]
    if len(symbols) == 16 and len(text) >= _DIGITS_NEEDED:
        yield _digits(dict(zip(symbols, "0123456789abcdef", strict=True)), 16, 2)
    foreign = [ord(symbol) for symbol in symbols if not symbol.isascii()]
    if 10 <= len(foreign) < 16 and foreign[-1] - foreign[0] < 16:
        # A run of sixteen neighbours of which not all occur; where it starts is not known.
        for start in range(foreign[0], foreign[-1] - 16, -1):
            yield _digits({chr(start + digit): f"{digit:x}" for digit in range(16)}, 16, 2)
    if len(foreign) >= 8 and max(foreign) - min(foreign) < 256:
        share = sum(not symbol.isascii() for symbol in text)
        if share * 10 >= len(text) * 6:
            # A block of 256 starts where encoders find it natural to; other starts are tried after that.
            yield _shifted(min(foreign) & ~0xFF)
            yield from map(_shifted, range(min(foreign), max(max(foreign) - 256, 0), -1))


def _digits(values: dict[str, str], radix: int, width: int) -> _Reading:
    """Read each symbol as a digit, `width` of them to a byte."""

    def read(text: str) -> bytes:
        digits = "".join(values[symbol] for symbol in text if symbol in values)
        return bytes(int(digits[start : start + width], radix) for start in range(0, len(digits) - width + 1, width))

    return read


def _shifted(start: int) -> _Reading:
    """Read a symbol as its distance from the code point `start`; ASCII among them stays."""

    def read(text: str) -> bytes:
        # What lies outside the window is no symbol of this alphabet.
        numbers = (ord(symbol) if symbol.isascii() else ord(symbol) - start for symbol in text)
        return bytes(number for number in numbers if 0 <= number < 256)

    return read


def _selector(symbol: str) -> int | None:
    """The byte of a variation selector (VS1 to VS256), or of a tag character."""
    point = ord(symbol)
    if 0xFE00 <= point <= 0xFE0F:
        return point - 0xFE00
    if 0xE0100 <= point <= 0xE01EF:
        return point - 0xE0100 + 16
    return point - 0xE0000 if 0xE0000 <= point <= 0xE007F else None


def _read_selectors(text: str) -> bytes:
    return bytes(value for value in map(_selector, text) if value is not None)


ALPHABET = Codec("alphabet", alphabet_handles, alphabet_decode)
