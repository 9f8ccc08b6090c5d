"""How the guard speaks of files and findings. What is quoted cannot move the cursor or forge a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import Final

from pydepgate.guard.model import Decision
from pydepgate.model import Finding
from pydepgate.report.escape import defang_urls, printable, quoted
from pydepgate.report.style import Style
from pydepgate.report.text import RUNS

PLACES: Final = 8
"""Places of one rule in one file that are spelled out; the others are counted."""

_MESSAGE: Final = 600
_EVIDENCE: Final = 240


def subject(decision: Decision, /) -> str:
    """The file, or the project where the decision is about all its files."""
    return quoted(decision.filename or decision.project, limit=120)


def worst(findings: Iterable[Finding], /) -> Finding | None:
    """Return the first of the worst findings, None if there is none."""
    return max(findings, key=lambda found: found.severity, default=None)


def about(finding: Finding, /) -> str:
    """A finding on one line: its rule, severity and place."""
    return f"{finding.rule} ({finding.severity.label}) in {place(finding)}"


def place(finding: Finding, /) -> str:
    """Where a finding is."""
    path = defang_urls(printable(finding.file, limit=200)) or "the archive"
    return f"{path}:{finding.line}" if finding.line else path


def finding_lines(findings: Iterable[Finding], style: Style, width: int, /) -> Iterator[str]:
    """Yield the lines that tell findings in full, by rule, worst first."""
    rules: dict[tuple[int, str, str], list[Finding]] = {}
    for finding in findings:
        rules.setdefault((-finding.severity, finding.rule, finding.title), []).append(finding)
    for _, same in sorted(rules.items(), key=lambda each: each[0][0]):
        severity = same[0].severity.label
        title = style.paint(quoted(same[0].title, limit=120), "strong")
        rule = style.paint(f"[{quoted(same[0].rule, limit=80)}]", "faint")
        yield f"{style.paint(severity, severity)}  {title}  {rule}"
        said = ""
        for finding in same[:PLACES]:
            yield f"  {style.paint(place(finding), 'place')}  {RUNS[finding.runs]}"
            if finding.message != said:
                yield from indented(quoted(finding.message, limit=_MESSAGE), "    ", width)
                said = finding.message
            if finding.evidence and finding.evidence[0] not in finding.message:
                yield from indented(quoted(finding.evidence[0], limit=_EVIDENCE), "    | ", width)
        if len(same) > PLACES:
            yield f"  and {len(same) - PLACES:,} more places"


def indented(text: str, indent: str, width: int, /) -> list[str]:
    """Return text in lines that all are indented, so that none can pass for one of ours."""
    return wrap(text, max(40, width), initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def size_text(size: int, /) -> str:
    """`512 bytes`, `34.5 kB`, `1.2 MB`: decimal units, as most people read them."""
    if size < 1_000:
        return f"{size} byte{'s' * (size != 1)}"
    return f"{size / 1_000:.1f} kB" if size < 999_950 else f"{size / 1_000_000:,.1f} MB"


def plural(count: int, noun: str, /) -> str:
    """`1 file`, `2 files`."""
    return f"{count:,} {noun}{'s' * (count != 1)}"
