"""What lies on disk and a command would install: scanned before it starts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pydepgate.errors import PydepgateError
from pydepgate.guard.ask import Ask, Terminal
from pydepgate.guard.fetch import Fetcher
from pydepgate.guard.gate import Gate, Review
from pydepgate.guard.model import Decision, Outcome, RemoteFile, Upstream
from pydepgate.guard.names import normalise, project_of
from pydepgate.guard.scanning import ScanOptions
from pydepgate.guard.wording import about, plural, worst
from pydepgate.model import Report, Verdict


def admit_local(
    paths: Sequence[Path],
    gate: Gate,
    fetcher: Fetcher,
    /,
    *,
    options: ScanOptions,
    review: Review,
    fail_open: bool,
    report: Callable[[Decision], None],
    ask: Ask | None = None,
) -> bool:
    """Scan files and folders; return whether all of them may be installed. `report` gets the decisions on folders,
    the gate itself reports those on files."""
    fine = True
    for path in paths:
        if path.is_dir():
            decision = _of_folder(path, options, review, fail_open, ask or Terminal())
            report(decision)
        else:
            known = project_of(path.name)
            project = known[0] if known else normalise(path.stem)
            folder = Upstream("local", path.parent.absolute().as_uri(), flat=True)
            file = RemoteFile(path.name, path.absolute().as_uri())
            decision = gate.admit(file, folder, project=project, fetcher=fetcher)
        fine = fine and decision.outcome is Outcome.ADMITTED
    return fine


def _of_folder(path: Path, options: ScanOptions, review: Review, fail_open: bool, ask: Ask) -> Decision:
    from pydepgate.scanner import scan

    start = time.perf_counter()
    name = path.resolve().name
    try:
        report = scan(path, limits=options.limits, rules_dir=options.rules_dir, fail_on=options.fail_on)
    except (PydepgateError, OSError) as error:
        outcome = Outcome.ADMITTED if fail_open else Outcome.FAILED
        return Decision(name, normalise(name), outcome, f"the folder could not be scanned: {error}")
    seconds = time.perf_counter() - start
    decision = _decided(report, name, Outcome.ADMITTED, seconds)
    if report.verdict is Verdict.BLOCK:
        return _decided(report, name, Outcome.BLOCKED, seconds)
    if report.verdict is Verdict.REVIEW and review is not Review.ALLOW:
        if review is Review.PROMPT and ask(decision):
            return decision
        return _decided(report, name, Outcome.BLOCKED, seconds)
    return decision


def _decided(report: Report, name: str, outcome: Outcome, seconds: float) -> Decision:
    finding = worst(report.findings)
    more = len(report.findings) - 1
    reason = "" if finding is None else about(finding) + (f", and {plural(more, 'finding')} more" if more else "")
    return Decision(
        filename=name,
        project=normalise(report.artifact.name or name),
        outcome=outcome,
        reason=reason,
        verdict=report.verdict,
        findings=report.findings,
        size=report.stats.bytes,
        seconds=seconds,
    )
