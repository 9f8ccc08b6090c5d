"""What constant folding may cost: measures of constants, taken before anything is made of them."""

from __future__ import annotations

import itertools
import string
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydepgate.limits import FOLD_BYTES
from pydepgate.regex import regex

MAX_ITEMS: Final = 1_048_576
"""Items of a list that folding makes or goes through."""

MAX_DIGITS: Final = 4_000
"""Digits of a number that are turned into text or back, which takes quadratic time."""

MAX_ARITHMETIC_BITS: Final = 65_536
"""Bits of an integer that is multiplied or divided."""

SMALL: Final = 4_096
"""Characters or items of what may still be folded when the work for a file is used up."""

_WORK: Final = 32 * 1024 * 1024
_LARGE: Final = 65_536
_FLOAT_TEXT: Final = 330
_WIDEST: Final = 10
"""Characters that `repr` makes of one."""
_MAX_NUMBER: Final = 4
"""Digits of a width or precision: more are no honest formatting."""


@dataclass(slots=True)
class Work:
    """What folding may still do for one file. A unit is the copying of 64 characters or 8 items; results that
    are large cost more, for they are kept."""

    left: int = _WORK

    @property
    def limit(self) -> int:
        """Characters, bytes or items that one result may have."""
        return FOLD_BYTES if self.left > 0 else SMALL

    def allows(self, *operands: object) -> bool:
        """Count what a fold goes through; whether it may."""
        if self.left <= 0 and any(isinstance(operand, list | tuple | dict) for operand in operands):
            return False
        cost = sum(map(_cost, operands))
        self.left -= cost
        return self.left > 0 or cost <= SMALL >> 6

    def keep(self, result: object) -> None:
        """Count what a fold made."""
        length = len(result) if isinstance(result, str | bytes | list | tuple | dict) else 0
        self.left -= length >> 2 if length > _LARGE else _cost(result)


def _cost(value: object) -> int:
    if isinstance(value, str | bytes):
        return len(value) >> 6
    if isinstance(value, list | tuple | dict):
        # what is nested may be far larger than it is long
        parts = itertools.islice(value.values() if isinstance(value, dict) else value, 8)
        nested = any(isinstance(part, list | tuple | dict) for part in parts)
        return weight(value, _LARGE) if nested else len(value) >> 3
    return value.bit_length() >> 9 if isinstance(value, int) else 0


def length(value: object, /) -> int:
    """Return the characters, bytes or items of a constant; 1 for what has no length."""
    return len(value) if isinstance(value, str | bytes | list | tuple | dict) else 1


def weight(value: object, cap: int = FOLD_BYTES, /) -> int:
    """Return about how many characters a constant is as text, whatever it contains; counting ends above `cap`."""
    total = 0
    stack = [value]
    while stack and total <= cap:
        item = stack.pop()
        total += 4
        if isinstance(item, str | bytes):
            total += len(item)
        elif isinstance(item, int):
            total += item.bit_length() // 3
        elif isinstance(item, float):
            total += _FLOAT_TEXT
        elif isinstance(item, list | tuple):
            stack += item[: cap + 1]
        elif isinstance(item, dict) and len(item) <= cap:
            stack += item.keys()
            stack += item.values()
    return total


def surely_light(value: list[Any] | tuple[Any, ...] | dict[Any, Any], cap: int, /) -> bool:
    """Whether a flat container weighs at most `cap` beyond doubt; quick, for loops ask it of the same one again."""
    if len(value) * 8 > cap:
        return False
    rows = (value.keys(), value.values()) if isinstance(value, dict) else (value,)
    return 4 + sum(_flat_weight(row, cap) for row in rows) <= cap


def _flat_weight(row: Collection[Any], cap: int) -> int:
    """Return at least what items of one kind weigh; more than `cap` for others."""
    kinds = set(map(type, row))
    if kinds <= _TEXTS:
        return 4 * len(row) + sum(map(len, row))
    if kinds <= _WHOLE:
        return 4 * len(row) + sum(map(int.bit_length, row))
    return cap + 1


