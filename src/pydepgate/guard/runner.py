"""Standing in front of one command: the local index and the refusing proxy run as long as it does."""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from pydepgate.guard.ask import Ask
from pydepgate.guard.asked import Fetch
from pydepgate.guard.clients import Client, Indexes, Understood, prepare, understand
from pydepgate.guard.cooldown import LeftOut
from pydepgate.guard.direct import direct_fetch
from pydepgate.guard.fetch import Fetcher
from pydepgate.guard.folders import cache_folder, private_folder
from pydepgate.guard.gate import Gate, Review
from pydepgate.guard.kept import Kept
from pydepgate.guard.model import Decision, Outcome, Upstream
from pydepgate.guard.pip_settings import file_settings
from pydepgate.guard.policy import user_policy
from pydepgate.guard.refusing import RefusingProxy
from pydepgate.guard.running import Signals, run_command
from pydepgate.guard.scanning import ScanOptions
from pydepgate.guard.server import IndexServer
from pydepgate.guard.summary import summary
from pydepgate.guard.upstreams import fetcher_for, pip_upstreams, uv_upstreams
from pydepgate.guard.verdicts import Verdicts
from pydepgate.report.escape import printable

EXIT_BLOCKED = 40
"""Something was blocked. No client ends with this status or the next: pip has 0 to 23, the others 0 to 3 and 127."""

EXIT_UNABLE = 41
"""The guard could not do its work: an index failed, a file could not be checked, a command is not supported."""

_SHOWN = 20
"""Connections, and releases, that are told one by one."""

_UV = frozenset((Client.UV, Client.UVX))
_OWN_TEMPORARY = frozenset((Client.PIP,))
"""Clients that leave temporary files when a signal ends them, and start no program of the user's."""


@dataclass(frozen=True, slots=True)
class GuardOptions:
    """How to guard. `min_age`: younger releases are left out. `colour`, `width`: of the summary. `ask`: how
    `Review.PROMPT` asks, at the terminal if None."""

    scan: ScanOptions = field(default_factory=ScanOptions)
    review: Review = Review.ALLOW
    min_age: timedelta | None = None
    require_times: bool = False
    allow_direct: bool = False
    fail_open: bool = False
    workers: int | None = None
    quiet: bool = False
    colour: bool = False
    width: int = 100
    ask: Ask | None = None


class Ledger:
    """Collects decisions, from any number of threads."""

    def __init__(self) -> None:
        self._decisions: list[Decision] = []
        self._lock = threading.Lock()

    def add(self, decision: Decision, /) -> None:
        """Add one."""
        with self._lock:
            self._decisions.append(decision)

    def decisions(self) -> tuple[Decision, ...]:
        """Return all of them, in their order."""
        with self._lock:
            return tuple(self._decisions)

    def has(self, outcome: Outcome, /) -> bool:
        """Say whether one had that outcome."""
        return any(each.outcome is outcome for each in self.decisions())


def guard(
    command: Sequence[str],
    /,
    *,
    options: GuardOptions,
    environment: Mapping[str, str],
    folder: Path,
    write: Callable[[str], None],
) -> int:
    """Run a command behind the gate, write the summary, and return the exit status: the command's own, or one of this
    module's. Raises PydepgateError and OSError where it cannot be started."""
    with ExitStack() as stack:
        signals = stack.enter_context(Signals())
        scratch = Path(tempfile.mkdtemp(prefix="pydepgate-guard-"))
        stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        fetch = direct_fetch(environment, folder=folder, scratch=scratch / "direct") if options.allow_direct else None
        understood = _understand(command, environment, folder, scratch, fetch)
        indexes, upstreams = _indexes(understood, environment)
        ledger = Ledger()
        gate = stack.enter_context(_gate(options, environment, stack, ledger))
        fetcher = stack.enter_context(_fetcher(understood, environment))
        proxy = stack.enter_context(RefusingProxy())
        server = stack.enter_context(
            IndexServer(
                gate,
                fetcher,
                upstreams,
                min_age=options.min_age,
                require_times=options.require_times,
                report=ledger.add,
                passed_by=proxy.note,
            )
        )
        stack.callback(server.close, grace=0.0)  # nobody asks any more once the command has ended
        prepared = prepare(
            understood,
            environment=environment,
            index=server.url,
            indexes=indexes,
            root=f"http://127.0.0.1:{server.port}",
            refusing_proxy=proxy.url,
        )
        variables = dict(prepared.environment)
        if understood.client in _OWN_TEMPORARY:
            (scratch / "tmp").mkdir()
            variables |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch / "tmp"))
        status = 0
        local = [gate.inspect(path) for path in understood.scan_first]
        fine = all(decision.outcome is Outcome.ADMITTED for decision in local)
        for step in (*prepared.steps, prepared.command) if fine else ():
            if status or signals.stopping:
                break
            status = run_command(step, environment=variables, folder=folder, signals=signals)
        server.close(grace=0.0)
        _tell(ledger, proxy, options, write)
        _tell_left_out(server.left_out, write)
        if signals.received is not None and (status or not fine):
            return 128 + signals.received
        return _status(status, ledger, proxy)


