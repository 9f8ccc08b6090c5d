"""The options that all scanning subcommands share, each with its environment variable.

A value on the command line beats the environment, which beats the default.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from pydepgate.cli.values import (
    depth,
    not_empty,
    not_negative,
    path,
    positive,
    severity,
    size,
    switch,
    word,
    workers,
)
from pydepgate.errors import UsageError
from pydepgate.limits import (
    MAX_ARTIFACT_BYTES,
    MAX_MEMBER_BYTES,
    MAX_MEMBERS,
    MAX_NESTING,
    MAX_RATIO,
    MIB,
    PEEK_BUDGET,
    PEEK_DEPTH,
    Limits,
)
from pydepgate.model import Severity
from pydepgate.report import FORMATS
from pydepgate.suggest import did_you_mean

ENVIRONMENT_PREFIX = "PYDEPGATE_"


@dataclass(frozen=True, slots=True)
class Option:
    """One shared option. `read` turns a text into its value; without a `metavar` it is a switch, and
    `read` is for its environment variable only."""

    name: str
    group: str
    help: str
    metavar: str = ""
    read: Callable[[str], object] = switch

    @property
    def key(self) -> str:
        """Its name as a Python identifier."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return ENVIRONMENT_PREFIX + self.key.upper()


@dataclass(frozen=True, slots=True)
class Options:
    """The values of the shared options; `format` is None where nothing chose one."""

    peek: bool = False
    peek_chain: bool = False
    format: str | None = None
    output: str = "-"
    min_severity: Severity = Severity.INFO
    fail_on: Severity = Severity.HIGH
    workers: int | None = None
    ci: bool = False
    no_color: bool = False
    rules: Path | None = None
    python: str | None = None
    extract: Path | None = None
    limits: Limits = field(default_factory=Limits)


_SHOWN, _DECIDED, _BOUNDED = "what is shown", "what is looked for, and where", "limits"

OPTIONS: tuple[Option, ...] = (
    Option("peek", _SHOWN, "show what flagged literals decode to"),
    Option("peek-chain", _SHOWN, "show every layer, with sizes, hex dump and indicators"),
    Option("format", _SHOWN, "text, json, or jsonl (one report a line)", "FORMAT", word(FORMATS)),
    Option("output", _SHOWN, "where the report goes, - being standard output", "FILE", not_empty),
    Option("min-severity", _SHOWN, "leave out findings below LEVEL (default: info)", "LEVEL", severity),
    Option("ci", _SHOWN, "for pipelines: no colour, no progress, JSON by default"),
    Option("no-color", _SHOWN, "no colour; NO_COLOR does the same"),
    Option("extract", _SHOWN, "write payloads into DIR, zipped, password 'infected'", "DIR", path),
    Option("fail-on", _DECIDED, "block on findings at or over LEVEL (default: high)", "LEVEL", severity),
    Option("rules", _DECIDED, "add or override rules with the *.toml files of DIR", "DIR", path),
    Option("python", _DECIDED, "interpreter whose installed packages are meant", "PATH", not_empty),
    Option("workers", _DECIDED, "how many files are looked at at once, or auto", "N", workers),
    Option("peek-depth", _BOUNDED, f"layers followed below a literal ({PEEK_DEPTH})", "N", depth),
    Option("peek-budget", _BOUNDED, f"made by decoding a file ({PEEK_BUDGET // MIB}MiB)", "BYTES", size),
    Option("max-members", _BOUNDED, f"files of an artifact ({MAX_MEMBERS})", "N", positive),
    Option("max-member-bytes", _BOUNDED, f"read of a file ({MAX_MEMBER_BYTES // MIB}MiB)", "BYTES", size),
    Option("max-artifact-bytes", _BOUNDED, f"read of all ({MAX_ARTIFACT_BYTES // MIB}MiB)", "BYTES", size),
    Option("max-ratio", _BOUNDED, f"bytes out for one byte in, unpacking ({MAX_RATIO})", "N", positive),
    Option("max-nesting", _BOUNDED, f"archives in archives opened ({MAX_NESTING})", "N", not_negative),
)


_ANY_WIDTH = 80
"""Of the formatters with which argparse checks options; without it, each would load what measures the terminal."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are `UsageError`: argparse's own exit status, 2, means block here."""

    def format_help(self) -> str:
        """Return the help, as wide as the terminal, which nobody has to look at before."""
        self.formatter_class = argparse.RawDescriptionHelpFormatter
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        """Raise the error, with where to read on."""
        raise UsageError(f"{message} (see '{self.prog} --help')")

    def parse(self, arguments: Sequence[str], /) -> argparse.Namespace:
        """Parse options and other arguments in any order; an unknown option is an error with the nearest."""
        parsed, unknown = self.parse_known_intermixed_args(arguments)
        if unknown:
            known = [option for action in self._actions for option in action.option_strings]
            name = unknown[0].partition("=")[0]
            self.error(f"unknown option {name!r}{did_you_mean(name, known)}")
        return parsed


def new_parser(command: str, /, *, usage: str, description: str, epilog: str) -> Parser:
    """A parser for a subcommand; `epilog` holds its examples and exit statuses, laid out as written."""
    return Parser(
        prog=f"pydepgate {command}",
        usage=f"%(prog)s {usage}",
        description=description,
        epilog=epilog,
        formatter_class=partial(argparse.RawDescriptionHelpFormatter, width=_ANY_WIDTH),
        allow_abbrev=False,
    )


def add_options(parser: argparse.ArgumentParser, options: Sequence[Option] = OPTIONS, /) -> None:
    """Add shared options in their groups; those not given leave no value behind."""
    for group in dict.fromkeys(option.group for option in options):
        section = parser.add_argument_group(group)
        for option in options:
            if option.group == group:
                _add_option(section, option)


def _add_option(section: argparse._ArgumentGroup, option: Option, /) -> None:
    flag, key, unset = f"--{option.name}", option.key, argparse.SUPPRESS
    if option.metavar:
        section.add_argument(
            flag, dest=key, type=as_argument(option.read), default=unset, metavar=option.metavar, help=option.help
        )
        return
    section.add_argument(flag, dest=key, action="store_true", default=unset, help=option.help)
    # The opposite is for overruling the environment.
    stem = option.name.removeprefix("no-")
    opposite = f"--{stem}" if stem != option.name else f"--no-{stem}"
    section.add_argument(opposite, dest=key, action="store_false", default=unset, help=argparse.SUPPRESS)


def as_argument(read: Callable[[str], object], /) -> Callable[[str], object]:
    """Return a reader of values (see `values`) as argparse takes one, which then shows what is wrong."""

    def read_argument(text: str) -> object:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read_argument


def read_options(parsed: argparse.Namespace, /, *, environment: Mapping[str, str]) -> Options:
    """Join command line, environment and defaults.

    An environment variable that is empty counts as not set. Raises `UsageError` naming the variable
    whose value is wrong.
    """
    given = _from_environment(environment) | {
        option.key: getattr(parsed, option.key) for option in OPTIONS if hasattr(parsed, option.key)
    }
    bounds = {
        bound: given.pop(key)
        for key in tuple(given)
        if (bound := key.removeprefix("max_")) in Limits.__dataclass_fields__
    }
    return replace(Options(), limits=replace(Limits(), **bounds), **given)


def _from_environment(environment: Mapping[str, str], /) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for option in OPTIONS:
        text = environment.get(option.variable, "")
        if not text:
            continue
        try:
            found[option.key] = option.read(text)
        except ValueError as error:
            raise UsageError(f"{option.variable}: {error}") from None
    return found
