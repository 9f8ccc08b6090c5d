"""The gate: fetches a file once, checks it, and decides whether it is served."""

from __future__ import annotations

import enum
import errno
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Protocol, Self

from pydepgate.errors import PydepgateError
from pydepgate.guard.ask import Ask, Terminal
from pydepgate.guard.errors import UpstreamError
from pydepgate.guard.hashes import Hashing, checkable
from pydepgate.guard.kept import Kept
from pydepgate.guard.model import Decision, Outcome, RemoteFile, Upstream
from pydepgate.guard.names import is_filename, normalise, project_of, release_of
from pydepgate.guard.policy import Entry, Policy
from pydepgate.guard.prefetch import LARGEST, Prefetcher
from pydepgate.guard.scanning import SCAN_SECONDS, ScanFailed, Scanners, ScanOptions
from pydepgate.guard.spool import Spool, Spooled, WrongHash
from pydepgate.guard.verdicts import Known, Verdicts
from pydepgate.guard.wording import about, plural, worst
from pydepgate.limits import Limits
from pydepgate.model import Severity, Verdict

MAX_FILE_BYTES: Final = 4 * 1024**3
"""A larger file is not fetched."""

MAX_DECISIONS: Final = 20_000
"""Decisions that are remembered; those that were not asked for longest are forgotten first."""


PREFETCHES: Final = 4
"""Files that are fetched ahead at once."""


class Review(enum.StrEnum):
    """What becomes of files with findings below the block level. To ask needs a terminal; without one, it blocks."""

    PROMPT = "prompt"
    ALLOW = "allow"
    BLOCK = "block"


class Downloads(Protocol):
    """Gets files from where they are; `Fetcher` does."""

    def download(self, file: RemoteFile, upstream: Upstream, /, *, to: BinaryIO, limit: int) -> int:
        """Write a file to a stream; returns its size. Raises UpstreamError."""
        ...


@dataclass(frozen=True, slots=True)
class _Told:
    """A decision, the entry of the policy that held when it was made, and whether it was reported."""

    decision: Decision
    entry: Entry | None
    reported: bool


