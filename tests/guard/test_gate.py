"""What the gate decides about files, and that it opens for nothing that it did not check."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from fixtures.archives import wheel
from pydepgate.errors import RuleError
from pydepgate.guard.errors import UpstreamError
from pydepgate.guard.gate import Gate
from pydepgate.guard.kept import Kept
from pydepgate.guard.model import Decision, Outcome, RemoteFile, Upstream
from pydepgate.guard.policy import Entry, Policy
from pydepgate.guard.verdicts import FILE_NAME, Verdicts
from pydepgate.model import Severity, Verdict
from tests.guard.packages import Hosted, clean, malicious, reviewed

UPSTREAM = Upstream("0", "https://index.invalid/simple")


class Index:
    """Where the files of a test are fetched from. `stop`: an error in place of the file."""

    def __init__(self, *files: Hosted, stop: Exception | None = None) -> None:
        self.files = {f"https://index.invalid/{file.filename}": file.data for file in files}
        self.stop = stop
        self.fetched: list[str] = []
        self.held = threading.Event()
        self.held.set()

    def download(self, file: RemoteFile, upstream: Upstream, /, *, to: BinaryIO, limit: int) -> int:
        self.fetched.append(file.filename)
        assert self.held.wait(30)
        if self.stop is not None:
            raise self.stop
        if len(self.files[file.url]) > limit:
            raise UpstreamError("it is too large")
        return to.write(self.files[file.url])


Make = Callable[..., Gate]


@pytest.fixture
def reports() -> list[Decision]:
    return []


@pytest.fixture
def make(tmp_path: Path, reports: list[Decision]) -> Iterator[Make]:
    """Makes gates that are closed in the end."""
    gates: list[Gate] = []

    def made(**options: Any) -> Gate:
        gates.append(Gate(tmp_path / "spool", workers=1, report=reports.append, **options))
        return gates[-1]

    yield made
    for gate in gates:
        gate.close()
    gc.collect()  # what was not closed shows here


def remote(file: Hosted, /, **changes: Any) -> RemoteFile:
    options: dict[str, Any] = {"hashes": {"sha256": file.sha256}, **changes}
    return RemoteFile(file.filename, f"https://index.invalid/{file.filename}", **options)


def ask(gate: Gate, file: Hosted, index: Index | None = None, /, **changes: Any) -> Decision:
    index = Index(file) if index is None else index
    return gate.admit(remote(file, **changes), UPSTREAM, project=file.project, fetcher=index)


def test_a_clean_file_is_admitted_with_the_bytes_that_were_scanned(make: Make, tmp_path: Path) -> None:
    file = clean()
    decision = ask(make(), file)
    assert decision.outcome is Outcome.ADMITTED
    assert (decision.verdict, decision.reason) == (Verdict.PASS, "nothing found")
    assert decision.path is not None
    assert decision.path.read_bytes() == file.data
    assert decision.path.name == file.filename
    assert tmp_path / "spool" in decision.path.parents
    assert (decision.sha256, decision.size) == (file.sha256, len(file.data))


def test_a_malicious_file_is_blocked_and_gone(make: Make, tmp_path: Path) -> None:
    file = malicious()
    decision = ask(make(kept=Kept(tmp_path / "kept")), file)
    assert decision.outcome is Outcome.BLOCKED
    assert decision.verdict is Verdict.BLOCK
    assert decision.findings
    assert decision.findings[0].rule in decision.reason
    assert decision.path is None
    assert Kept(tmp_path / "kept").contents() == (0, 0)


@pytest.mark.parametrize(
    "hashes",
    [
        {"sha256": "0" * 64},
        {"sha256": hashlib.sha256(clean().data).hexdigest(), "sha512": "0" * 128},
        {"sha384": "0" * 96},
        {"md5": "0" * 32},
        {"sha1": "0" * 40, "blake3": "?"},
    ],
)
def test_a_wrong_hash_is_never_served(hashes: dict[str, str], make: Make, tmp_path: Path) -> None:
    decision = ask(make(fail_open=True), clean(), hashes=hashes)
    assert decision.outcome is Outcome.FAILED
    assert "is not the one that the index gives" in decision.reason
    assert decision.path is None
    assert not list((tmp_path / "spool").rglob("*.whl"))


@pytest.mark.parametrize(
    "hashes", [{}, {"sha512": "good", "md5": "0" * 32}, {"SHA256": "good"}, {"md5": "good"}, {"unknown": "0"}]
)
def test_hashes_that_are_right_or_cannot_count_do_no_harm(hashes: dict[str, str], make: Make) -> None:
    file = clean()
    right = {
        name: hashlib.new(name.lower(), file.data).hexdigest().upper() if value == "good" else value
        for name, value in hashes.items()
    }
    assert ask(make(), file, hashes=right).outcome is Outcome.ADMITTED


@pytest.mark.parametrize("stop", [UpstreamError("index down"), OSError(28, "No space left"), RuntimeError("fault")])
def test_what_cannot_be_fetched_fails_and_may_be_tried_again(stop: Exception, make: Make) -> None:
    file, gate = clean(), make(fail_open=True)
    failed = ask(gate, file, Index(file, stop=stop))
    assert failed.outcome is Outcome.FAILED
    assert ("the disk is full" if isinstance(stop, OSError) else str(stop)) in failed.reason
    assert ask(gate, file).outcome is Outcome.ADMITTED


def test_a_file_over_the_limit_is_not_spooled(make: Make) -> None:
    file = clean(padding=50_000)
    decision = ask(make(file_bytes=10_000), file)
    assert (decision.outcome, decision.reason) == (Outcome.FAILED, "it is too large")


@pytest.mark.parametrize("name", ["../evil-1.0.tar.gz", "a/b.whl", "", "..", "a\0b.whl", "a\\b.whl"])
def test_a_name_that_leaves_the_folder_is_refused(name: str, make: Make) -> None:
    index = Index()
    file = RemoteFile(name, "https://index.invalid/x", {})
    decision = make().admit(file, UPSTREAM, project="evil", fetcher=index)
    assert decision.outcome is Outcome.FAILED
    assert index.fetched == []


def test_clients_that_ask_at_once_share_one_scan(make: Make, reports: list[Decision]) -> None:
    file, gate = clean(), make()
    index = Index(file)
    index.held.clear()
    with ThreadPoolExecutor(12) as clients:
        asked = [clients.submit(ask, gate, file, index) for _ in range(12)]
        index.held.set()
        decisions = [each.result() for each in asked]
    assert {each.path for each in decisions} == {decisions[0].path}
    assert index.fetched == [file.filename]
    assert len(reports) == 1
    assert sum(each.seconds > 0 for each in decisions) == 1


def test_many_files_at_once_are_each_judged(make: Make, reports: list[Decision]) -> None:
    files = [clean(name=f"lantern{number}") for number in range(12)]
    files += [malicious(name=f"bramble{number}") for number in range(12)]
    gate, index = make(), Index(*files)
    with ThreadPoolExecutor(24) as clients:
        decisions = list(clients.map(lambda file: ask(gate, file, index), files))
    assert [each.outcome for each in decisions] == [Outcome.ADMITTED] * 12 + [Outcome.BLOCKED] * 12
    assert len(reports) == 24


def test_verdicts_and_files_are_known_the_next_time(make: Make, tmp_path: Path) -> None:
    good, bad = clean(), malicious()
    with Verdicts(tmp_path / FILE_NAME) as verdicts:
        for fetches in ([good.filename, bad.filename], [bad.filename]):
            gate, index = make(verdicts=verdicts, kept=Kept(tmp_path / "kept")), Index(good, bad)
            decisions = [ask(gate, file, index) for file in (good, bad)]
            assert [each.outcome for each in decisions] == [Outcome.ADMITTED, Outcome.BLOCKED]
            assert index.fetched == fetches
            gate.close()
        assert [each.cached for each in decisions] == [True, True]
        assert decisions[1].findings
        stricter = make(verdicts=verdicts, fail_on=Severity.INFO)
        assert not ask(stricter, good).cached


def test_a_kept_file_that_was_changed_is_not_served(make: Make, tmp_path: Path) -> None:
    file = clean()
    first = make(kept=Kept(tmp_path / "kept"))
    ask(first, file)
    first.close()
    (kept,) = (path for path in (tmp_path / "kept").rglob("*") if path.is_file())
    kept.write_bytes(malicious().data)
    index = Index(file)
    decision = ask(make(kept=Kept(tmp_path / "kept")), file, index)
    assert index.fetched == [file.filename]
    assert decision.path is not None
    assert decision.path.read_bytes() == file.data


def test_a_policy_decides_before_the_scan(make: Make) -> None:
    good, bad = clean(), malicious()
    entries = (
        Entry(allow=False, reason="not here", name=good.project),
        Entry(allow=True, reason="known to be inert", sha256=bad.sha256),
    )
    gate = make(policy=Policy(entries))
    index = Index(good, bad)
    denied, allowed = ask(gate, good, index), ask(gate, bad, index)
    assert (denied.outcome, denied.reason) == (Outcome.BLOCKED, "denied by your policy: not here")
    assert index.fetched == [bad.filename]
    assert (allowed.outcome, allowed.reason) == (Outcome.ADMITTED, "allowed by your policy: known to be inert")
    assert allowed.verdict is None


def test_a_hash_is_denied_even_if_the_index_does_not_give_it(make: Make) -> None:
    file = clean()
    gate = make(policy=Policy((Entry(allow=False, reason="stolen", sha256=file.sha256),)))
    assert ask(gate, file, hashes={}).outcome is Outcome.BLOCKED


@pytest.mark.parametrize(
    ("review", "answer", "outcome", "words"),
    [
        ("allow", None, Outcome.ADMITTED, ""),
        ("block", True, Outcome.BLOCKED, "--review is block"),
        ("prompt", True, Outcome.ADMITTED, "let through by you"),
        ("prompt", False, Outcome.BLOCKED, "refused by you"),
        ("prompt", None, Outcome.BLOCKED, "no terminal"),
    ],
)
def test_review_is_as_the_user_says(
    review: str, answer: bool | None, outcome: Outcome, words: str, make: Make, reports: list[Decision]
) -> None:
    asked: list[Decision] = []

    def person(decision: Decision, /) -> bool | None:
        asked.append(decision)
        return answer

    gate = make(review=review, ask=person)
    for _ in range(2):
        decision = ask(gate, reviewed())
        assert decision.verdict is Verdict.REVIEW
        assert decision.outcome is outcome
        assert words in decision.reason
    assert len(asked) == (review == "prompt")
    assert len(reports) == 1


@pytest.mark.parametrize("fail_open", [False, True])
def test_what_cannot_be_scanned_fails_closed(fail_open: bool, make: Make) -> None:
    file = Hosted("broken", "broken-1.0-py3-none-any.whl", b"no archive at all")
    decision = ask(make(fail_open=fail_open), file)
    assert decision.outcome is (Outcome.ADMITTED if fail_open else Outcome.FAILED)
    assert decision.verdict is None
    assert "spool" not in decision.reason
    assert ("--fail-open" in decision.reason) == fail_open


@pytest.mark.parametrize("fail_open", [False, True])
def test_what_cannot_be_read_as_a_whole_fails_closed(fail_open: bool, make: Make) -> None:
    whole = clean()
    decision = ask(make(fail_open=fail_open), Hosted(whole.project, whole.filename, whole.data[:-40]))
    assert decision.outcome is (Outcome.ADMITTED if fail_open else Outcome.FAILED)
    assert decision.verdict is Verdict.REVIEW
    assert "unreadable-archive" in decision.reason


def _slow() -> Hosted:
    """A wheel that takes a while to scan."""
    source = b"".join(b"def f%d(a):\n    return exec(b64decode(a.b.c(%d)))\n" % (n, n) for n in range(60_000))
    return Hosted("slow", "slow-1.0-py3-none-any.whl", wheel("slow", "1.0", {"slow/__init__.py": source}))


def test_a_scan_that_takes_too_long_fails(make: Make) -> None:
    gate = make(scan_seconds=0.1)
    decision = ask(gate, _slow())
    assert (decision.outcome, decision.reason) == (Outcome.FAILED, "the scan took more than 0.1 s")


def test_a_gate_that_is_closed_ends_its_scans(make: Make) -> None:
    gate, file = make(fail_open=True), _slow()
    fetched = threading.Event()

    class Telling(Index):
        def download(self, file: RemoteFile, upstream: Upstream, /, *, to: BinaryIO, limit: int) -> int:
            fetched.set()
            return super().download(file, upstream, to=to, limit=limit)

    with ThreadPoolExecutor(1) as clients:
        asked = clients.submit(ask, gate, file, Telling(file))
        assert fetched.wait(30)
        gate.close()
        assert asked.result(30).outcome is Outcome.FAILED


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes as Linux shows them")
def test_a_scan_process_that_dies_is_replaced(make: Make, tmp_path: Path) -> None:
    gate = make()
    assert ask(gate, clean()).outcome is Outcome.ADMITTED
    assert _kill_children()
    assert ask(gate, malicious()).outcome is Outcome.BLOCKED


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes as Linux shows them")
def test_a_scan_that_always_dies_fails(make: Make) -> None:
    gate = make()
    with ThreadPoolExecutor(1) as clients:
        asked = clients.submit(ask, gate, _slow())
        while not wait([asked], timeout=0.05).done:
            _kill_children()
    assert asked.result().outcome is Outcome.FAILED


def _kill_children() -> int:
    tasks = Path("/proc/self/task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text().split()]
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    return len(children)


def test_what_was_fetched_ahead_is_reported_when_it_is_asked_for(make: Make, reports: list[Decision]) -> None:
    file, gate = malicious(), make()
    index = Index(file)
    index.held.clear()
    for _ in range(2):
        gate.expect(remote(file), UPSTREAM, project=file.project, fetcher=index)
    index.held.set()
    gate.expect(remote(file, hashes={}), UPSTREAM, project=file.project, fetcher=index)
    assert reports == []
    decision = ask(gate, file, index)
    assert index.fetched == [file.filename]
    assert reports == [decision]
    assert decision.outcome is Outcome.BLOCKED


def test_local_files_and_folders_are_judged(make: Make, tmp_path: Path, reports: list[Decision]) -> None:
    gate, bad = make(), malicious()
    (tmp_path / bad.filename).write_bytes(bad.data)
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "setup.py").write_text("from setuptools import setup\nsetup()\n")
    assert gate.inspect(tmp_path / bad.filename).outcome is Outcome.BLOCKED
    assert gate.inspect(tmp_path / "tree").outcome is Outcome.ADMITTED
    assert gate.inspect(tmp_path / "missing").outcome is Outcome.FAILED
    assert [each.filename for each in reports] == [bad.filename, "tree", "missing"]


def test_wrong_rules_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text("[[rule]]\nid = 'x'\n")
    with pytest.raises(RuleError):
        Gate(tmp_path / "spool", rules_dir=tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
def test_the_folder_is_private_and_goes_with_the_gate(make: Make, tmp_path: Path) -> None:
    gate = make()
    ask(gate, clean())
    (spool,) = (tmp_path / "spool").iterdir()
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "spool", spool)] == [0o700, 0o700]
    gate.close()
    assert list((tmp_path / "spool").iterdir()) == []


def test_folders_of_guards_that_were_killed_are_removed(make: Make, tmp_path: Path) -> None:
    left = tmp_path / "spool" / "spool-left"
    left.mkdir(parents=True, mode=0o700)
    (left / "lock").write_bytes(b"")
    (left / "file").write_bytes(b"x")
    first = make()
    make()
    assert not left.exists()
    assert len(list((tmp_path / "spool").iterdir())) == 2
    assert ask(first, clean()).outcome is Outcome.ADMITTED
