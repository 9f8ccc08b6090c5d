"""What the guard says: one line while the client runs, and a summary afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pydepgate.guard.model import Decision, Outcome
from pydepgate.guard.wording import finding_lines, indented, plural, size_text, subject, worst
from pydepgate.model import Verdict
from pydepgate.report.escape import printable, quoted
from pydepgate.report.style import Style

PHRASE_LENGTH: Final = 200
"""Characters of a reason phrase: clients show it within a line of their own."""

_REASON: Final = 600


def reason_phrase(decision: Decision, /) -> str:
    """Return the reason phrase of an answer that refuses a file: printable ASCII on one line, short (RFC 9112, 4).

    It is all that most clients show: the file, the worst finding or what went wrong, and where to read on.
    """
    name = subject(decision)
    finding = worst(decision.findings)
    if decision.outcome is Outcome.FAILED:
        start, end = f"pydepgate could not check {name}: ", ""
    else:
        start = f"pydepgate blocked {name}: "
        end = f"; see 'pydepgate explain {finding.rule}'" if finding is not None else ""
    start, end = _ascii(start), _ascii(end)
    reason = _ascii(quoted(decision.reason, limit=_REASON))
    room = PHRASE_LENGTH - len(start) - len(end)
    if len(reason) > room:
        reason = f"{reason[: max(0, room - 3)]}..."
    return f"{start}{reason}{end}"[:PHRASE_LENGTH]


def summary(decisions: Iterable[Decision], /, *, width: int = 100, colour: bool = False) -> str:
    """Return what was checked, let through and refused and why, as text that ends with a newline; for standard error.

    `width` is in columns. Each file is told about once, by the last decision about it.
    """
    style = Style(colour)
    final = list({(each.project, each.filename, each.sha256): each for each in decisions}.values())
    lines: list[str] = []
    for outcome in (Outcome.BLOCKED, Outcome.FAILED):
        for decision in final:
            if decision.outcome is outcome:
                lines += [*_refused(decision, style, width), ""]
    told = [each for each in final if each.outcome is Outcome.ADMITTED and each.verdict is not Verdict.PASS]
    for decision in told:
        lines += _let_through(decision, style, width)
    lines += [*([""] if told else []), *_counts(final)]
    return "\n".join(lines) + "\n"


def _refused(decision: Decision, style: Style, width: int) -> Iterator[str]:
    word = "BLOCKED" if decision.outcome is Outcome.BLOCKED else "NOT CHECKED"
    role = "block" if decision.outcome is Outcome.BLOCKED else "review"
    yield f"{style.paint(word, role)}  {style.paint(subject(decision), 'strong')}"
    yield from indented(quoted(decision.reason, limit=_REASON), "  ", width)
    for line in finding_lines(decision.findings, style, width - 2):
        yield f"  {line}"
    finding = worst(decision.findings)
    if finding is not None:
        of_file = f"sha256 {decision.sha256}; " if decision.sha256 else ""
        yield f"  {of_file}'pydepgate explain {printable(finding.rule)}' says what to do"


def _let_through(decision: Decision, style: Style, width: int) -> list[str]:
    word = "UNSCANNED" if decision.verdict is None else "REVIEW"
    start = f"{style.paint(word, 'review')}  {style.paint(subject(decision), 'strong')}"
    reason = quoted(decision.reason, limit=_REASON)
    plain = len(f"{word}  {subject(decision)}  {reason}")
    return [f"{start}  {reason}"] if plain <= width else [start, *indented(reason, "  ", width)]


def _counts(final: Sequence[Decision]) -> Iterator[str]:
    files = [each for each in final if each.filename]
    blocked = sum(each.outcome is Outcome.BLOCKED for each in final)
    failed = sum(each.outcome is Outcome.FAILED for each in final)
    reviewed = sum(each.outcome is Outcome.ADMITTED and each.verdict is Verdict.REVIEW for each in final)
    admitted = sum(each.outcome is Outcome.ADMITTED for each in final)
    scanned = [each for each in files if each.verdict is not None and not each.cached]
    known = sum(each.verdict is not None and each.cached for each in files)
    if not final:
        yield "pydepgate: nothing was fetched"
        return
    parts = [f"{admitted:,} let through" + (f" ({reviewed:,} to review)" if reviewed else "")]
    parts += [f"{blocked:,} blocked"] if blocked else []
    parts += [f"{failed:,} could not be checked"] if failed else []
    seconds = sum(each.seconds for each in scanned)
    work = f"{len(scanned):,} scanned in {seconds:.1f} s" + (f", {known:,} known from before" if known else "")
    total = size_text(sum(each.size for each in files))
    yield f"pydepgate: {plural(len(files), 'file')} ({total}): {', '.join(parts)}; {work}"


def _ascii(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode("ascii")