class Gate:
    """Decides about files, each once; for any number of threads. `close` removes what was fetched.

    `folder`: its private folder is made in there. `limits`, `rules_dir`, `fail_on`: of scans. `fail_open`: what the
    scanner could not judge is let through. `workers`: scans at once, one for each processor if None. `report` is called
    with each decision once, when a client first asks for the file. `kept`: files of earlier runs. `file_bytes` is the
    largest file that is fetched, `scan_seconds` the longest scan. `ask` is how `Review.PROMPT` asks.
    Raises OSError, and RuleError if the rules of `rules_dir` are wrong.
    """

    def __init__(
        self,
        folder: Path,
        /,
        *,
        policy: Policy = Policy(),
        verdicts: Verdicts | None = None,
        limits: Limits = Limits(),
        rules_dir: Path | None = None,
        fail_on: Severity = Severity.HIGH,
        review: Review | str = Review.ALLOW,
        fail_open: bool = False,
        workers: int | None = None,
        report: Callable[[Decision], None] = lambda decision: None,
        kept: Kept | None = None,
        file_bytes: int = MAX_FILE_BYTES,
        scan_seconds: float = SCAN_SECONDS,
        ask: Ask | None = None,
    ) -> None:
        options = ScanOptions(limits, rules_dir, fail_on)
        if rules_dir is not None:
            _check_rules(rules_dir)
        self._version = options.version()
        self._policy = policy
        self._verdicts = Verdicts() if verdicts is None else verdicts
        self._own_verdicts = verdicts is None
        self._review = Review(review)
        self._fail_open = fail_open
        self._report = report
        self._file_bytes = file_bytes
        self._ask = ask or Terminal()
        self._changing = threading.Lock()
        self._told: OrderedDict[str, _Told] = OrderedDict()
        self._flights: dict[str, Future[Decision]] = {}
        self._spool = Spool(folder, kept=kept)
        self._scanners = Scanners(options, count=workers, seconds=scan_seconds)
        self._prefetcher = Prefetcher(PREFETCHES)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End scans that are going on, which are then failed, and remove what was fetched."""
        self._prefetcher.close()
        self._scanners.close()
        self._spool.close()
        if self._own_verdicts:
            self._verdicts.close()

    def admit(self, file: RemoteFile, upstream: Upstream, /, *, project: str, fetcher: Downloads) -> Decision:
        """Return what is to become of a file of a project, and report it if that was not done before.

        It never raises: what goes wrong is a decision as well.
        """
        decision = self._decided(file, upstream, project, fetcher)
        key = _key(file, upstream)
        with self._changing:
            told = self._told.get(key)
            again = told is not None and told.reported and told.decision.outcome is decision.outcome
            if told is not None and not again:
                self._told[key] = replace(told, reported=True)
        if again:
            return replace(decision, cached=True, seconds=0.0)
        self._report(decision)
        return decision

    def expect(self, file: RemoteFile, upstream: Upstream, /, *, project: str, fetcher: Downloads) -> None:
        """Begin with what `admit` will have to do, for a file that will probably be asked for. It returns at once.

        Nothing is reported, and nobody is asked.
        """
        if self._review is Review.PROMPT or (file.size or 0) > LARGEST:
            return
        name = f"{upstream.name} {normalise(project)}"
        self._prefetcher.expect(name, partial(self._decided, file, upstream, project, fetcher))

    def inspect(self, path: Path, /) -> Decision:
        """Return what is to become of a file or folder of the user's own, and report it. It never raises."""
        try:
            decision = self._inspected(path.resolve())
        except Exception as error:
            decision = _failed(path.name, "", _trouble(error))
        self._report(decision)
        return decision

    def _decided(self, file: RemoteFile, upstream: Upstream, project: str, fetcher: Downloads) -> Decision:
        """Decide, or wait for who is at it, or remember."""
        key = _key(file, upstream)
        with self._changing:
            flight = self._flights.get(key)
            mine = flight is None
            if flight is None:
                flight = self._flights[key] = Future()
        if not mine:
            return flight.result()
        decision = _failed(file.filename, project, "the guard was stopped")
        try:
            decision = self._remembered(key, file, project) or self._decide(key, file, upstream, project, fetcher)
        except Exception as error:
            decision = _failed(file.filename, project, _trouble(error))
        finally:
            with self._changing:
                del self._flights[key]
            flight.set_result(decision)
        return decision

    def _remembered(self, key: str, file: RemoteFile, project: str) -> Decision | None:
        with self._changing:
            told = self._told.get(key)
            if told is None or told.decision.outcome is Outcome.FAILED:
                return None
            self._told.move_to_end(key)
        decision = told.decision
        entry = self._policy.ask(project, version=_version(file, project), sha256=decision.sha256 or _sha256(file))
        if entry != told.entry or (decision.path is not None and not decision.path.exists()):
            return None
        return decision

    def _decide(self, key: str, file: RemoteFile, upstream: Upstream, project: str, fetcher: Downloads) -> Decision:
        version = _version(file, project)
        entry = self._policy.ask(project, version=version, sha256=_sha256(file))
        if not is_filename(file.filename):
            decision = _failed(file.filename, project, "its name is not that of a file")
        elif entry is not None and not entry.allow:
            decision = _denied(Decision(file.filename, project, Outcome.BLOCKED, "", sha256=_sha256(file)), entry)
        else:
            spooled = self._spooled(file, upstream, fetcher)
            decision = Decision(
                file.filename,
                project,
                Outcome.ADMITTED,
                "",
                sha256=spooled.sha256,
                size=spooled.size,
                path=spooled.path,
            )
            entry = self._policy.ask(project, version=version, sha256=spooled.sha256)
            decision = self._checked(decision, entry, spooled.path)
            if decision.outcome is Outcome.ADMITTED:
                self._spool.keep(spooled)
        with self._changing:
            before = self._told.get(key)
            reported = before is not None and before.reported and before.decision.outcome is decision.outcome
            self._told[key] = _Told(decision, entry, reported)
            while len(self._told) > MAX_DECISIONS:
                self._told.popitem(last=False)
        return decision

    def _spooled(self, file: RemoteFile, upstream: Upstream, fetcher: Downloads) -> Spooled:
        """Get a file into the spool. Raises OSError, UpstreamError and WrongHash."""
        sha256 = _sha256(file)
        if sha256:
            here = self._spool.find(sha256, filename=file.filename)
            if here is not None:
                return here
        if not sha256 or self._verdicts.get(sha256, filename=file.filename, version=self._version) is None:
            self._scanners.warm()

        def fetch(stream: BinaryIO) -> None:
            fetcher.download(file, upstream, to=stream, limit=self._file_bytes)

        return self._spool.fetch(fetch, filename=file.filename, hashes=file.hashes)

    def _inspected(self, path: Path) -> Decision:
        decision = Decision(path.name, "", Outcome.ADMITTED, "", path=path)
        if path.is_dir():
            return self._checked(decision, None, path)
        self._scanners.warm()
        hashing = Hashing({})
        with path.open("rb") as stream:
            hashing.read(stream)
        project, version = project_of(path.name) or ("", None)
        decision = replace(decision, project=project, sha256=hashing.sha256, size=hashing.size)
        return self._checked(decision, self._policy.ask(project, version=version, sha256=hashing.sha256), path)

    def _checked(self, decision: Decision, entry: Entry | None, path: Path) -> Decision:
        """Complete a decision about what lies at `path`; as it is given, it is let through."""
        if entry is not None:
            return _allowed(decision, entry) if entry.allow else _denied(decision, entry)
        try:
            decision = self._judged(decision, path)
        except (PydepgateError, OSError) as error:
            if self._fail_open and isinstance(error, ScanFailed):
                return replace(decision, reason=f"not checked, let through by --fail-open: {error}")
            return replace(decision, outcome=Outcome.FAILED, reason=_trouble(error), path=None)
        if decision.verdict is Verdict.BLOCK:
            return replace(decision, outcome=Outcome.BLOCKED, path=None)
        if not self._fail_open and any(finding.rule == _UNREADABLE for finding in decision.findings):
            return replace(
                decision, outcome=Outcome.FAILED, reason=f"not all of it could be read: {decision.reason}", path=None
            )
        return decision if decision.verdict is Verdict.PASS else self._reviewed(decision)

    def _judged(self, decision: Decision, path: Path) -> Decision:
        """Add the verdict, from the cache or of a scan. Raises `ScanFailed`, `Stopped`, `RuleError` and OSError."""
        key = (decision.sha256, decision.filename)
        known = self._verdicts.get(key[0], filename=key[1], version=self._version) if key[0] else None
        cached = known is not None
        if known is None:
            try:
                report = self._scanners.scan(path)
            except ScanFailed as error:
                raise ScanFailed(str(error).replace(str(path), "it")) from None
            if key[0] and report.artifact.sha256 != key[0]:
                raise OSError("it changed while it was scanned")
            known = Known(report.verdict, report.findings, decision.size, report.stats.seconds)
            if key[0]:
                self._verdicts.put(key[0], known, filename=key[1], version=self._version)
        return replace(
            decision,
            reason=_why(known),
            verdict=known.verdict,
            findings=known.findings,
            cached=cached,
            seconds=0.0 if cached else known.seconds,
        )

    def _reviewed(self, decision: Decision) -> Decision:
        if self._review is Review.ALLOW:
            return decision
        if self._review is Review.PROMPT:
            answer = self._ask(decision)
            if answer:
                return replace(decision, reason=f"{decision.reason}; let through by you")
            why = "refused by you" if answer is not None else "to be reviewed, and there is no terminal to ask at"
        else:
            why = "to be reviewed, and --review is block"
        return replace(decision, outcome=Outcome.BLOCKED, reason=f"{decision.reason}; {why}", path=None)


