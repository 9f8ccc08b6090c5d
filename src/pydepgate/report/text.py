"""The report for a person at a terminal: the verdict first, then why, then the counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING

from pydepgate.model import Finding, Note, Payload, Report, Runs, Severity, Stats
from pydepgate.report.escape import defang_urls, printable, quoted
from pydepgate.report.style import Style

if TYPE_CHECKING:
    from pydepgate.report.tree import TreeView

DEFAULT_WIDTH = 100
"""Columns when nobody says."""

_INDENT = "    "
_PATH_LENGTH = 400
_EVIDENCE_LENGTH = 240
_EVIDENCE_LINES = 12
_MESSAGE_LENGTH = 1_000
_NOTES_SPELLED = 3
"""Notes of one code that are spelled out; the others are counted."""

RUNS: Mapping[Runs, str] = {
    Runs.STARTUP: "runs at every start of Python",
    Runs.INSTALL: "runs on install",
    Runs.IMPORT: "runs on import",
    Runs.ENTRY_POINT: "runs from an entry point",
    Runs.MAIN_GUARD: "runs as a script",
    Runs.CALL: "runs when called",
    Runs.NEVER: "not run by the package",
}
"""When code runs, for people."""

_ASCII = str.maketrans({"→": "->", "…": "...", "·": "-", "├": "|", "└": "`", "│": "|", "─": "-"})


def render_text(
    report: Report,
    /,
    *,
    peek: bool,
    peek_chain: bool,
    colour: bool,
    min_severity: Severity,
    width: int | None = None,
    encoding: str = "utf-8",
) -> str:
    """Return the report as text that ends with a newline.

    `peek` shows what literals decode to, `peek_chain` every layer with a hex dump as well. Findings below
    `min_severity` are counted, not shown. Prose is wrapped to `width` columns (100 if not given). `encoding`
    is that of the output: what it lacks is written in ASCII.
    """
    style = Style(colour)
    columns = max(40, width or DEFAULT_WIDTH)
    tree = _tree(peek_chain, style, columns - len(_INDENT)) if peek or peek_chain else None
    lines = [_verdict(report, style)]
    if not report.findings:
        lines[0] += f"  {style.paint(_calm(report.stats), 'faint')}"
    for finding_lines in _findings(report.findings, min_severity, tree, style, columns):
        lines += ["", *finding_lines]
    if report.notes:
        lines += ["", *_notes(report.notes, style, columns)]
    if report.findings:
        lines += ["", *_hidden(report.findings, min_severity, style), _tail(report, style)]
    return _encodable("\n".join(lines) + "\n", encoding)


def _tree(chain: bool, style: Style, width: int) -> TreeView:
    from pydepgate.report.tree import TreeView

    return TreeView(chain=chain, style=style, width=width)


def _verdict(report: Report, style: Style) -> str:
    artifact = report.artifact
    name = quoted(f"{artifact.name} {artifact.version}".strip(), limit=80)
    kind = f"({quoted(artifact.kind, limit=20)})"
    path = _path(artifact.path)
    subject = f"{style.paint(name or path, 'strong')} {kind}" + (f"  {path}" if name else "")
    word = report.verdict.value
    return f"{style.paint(word.upper(), word)}  {subject}"


def _findings(
    findings: Iterable[Finding], least: Severity, tree: TreeView | None, style: Style, columns: int
) -> Iterator[list[str]]:
    """Yield the lines for each rule that matched, worst first: its headline, then its places."""
    shown = [finding for finding in findings if finding.severity >= least]
    rules: dict[tuple[Severity, str, str], list[Finding]] = {}
    for finding in sorted(shown, key=lambda found: -found.severity):
        rules.setdefault((finding.severity, finding.rule, finding.title), []).append(finding)
    for same in rules.values():
        lines = list(_headline(same[0], style, columns))
        message = ""
        for finding in same:
            lines += _finding(finding, finding.message != message, tree, style, columns)
            message = finding.message
        yield lines


def _headline(finding: Finding, style: Style, columns: int) -> Iterator[str]:
    """What was found, and the rule; on a line of its own where both do not fit on one."""
    severity = finding.severity.label
    title = quoted(finding.title, limit=120)
    attack = ", ".join(quoted(technique, limit=20) for technique in finding.attack)
    about = f"[{quoted(finding.rule, limit=80)}]" + (f"  {attack}" if attack else "")
    head = f"{style.paint(severity, severity)}  {style.paint(title, 'strong')}"
    if len(f"{severity}  {title}  {about}") <= columns:
        yield f"{head}  {style.paint(about, 'faint')}"
    else:
        yield head
        yield f"  {style.paint(about, 'faint')}"


def _finding(finding: Finding, with_message: bool, tree: TreeView | None, style: Style, columns: int) -> Iterator[str]:
    yield f"  {style.paint(_place(finding), 'place')}  {RUNS[finding.runs]}"
    if with_message:
        yield from _wrapped(quoted(finding.message, limit=_MESSAGE_LENGTH), _INDENT, columns)
    evidence = [piece for piece in finding.evidence if piece not in finding.message]
    for piece in evidence[:_EVIDENCE_LINES]:
        yield from _wrapped(quoted(piece, limit=_EVIDENCE_LENGTH), f"{_INDENT}│ ", columns)
    if len(evidence) > _EVIDENCE_LINES:
        yield f"{_INDENT}│ … {len(evidence) - _EVIDENCE_LINES} more lines"
    if finding.payload is not None:
        yield from _payload(finding, finding.payload, tree)


def _payload(finding: Finding, payload: Payload, tree: TreeView | None) -> Iterator[str]:
    from pydepgate.report.tree import hint, payload_lines

    if tree is None:
        yield f"{_INDENT}payload: {hint(payload)} (--peek shows it)"
        return
    elsewhere = (payload.line, payload.column) != (finding.line, finding.column)
    for number, line in enumerate(payload_lines(payload, tree, place=elsewhere)):
        yield f"{_INDENT}{line}" if number else f"{_INDENT}payload: {line}"


def _place(finding: Finding) -> str:
    path = _path(finding.file) or "the artifact"
    return f"{path}:{finding.line}:{finding.column}" if finding.line else path


def _path(path: str) -> str:
    return defang_urls(printable(path, limit=_PATH_LENGTH))


def _notes(notes: Iterable[Note], style: Style, columns: int) -> Iterator[str]:
    yield style.paint("notes", "strong")
    by_code = sorted(notes, key=lambda note: note.code)
    for code, group in groupby(by_code, key=lambda note: note.code):
        same = list(group)
        count = f" ({len(same):,})" if len(same) > 1 else ""
        yield f"  {quoted(code, limit=60)}{count}"
        for note in same[:_NOTES_SPELLED]:
            file = f"{_path(note.file)}: " if note.file else ""
            yield from _wrapped(file + quoted(note.message, limit=_MESSAGE_LENGTH), "    ", columns)
        if len(same) > _NOTES_SPELLED:
            yield f"    … {len(same) - _NOTES_SPELLED:,} more"


def _hidden(findings: Iterable[Finding], least: Severity, style: Style) -> Iterator[str]:
    hidden = [finding for finding in findings if finding.severity < least]
    if hidden:
        yield style.paint(f"{_count(hidden)} hidden by --min-severity {least.label}", "faint")


def _tail(report: Report, style: Style) -> str:
    stats = report.stats
    worst = max(finding.severity for finding in report.findings).label
    files = f"{_plural(stats.files, 'file')}, {_size(stats.bytes)}, {stats.analysed:,} analysed"
    return f"{style.paint(_count(report.findings), worst)} · {files} · {stats.seconds:.2f} s"


def _calm(stats: Stats) -> str:
    return f"nothing found in {_plural(stats.files, 'file')}, {_size(stats.bytes)} · {stats.seconds:.2f} s"


def _count(findings: Iterable[Finding]) -> str:
    """`3 findings (1 critical, 2 high)`."""
    counts = Counter(finding.severity for finding in findings)
    each = ", ".join(f"{counts[severity]:,} {severity.label}" for severity in sorted(counts, reverse=True))
    return f"{_plural(counts.total(), 'finding')} ({each})"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _size(size: int) -> str:
    """`512 bytes`, `34.5 kB`, `1.2 MB`: decimal units, as most people read them."""
    if size < 1_000:
        return _plural(size, "byte")
    if size < 999_950:
        return f"{size / 1_000:.1f} kB"
    return f"{size / 1_000_000:,.1f} MB"


def _wrapped(text: str, indent: str, columns: int) -> list[str]:
    from textwrap import wrap

    # Whatever the text says, its lines are indented: none can pass for one of ours.
    return wrap(text, columns, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def _encodable(text: str, encoding: str) -> str:
    try:
        text.encode(encoding)
        return text
    except UnicodeEncodeError:
        return text.translate(_ASCII).encode(encoding, errors="backslashreplace").decode(encoding)
    except LookupError:
        return _encodable(text, "ascii")
