"""The pipeline: open, analyse each member, say when it runs, judge, report."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pydepgate.ahead import look_over
from pydepgate.artifact import open_artifact
from pydepgate.artifact.artifact import Found
from pydepgate.detect.package import package_signals
from pydepgate.detect.structure import structure_signals
from pydepgate.limits import Limits
from pydepgate.model import (
    ArtifactInfo,
    FileFacts,
    Finding,
    Member,
    Note,
    Report,
    Runs,
    Severity,
    Signal,
    Stats,
    Verdict,
)
from pydepgate.reach import reach
from pydepgate.relook import look_again
from pydepgate.workers import Job, hired

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from pydepgate.judge.rule import Rule


def scan(
    target: str | os.PathLike[str],
    /,
    *,
    limits: Limits = Limits(),
    rules_dir: Path | None = None,
    fail_on: Severity = Severity.HIGH,
    python: str | None = None,
    workers: int | None = None,
    keep_content: bool = False,
    progress: Callable[[int, str], None] | None = None,
    stdin: BinaryIO | None = None,
) -> Report:
    """Scan one artifact: a file, a directory, `-` for standard input, or the name of an installed distribution.

    `rules_dir` holds rules that add to or override the shipped ones. `fail_on` is the severity from which the
    verdict is block. `python` is the interpreter in whose environment a distribution is looked up. `workers` is how
    many threads (interpreters on Python 3.14 with a global lock, processes before) look at files where there are enough
    to repay it; one for each processor if None. `keep_content` keeps in the report what payloads decode to. `progress`
    is called with 1 and the member's path after each member, in their order and by the caller's thread.
    Raises `ArtifactError` if the target cannot be scanned, `RuleError` if a rule file is wrong.
    """
    start = time.perf_counter()
    rules = None if rules_dir is None else _read_rules(rules_dir)
    seen = observe(
        target,
        limits=limits,
        python=python,
        workers=workers,
        keep_content=keep_content,
        progress=progress,
        stdin=stdin,
    )
    return report_on(seen, rules=rules, fail_on=fail_on, start=start)


@dataclass(frozen=True, slots=True)
class Observation:
    """What one artifact shows before it is judged: its facts, and every signal with when its code runs."""

    info: ArtifactInfo
    files: tuple[FileFacts, ...]
    notes: tuple[Note, ...]
    signals: tuple[tuple[Signal, Runs], ...]


def observe(
    target: str | os.PathLike[str],
    /,
    *,
    limits: Limits = Limits(),
    python: str | None = None,
    workers: int | None = None,
    keep_content: bool = False,
    progress: Callable[[int, str], None] | None = None,
    stdin: BinaryIO | None = None,
) -> Observation:
    """Return what one artifact shows, without judging it; options and errors are those of `scan`."""
    with open_artifact(target, limits=limits, python=python, stdin=stdin) as artifact, hired(workers) as crew:
        job = Job(partial(_facts, limits=limits, keep_content=keep_content), _lost_facts)
        members: list[Found[FileFacts]] = []
        notes: list[Note] = []
        for found in look_over(artifact, job, crew):
            if isinstance(found, Note):
                notes.append(found)
                continue
            members.append(found)
            notes += found.made.notes
            if progress is not None:
                progress(1, found.made.path)
        info = artifact.info
        files, further = look_again(artifact, members, crew, limits=limits, keep_content=keep_content)
        notes += further
    if not any(facts.kind in ("python", "pth") for facts in files):
        notes.append(Note("artifact.no-python", "holds no Python source"))
    signals = reach(info, files)
    # an installer meets the archive as it is, before any of its code
    signals += [(signal, Runs.INSTALL) for signal in structure_signals(info, notes)]
    signals += [(signal, Runs.INSTALL) for signal in package_signals(info, files, signals)]
    return Observation(info, tuple(files), tuple(notes), tuple(signals))


def report_on(seen: Observation, /, *, rules: Sequence[Rule] | None, fail_on: Severity, start: float) -> Report:
    """Judge what was observed, by the shipped rules if None are given. `start` is when the scan began, by
    `time.perf_counter`."""
    findings, verdict = _judged(seen.signals, rules, fail_on)
    return Report(
        artifact=seen.info,
        verdict=verdict,
        findings=findings,
        notes=seen.notes,
        stats=Stats(
            files=len(seen.files),
            bytes=sum(facts.size for facts in seen.files),
            analysed=sum(facts.analysed for facts in seen.files),
            seconds=time.perf_counter() - start,
        ),
    )


def scan_many(
    targets: Iterable[str | os.PathLike[str]],
    /,
    *,
    executor: Executor | None = None,
    limits: Limits = Limits(),
    rules_dir: Path | None = None,
    fail_on: Severity = Severity.HIGH,
) -> Iterator[Report]:
    """Scan several artifacts, and yield their reports in the order of the targets.

    `executor` is any `concurrent.futures.Executor` (threads, processes, another machine's): reports pickle. Options
    and errors are those of `scan`.
    """
    workers = None if executor is None else 1  # the executor's are enough
    one = partial(scan, limits=limits, rules_dir=rules_dir, fail_on=fail_on, workers=workers)
    return iter(executor.map(one, targets)) if executor is not None else map(one, targets)


def _judged(
    signals: Sequence[tuple[Signal, Runs]], rules: Sequence[Rule] | None, fail_on: Severity
) -> tuple[tuple[Finding, ...], Verdict]:
    """Return findings and verdict, by the shipped rules if None are given."""
    if not signals:  # most packages show nothing, and should not wait for rules that say so
        return (), Verdict.PASS
    from pydepgate.judge.compiled import compiled_rules
    from pydepgate.judge.judge import judge, verdict

    if rules is None:
        rules = compiled_rules() or _read_rules(None)
    findings = judge(signals, rules)
    return findings, verdict(findings, fail_on=fail_on)


def _read_rules(extra: Path | None) -> Sequence[Rule]:
    """Return the rules from their files, checked, with those of another folder if there is one."""
    from pydepgate.detect import SIGNALS
    from pydepgate.judge.rules import load_rules

    return load_rules(extra=extra, known_signals=frozenset(SIGNALS))


def _facts(member: Member, /, *, limits: Limits, keep_content: bool) -> FileFacts:
    from pydepgate.analyse import analyse_member  # brings in the evaluator, all detectors and all codecs

    return analyse_member(member, limits=limits, keep_content=keep_content)


def _lost_facts(path: str, size: int, /) -> FileFacts:
    from pydepgate.analyse import lost_member

    return lost_member(path, size)