_TEXTS: Final = frozenset((str, bytes))
_WHOLE: Final = frozenset((int, bool))


def repr_fits(value: object, limit: int, /) -> bool:
    """Whether `repr(value)` has at most `limit` characters."""
    return weight(value, limit // _WIDEST) * _WIDEST <= limit


def text_fits(value: object, limit: int, /) -> bool:
    """Whether `str(value)` has at most `limit` characters."""
    return len(value) <= limit if isinstance(value, str) else repr_fits(value, limit)


def spec_width(spec: str, /) -> int | None:
    """Return the most that a format specification adds to a value, or None where it is too much."""
    numbers = _NUMBERS.findall(spec)
    return sum(map(int, numbers)) if all(len(number) <= _MAX_NUMBER for number in numbers) else None


_NUMBERS: Final = regex(r"\d+")


def percent_fits(template: str | bytes, values: object, limit: int, /) -> bool:
    """Whether `template % values` has at most `limit` characters. A `*` takes a width from the values: refused."""
    text = template if isinstance(template, str) else template.decode("latin-1")
    width = spec_width("".join(_PERCENT.findall(text)))
    if width is None or "*" in text:
        return False
    flat = values if isinstance(values, tuple) else (values,)
    simple = all(isinstance(value, str | bytes | int) for value in flat) and not _PERCENT_REPR.search(text)
    widest = max((weight(value, limit) for value in flat), default=0) * (1 if simple else _WIDEST)
    return len(text) + width + text.count("%") * (widest + _FLOAT_TEXT * (not simple)) <= limit


_PERCENT: Final = regex(r"%(?:\([^)]*\))?([-#0 +.\d*]*)")
_PERCENT_REPR: Final = regex(r"%[^%]{0,40}?[raefgEFG]")


def format_fits(template: str, values: Iterable[Any], limit: int, /) -> bool:
    """Whether `template.format(...)` has at most `limit` characters and reads nothing but the values themselves.

    `{0.name}` and `{0[key]}` reach into a value, and a nested field takes its width from one: refused.
    """
    widest = max((weight(v, limit) * (1 if isinstance(v, str | int) else _WIDEST) for v in values), default=0)
    total = 0
    try:
        for text, field, spec, conversion in string.Formatter().parse(template):
            width = spec_width(spec or "")
            if width is None or "{" in (spec or "") or not _is_plain(field):
                return False
            total += len(text) + (0 if field is None else width + widest * (_WIDEST if conversion else 1))
            if total > limit:
                return False
    except ValueError:
        return False
    return True


def _is_plain(field: str | None) -> bool:
    return not field or field.isidentifier() or (field.isdecimal() and len(field) <= _MAX_NUMBER)


def translate_fits(receiver: str | bytes, table: object, limit: int, /) -> bool:
    """Whether `receiver.translate(table)` has at most `limit` characters."""
    if isinstance(table, Mapping):
        widest = max((len(v) for v in table.values() if isinstance(v, str)), default=1)
        return len(receiver) * max(widest, 1) <= limit
    return table is None or isinstance(table, str | bytes)


def encoded_fits(text: str | bytes, codec: str, errors: str, limit: int, /) -> bool:
    """Whether encoding or decoding gives at most `limit` bytes or characters."""
    plain = isinstance(text, str) and text.isascii() and codec.lower().replace("_", "-").removeprefix("utf-") in _NARROW
    widest = 1 if plain or (isinstance(text, bytes) and errors == "strict") else 4 if errors == "strict" else _WIDEST
    if codec.lower().replace("-", "_").endswith("unicode_escape") and isinstance(text, str):
        widest = _WIDEST
    return len(text) * widest + 4 <= limit


_NARROW: Final = frozenset(("8", "utf8", "u8", "ascii", "latin-1", "latin1", "iso-8859-1", "cp1252"))
