"""What a report looks like: one writer for each output format.

A format is a function from reports to pieces of text, and an entry of `FORMATS`. Its module is imported
when it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pydepgate.model import Report, Severity


@dataclass(frozen=True, slots=True)
class View:
    """What of a report is shown, and how. Only text heeds it (see `render_text`), but for the last two, which
    are for JSON (see `render_json`)."""

    peek: bool = False
    peek_chain: bool = False
    colour: bool = False
    min_severity: Severity = Severity.INFO
    width: int | None = None
    encoding: str = "utf-8"
    several: bool = False
    compact: bool = False


Writer = Callable[[Iterable[Report], View], Iterator[str]]
"""Yields the output piece by piece, as the reports come; each piece ends with a newline."""


def _text(reports: Iterable[Report], view: View) -> Iterator[str]:
    from pydepgate.report.text import render_text

    for number, report in enumerate(reports):
        text = render_text(
            report,
            peek=view.peek,
            peek_chain=view.peek_chain,
            colour=view.colour,
            min_severity=view.min_severity,
            width=view.width,
            encoding=view.encoding,
        )
        yield f"\n{text}" if number else text


def _json(reports: Iterable[Report], view: View) -> Iterator[str]:
    from pydepgate.report.json import render_json

    yield render_json(reports, several=view.several, compact=view.compact)


def _jsonl(reports: Iterable[Report], _view: View) -> Iterator[str]:
    from pydepgate.report.json import render_json_line

    return map(render_json_line, reports)


FORMATS: Mapping[str, Writer] = {"text": _text, "json": _json, "jsonl": _jsonl}
"""The writer for each value of `--format`."""
