"""Shannon entropy, and the gate for literals that look encoded.

The entropy of n symbols is at most log2(n), and that of a random sample from an alphabet lies below the alphabet's own
log2: a threshold has to rise with the length. Ours are set under what random data reach (6 bits for base64, 4 for hex,
8 for bytes) and over what English prose and source reach (C. E. Shannon, "Prediction and Entropy of Printed English",
1951: about 4.1 to 4.8 bits a character for single letters, spaces and punctuation).
"""

from __future__ import annotations

import math
from collections import Counter

from pydepgate.payload.codecs.looks import has_signature, opens_known_format
from pydepgate.payload.magic import binary_format
from pydepgate.regex import regex

MIN_LENGTH = 24
"""Shorter literals are never flagged: nothing that can do harm fits once it is encoded."""

HEX_LENGTH = 40
"""Hex digits without a break; shorter ones are identifiers and colours (a SHA-1 has 40)."""

BASE64_LENGTH = 40
"""Characters of a base64 run that mixes cases and digits as encoded data does."""

PROSE_WORDS = 0.12
"""Share of blanks over which a text is prose or source rather than one encoded run."""

SAMPLE = 4096
"""Characters at the start of a literal that are measured."""

TEXT_ENTROPY: tuple[tuple[int, float], ...] = ((256, 5.3), (96, 4.9), (48, 4.5), (24, 4.1))
"""Least length and, for printable text from that length on, the entropy in bits a character that looks encoded."""

BYTES_ENTROPY: tuple[tuple[int, float], ...] = ((256, 6.5), (96, 5.7), (48, 5.0), (24, 4.4))
"""The same for bytes that are not printable text."""

_HEX = b"0123456789abcdefABCDEF"
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_="
_BREAKS = b" \t\r\n\v\f"
_PRINTABLE = bytes(range(32, 127)) + b"\t\r\n"
_INTEGERS = regex(rb"[\s\[({]*+(?:(?>0[xob][0-9a-fA-F]{1,8}|[01]{8}|-?\d{1,6})[\s,;|]{1,17}+){15}")
_NUMBERS = regex(rb"\s*+(?>\d{1,6}([/:_&*#~^|@!])\s?)(?>\d{1,6}\1\s?){15}")
"""Numbers with a separator that no list of numbers for people has."""
_UNSEEN = regex("[\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff\U000e0001-\U000e007f\U000e0100-\U000e01ef]")
_ESCAPES = regex(rb"(?:\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|%[0-9a-fA-F]{2}|\\[0-7]{3}|&#\d{1,5};){8}")


def shannon_entropy(data: bytes, /) -> float:
    """Return the entropy of `data` in bits a byte: 0 for nothing or one repeated byte, at most 8."""
    total = len(data)
    if not total:
        return 0.0
    # fsum, since what sum gives for the same numbers differs between versions of Python
    return math.log2(total) - math.fsum(count * math.log2(count) for count in Counter(data).values()) / total


def looks_encoded(text: str | bytes, /) -> bool:
    """Whether a literal's length, alphabet and entropy say that it may hide something. Cheap for short ones."""
    if len(text) < MIN_LENGTH:
        return False
    if isinstance(text, str):
        if not text.isascii():
            return _foreign_alphabet(text[:SAMPLE])
        text = text.encode("ascii")
    return _in_encoded_alphabet(text) or _entropy_is_high(text)


def is_unreadable(text: str | bytes, /) -> bool:
    """Whether a literal is beyond doubt one that a person cannot read: wholly in the alphabet of an encoding.

    What only its entropy makes suspicious may be a regular expression or a table of letters.
    """
    if len(text) < MIN_LENGTH:
        return False
    if isinstance(text, str):
        if text.isascii():
            data = text.encode("ascii")
            return _in_encoded_alphabet(data) or _NUMBERS.match(data) is not None
        return _foreign_alphabet(text[:SAMPLE]) or len(_UNSEEN.findall(text)) >= MIN_LENGTH
    return looks_encoded(text)


def base64_like(run: bytes, /) -> bool:
    """Whether a run of the base64 alphabet mixes letters and digits as encoded data does, unlike a path or name."""
    sample = run[:SAMPLE].translate(None, b"=")
    if len(sample) < BASE64_LENGTH:
        return False
    digits = len(sample) - len(sample.translate(None, b"0123456789"))
    upper = len(sample) - len(sample.translate(None, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    joiners = len(sample) - len(sample.translate(None, b"-_/+"))
    # Text encoded as base64 has 8 to 30 % of digits and as much or more of capitals.
    return digits * 25 >= len(sample) and upper * 8 >= len(sample) and joiners * 8 <= len(sample)


def _in_encoded_alphabet(data: bytes) -> bool:
    sample = data[:SAMPLE]
    solid = sample.translate(None, _BREAKS)
    blanks = 1 - len(solid) / len(sample)
    if not solid.translate(None, _HEX):
        return len(solid) >= HEX_LENGTH and len(set(solid)) >= 6
    if not solid.translate(None, _BASE64) and blanks <= PROSE_WORDS and base64_like(solid):
        return True
    if blanks <= PROSE_WORDS and len(solid) >= BASE64_LENGTH and opens_known_format(solid):
        return True  # headers are mostly zeros: their entropy is low in any encoding
    if (sample[:1].isdigit() or sample[:1] in b"[({ -") and _INTEGERS.match(sample):
        return True
    return bool(_ESCAPES.search(sample))


def _entropy_is_high(data: bytes) -> bool:
    sample = data[:SAMPLE]
    solid = sample.translate(None, _BREAKS)
    blanks = 1 - len(solid) / len(sample)
    printable = not sample.translate(None, _PRINTABLE)
    if printable and blanks > PROSE_WORDS / 2:
        return False
    if not printable and (has_signature(sample) or binary_format(sample)):
        return True
    return shannon_entropy(sample) >= _threshold(len(sample), TEXT_ENTROPY if printable else BYTES_ENTROPY)


def _threshold(length: int, table: tuple[tuple[int, float], ...]) -> float:
    return next(entropy for least, entropy in table if length >= least)


def _foreign_alphabet(text: str) -> bool:
    """Characters that stand for bytes: emoji or ideographs without words, or Latin-1 of high entropy."""
    blanks = sum(text.count(blank) for blank in " \n\t。，、")
    if blanks * 20 > len(text):
        return False
    if all(ord(character) < 256 for character in text):
        return _in_encoded_alphabet(data := text.encode("latin-1")) or _entropy_is_high(data)
    beyond = sum(ord(character) >= 0x2190 for character in text)
    return beyond * 2 > len(text) and len(text) >= BASE64_LENGTH