_UNREADABLE: Final = "unreadable-archive"
"""The rule for what could not be looked at, which an installer may still make something of."""


def _key(file: RemoteFile, upstream: Upstream) -> str:
    hashes = " ".join(f"{name}={value}" for name, value in sorted(checkable(file.hashes).items()))
    return f"{upstream.name} {file.url} {file.filename} {hashes}"


def _sha256(file: RemoteFile) -> str:
    return checkable(file.hashes).get("sha256", "")


def _version(file: RemoteFile, project: str) -> str | None:
    return release_of(file.filename, project=normalise(project))


def _check_rules(rules_dir: Path) -> None:
    from pydepgate.detect import SIGNALS
    from pydepgate.judge.rules import load_rules

    load_rules(extra=rules_dir, known_signals=frozenset(SIGNALS))


def _why(known: Known) -> str:
    finding = worst(known.findings)
    if finding is None:
        return "nothing found"
    more = len(known.findings) - 1
    return about(finding) + (f" and {plural(more, 'more finding')}" if more else "")


def _allowed(decision: Decision, entry: Entry) -> Decision:
    return replace(decision, reason=f"allowed by your policy: {entry.reason}")


def _denied(decision: Decision, entry: Entry) -> Decision:
    return replace(decision, outcome=Outcome.BLOCKED, reason=f"denied by your policy: {entry.reason}", path=None)


def _failed(filename: str, project: str, why: str) -> Decision:
    return Decision(filename, project, Outcome.FAILED, why)


def _trouble(error: Exception) -> str:
    """What went wrong, in words for people."""
    match error:
        case WrongHash():
            return f"its {error} is not the one that the index gives"
        case UpstreamError() | PydepgateError():
            return str(error)
        case OSError(errno=errno.ENOSPC):
            return "the disk is full"
        case OSError():
            return f"it cannot be kept or read: {error.strerror or error}"
    return f"fault of the guard: {type(error).__name__}: {error}"
