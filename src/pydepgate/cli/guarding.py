"""Options that `pydepgate guard` and `pydepgate proxy` share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import TextIO

from pydepgate.cli.options import OPTIONS, Option, Options, Parser, add_options, as_argument, read_options
from pydepgate.cli.values import switch, word
from pydepgate.errors import UsageError
from pydepgate.regex import regex

_AGE = regex(r"(?P<number>[0-9]{1,6})(?P<unit>[smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_MADE_FOR_SCANS = ("fail-on", "rules", "workers", "peek-depth", "peek-budget")


def age(text: str, /) -> timedelta:
    """A length of time: a number and `s`, `m`, `h`, `d` or `w`."""
    found = _AGE.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError(f"{text!r} is no length of time, such as 36h, 3d or 2w")
    return timedelta(**{_UNITS[found["unit"]]: int(found["number"])})


GUARD_OPTIONS: tuple[Option, ...] = (
    Option("review", "", "for findings below the block level: allow (the default), prompt or block", "HOW",
           word(("prompt", "allow", "block"))),
    Option("min-age", "", "leave out releases younger than AGE, such as 3d, 36h or 2w", "AGE", age),
    Option("require-times", "", "with --min-age: leave out releases of which the index does not tell the age"),
    Option("fail-open", "", "let through what the scanner could not judge"),
)  # fmt: skip
"""Each has an environment variable, as the options of scans have."""


def add_guard_options(parser: Parser, more: tuple[Option, ...] = (), /) -> None:
    """Add what is shared, and the options of scans that matter here."""
    for option in (*GUARD_OPTIONS, *more):
        kind = (
            {"type": as_argument(option.read), "metavar": option.metavar}
            if option.metavar
            else {"action": "store_true"}
        )
        parser.add_argument(f"--{option.name}", dest=option.key, default=argparse.SUPPRESS, help=option.help, **kind)
    add_options(parser, [each for each in OPTIONS if each.name in _MADE_FOR_SCANS or each.name.startswith("max-")])


def read_guard_options(
    parsed: argparse.Namespace, /, *, environment: Mapping[str, str], more: tuple[Option, ...] = ()
) -> tuple[dict[str, object], Options]:
    """Return the values of the options that were given, here or in the environment, and those of the scans.

    Raises UsageError naming the variable whose value is wrong.
    """
    values: dict[str, object] = {}
    for option in (*GUARD_OPTIONS, *more):
        if hasattr(parsed, option.key):
            values[option.key] = getattr(parsed, option.key)
        elif text := environment.get(option.variable, ""):
            try:
                values[option.key] = (option.read if option.metavar else switch)(text)
            except ValueError as error:
                raise UsageError(f"{option.variable}: {error}") from None
    known = {option.variable for option in OPTIONS if option.name in _MADE_FOR_SCANS or option.name.startswith("max-")}
    return values, read_options(parsed, environment={name: environment[name] for name in known & environment.keys()})


def width_of(stream: TextIO | None, /) -> int:
    """Return the columns of a terminal, 100 where it is wider or none."""
    import os

    try:
        return min(os.get_terminal_size(stream.fileno()).columns, 100) if stream is not None else 100
    except (OSError, ValueError):
        return 100


def to_stderr(text: str, /) -> None:
    """Write to standard error what its encoding can say."""
    import contextlib

    from pydepgate.cli.output import print_text

    with contextlib.suppress(OSError, ValueError):
        print_text(text, stream=sys.stderr)
