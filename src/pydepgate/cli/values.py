"""Reading the values of options, from the command line and from the environment alike.

Each function takes the text and returns the value, or raises ValueError with what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from pathlib import Path

from pydepgate.limits import DEEPEST
from pydepgate.model import Severity
from pydepgate.regex import regex
from pydepgate.suggest import did_you_mean

_SIZE = regex(r"([0-9][0-9_]*)\s*(?:([kmgt])(i?b)?|b)?", re.IGNORECASE)
_POWERS = {"k": 1, "m": 2, "g": 3, "t": 4}
_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")


def word(choices: Collection[str], /) -> Callable[[str], str]:
    """A reader of one of these words."""

    def read(text: str) -> str:
        if text in choices:
            return text
        raise ValueError(f"{text!r} is none of {', '.join(choices)}{did_you_mean(text, choices)}")

    return read


def severity(text: str, /) -> Severity:
    """A severity by its name."""
    labels = [severity.label for severity in reversed(Severity)]
    return Severity.from_label(word(labels)(text))


def positive(text: str, /) -> int:
    """A whole number of at least 1."""
    return _whole_number(text, least=1)


def not_negative(text: str, /) -> int:
    """A whole number of at least 0."""
    return _whole_number(text, least=0)


def depth(text: str, /) -> int:
    """A number of layers, as many as the program can follow at the most."""
    layers = positive(text)
    if layers > DEEPEST:
        raise ValueError(f"{text!r} is more than {DEEPEST}, the deepest that is followed")
    return layers


def _whole_number(text: str, /, *, least: int) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", text.strip()) or int(text) < least:
        raise ValueError(f"{text!r} is not a whole number of at least {least}")
    return int(text)


def size(text: str, /) -> int:
    """Bytes: a whole number, alone or with a unit.

    `K`, `KiB`, `M`, `MiB` ... are powers of 1024, `KB`, `MB` ... of 1000, as GNU tools read them.
    """
    found = _SIZE.fullmatch(text.strip())
    number = int(found[1].replace("_", "")) if found and len(found[1]) <= 24 else 0
    if found is None or number < 1:
        raise ValueError(f"{text!r} is not a size of at least one byte, such as 65536, 64MiB or 10M")
    unit, suffix = found[2], found[3]
    if unit is None:
        return number
    base = 1000 if suffix is not None and suffix.lower() == "b" else 1024
    return int(number * base ** _POWERS[unit.lower()])


def workers(text: str, /) -> int | None:
    """A number of workers; None for `auto`."""
    if text == "auto":
        return None
    try:
        return positive(text)
    except ValueError:
        raise ValueError(f"{text!r} is neither 'auto' nor a whole number of at least 1") from None


def switch(text: str, /) -> bool:
    """Yes or no, as an environment variable says it."""
    if text.strip().lower() in (*_TRUE, *_FALSE):
        return text.strip().lower() in _TRUE
    raise ValueError(f"{text!r} is neither yes (1, true, yes, on) nor no (0, false, no, off)")


def not_empty(text: str, /) -> str:
    """Any text, such as a path."""
    if not text:
        raise ValueError("must not be empty")
    return text


def path(text: str, /) -> Path:
    """A path; what it leads to is checked by whoever uses it."""
    return Path(not_empty(text))