def _status(status: int, ledger: Ledger, proxy: RefusingProxy) -> int:
    """The command's own, unless something was refused: then it says little that it failed, and nothing why."""
    if ledger.has(Outcome.BLOCKED):
        return EXIT_BLOCKED
    if ledger.has(Outcome.FAILED) and status:
        return EXIT_UNABLE
    if ledger.has(Outcome.FAILED) and not any(each.filename for each in ledger.decisions()):
        return EXIT_UNABLE
    return EXIT_BLOCKED if proxy.tried and status else status


def _tell(ledger: Ledger, proxy: RefusingProxy, options: GuardOptions, write: Callable[[str], None]) -> None:
    decisions = ledger.decisions()
    refused = [each for each in decisions if each.outcome is not Outcome.ADMITTED]
    if not options.quiet or refused:
        shown = refused if options.quiet else decisions
        write(summary(shown, width=options.width, colour=options.colour))
    if proxy.tried:
        write("pydepgate: refused connections that lead past the indexes (see --allow-direct):\n")
        write("".join(f"  {target}\n" for target in proxy.tried[:_SHOWN]))
        if len(proxy.tried) > _SHOWN:
            write(f"  and {len(proxy.tried) - _SHOWN} more\n")


def _tell_left_out(releases: Sequence[LeftOut], write: Callable[[str], None]) -> None:
    """Say which releases `--min-age` hid: otherwise nobody knows why there is an older one now."""
    if releases:
        shown = ", ".join(printable(f"{each.project} {each.version}", limit=80) for each in releases[:_SHOWN])
        more = f" and {len(releases) - _SHOWN} more" if len(releases) > _SHOWN else ""
        write(f"pydepgate: too young, or of unknown age, and left out: {shown}{more}\n")


def _understand(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, scratch: Path, fetch: Fetch | None
) -> Understood:
    return understand(command, environment=environment, folder=folder, scratch=scratch / "files", fetch=fetch)


def _fetcher(understood: Understood, environment: Mapping[str, str]) -> Fetcher:
    arguments = () if understood.client in _UV else understood.arguments
    return fetcher_for(environment, arguments=arguments, folder=understood.asked.folder)


def _indexes(understood: Understood, environment: Mapping[str, str]) -> tuple[Indexes, tuple[Upstream, ...]]:
    """The upstreams of each family, and all of them, as they are served. A client of one family gets its own only."""
    folder, arguments = understood.folder, understood.arguments
    if understood.client in _UV:
        # both are in the folder already
        told = {name: value for name, value in environment.items() if name not in ("UV_PROJECT", "UV_WORKING_DIR")}
        of_uv = uv_upstreams(told, arguments=arguments, folder=folder)
        return Indexes(pip=of_uv, uv=of_uv), of_uv
    of_pip = pip_upstreams(environment, arguments=arguments, folder=folder)
    settings = file_settings(environment, arguments=arguments, folder=folder)
    if understood.client is Client.PIP:
        return Indexes(of_pip, of_pip, settings), of_pip
    of_uv = uv_upstreams(environment, arguments=understood.index_options, folder=folder)
    taken = {each.name for each in of_uv}
    of_pip = tuple(replace(each, name=f"pip-{each.name}") if each.name in taken else each for each in of_pip)
    return Indexes(of_pip, of_uv, settings), (*of_pip, *of_uv)


def _gate(options: GuardOptions, environment: Mapping[str, str], stack: ExitStack, ledger: Ledger) -> Gate:
    caches = cache_folder(environment)
    verdicts = stack.enter_context(Verdicts.in_folder(caches))
    return Gate(
        _spool_folder(caches, stack),
        policy=user_policy(environment),
        verdicts=verdicts,
        limits=options.scan.limits,
        rules_dir=options.scan.rules_dir,
        fail_on=options.scan.fail_on,
        review=options.review,
        fail_open=options.fail_open,
        workers=options.workers,
        report=ledger.add,
        kept=Kept.in_folder(caches),
        ask=options.ask,
    )


def _spool_folder(caches: Path, stack: ExitStack) -> Path:
    """In the caches, so that files are kept without copying them; where that cannot be, a temporary one."""
    try:
        return private_folder(caches / "spool")
    except OSError as error:
        print(f"pydepgate: {caches} cannot be used: {error}", file=sys.stderr)
        return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pydepgate-spool-")))
