"""Any number and kind of workers give the same answer, in the same order, whatever happens to them."""

from __future__ import annotations

import gc
import io
import pickle
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from fixtures.archives import tar_archive, wheel, zip_archive
from fixtures.catalogue import CATALOGUE, write
from pydepgate import scan, workers
from pydepgate.ahead import AHEAD_ITEMS, BATCH_MEMBERS, look_over
from pydepgate.analyse import analyse_member, lost_member
from pydepgate.artifact import open_artifact
from pydepgate.artifact.artifact import Found, Place
from pydepgate.collector import GARBAGE_OBJECTS, rare_collections
from pydepgate.elsewhere import ProcessWorker
from pydepgate.errors import ArtifactError
from pydepgate.limits import Limits
from pydepgate.model import FileFacts, Member, Note
from pydepgate.report.json import render_json
from pydepgate.workers import PROCESSES, THREADS, Crew, Job, Kind, deeply, hired
from tests.deadly import deadly, digest, failing, lost_digest

KINDS = {"threads": THREADS, "processes": PROCESSES}
if sys.version_info >= (3, 14):
    KINDS["interpreters"] = workers.INTERPRETERS

ATTACK = b"import base64\nexec(base64.b64decode('cHJpbnQoJ2hlbGxvJyk='))\n"
MODULE = b"def double(value):\n    return 2 * value\n"
INNER = {"a.py": ATTACK, "deep.zip": zip_archive({"b.py": MODULE}), "c.py": b"print 'old'\n"}
FILES = {
    **{f"pkg/module{number}.py": MODULE * (number % 3) for number in range(2 * BATCH_MEMBERS)},
    "pkg/large.py": ATTACK + b"#" * 300_000,
    "pkg/nested.zip": zip_archive(INNER),
    "pkg/nested.tar": tar_archive(INNER),
    "pkg/empty.txt": b"",
    "pkg/bell.py": b"x = '\\a'\n" + ATTACK,
    "pkg/chain.py": b"x = y" + b".z" * 3_000 + b"\n",
    "pkg/library.so": b"\x7fELF\2\1\1" + bytes(9_000),
}


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One package in every form in which it is read differently, and a damaged one."""
    folder = tmp_path_factory.mktemp("artifacts")
    data = wheel("pkg", "1.0", FILES)
    forms = {
        "wheel": ("pkg-1.0-py3-none-any.whl", data),
        "cut": ("cut-1.0-py3-none-any.whl", data[: len(data) * 9 // 10]),
        "tar": ("pkg-1.0.tar.gz", tar_archive({f"pkg-1.0/{path}": content for path, content in FILES.items()})),
    }
    found = {name: folder / file for name, (file, _) in forms.items()}
    for name, (_, content) in forms.items():
        found[name].write_bytes(content)
    found["folder"] = folder / "unpacked"
    for path, content in FILES.items():
        target = found["folder"] / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return found


def job(limits: Limits = Limits()) -> Job[FileFacts]:
    return Job(partial(analyse_member, limits=limits), lost_member)


@contextmanager
def crew_of(kind: str) -> Iterator[Crew]:
    """Two workers that start for any work."""
    with hired(2, replace(KINDS[kind], worth=0)) as crew:
        yield crew


@contextmanager
def alone() -> Iterator[Crew]:
    with hired(1) as crew:
        yield crew


def seen(target: Path, crew: Crew, limits: Limits = Limits()) -> list[Found[FileFacts] | Note]:
    with open_artifact(target, limits=limits) as artifact:
        return list(look_over(artifact, job(limits), crew))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_sees_the_same(kind: str, artifacts: dict[str, Path]) -> None:
    with alone() as one, crew_of(kind) as two:
        for name, target in artifacts.items():
            expected = seen(target, one)
            assert seen(target, two) == expected, name
    assert len(expected) > BATCH_MEMBERS
    facts = [found.made for found in expected if isinstance(found, Found)]
    assert "pkg/nested.tar!/deep.zip!/b.py" in {each.path for each in facts}


@pytest.mark.parametrize(
    "limits",
    [
        Limits(artifact_bytes=70_000),
        Limits(artifact_bytes=330_000),
        Limits(member_bytes=500),
        Limits(members=100),
        Limits(members=140),
        Limits(nesting=1),
    ],
    ids=str,
)
def test_limits_end_at_the_same_place(limits: Limits, artifacts: dict[str, Path]) -> None:
    for name, target in artifacts.items():
        with open_artifact(target, limits=limits) as artifact:
            expected = [digest(item) if isinstance(item, Member) else item for item in artifact.members()]
            for count in (1, 2):
                with hired(count, replace(THREADS, worth=0)) as crew:
                    found = list(look_over(artifact, Job(digest, lost_digest), crew))
                assert [each.made if isinstance(each, Found) else each for each in found] == expected, name


@pytest.mark.parametrize("kind", KINDS)
def test_reports_are_the_same_byte_for_byte(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "best_kind", lambda: replace(KINDS[kind], worth=0))
    compared = 0
    for fixture in CATALOGUE[3 :: len(CATALOGUE) // 6]:
        target = write(fixture, tmp_path)
        try:
            one, two = (scan(target, workers=count) for count in (1, 2))
        except ArtifactError:
            continue
        assert text_of(one) == text_of(two)
        compared += 1
    assert compared > 3


def text_of(report: object) -> str:
    text = "".join(render_json(iter([report])))  # type: ignore[arg-type]
    return text.partition('"seconds"')[0]


def test_standard_input_is_read_by_workers_too(artifacts: dict[str, Path]) -> None:
    data = artifacts["wheel"].read_bytes()
    found = []
    for count in (1, 2):
        with (
            open_artifact("-", stdin=io.BytesIO(data)) as artifact,
            hired(count, replace(PROCESSES, worth=0)) as crew,
        ):
            found.append(list(look_over(artifact, job(), crew)))
    assert found[0] == found[1]


def test_more_members_than_are_known_ahead(tmp_path: Path) -> None:
    target = tmp_path / "many.zip"
    sizes = range(2 * AHEAD_ITEMS + 5)
    target.write_bytes(zip_archive({f"{number:04}.txt": b"x" * (number % 9) for number in sizes}))
    with crew_of("threads") as crew, open_artifact(target) as artifact:
        found = list(look_over(artifact, Job(digest, lost_digest), crew))
    assert [each.made for each in found if isinstance(each, Found)] == [
        (f"{n:04}.txt", b"x" * (n % 9), n % 9) for n in sizes
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_members_are_looked_at_again(kind: str, artifacts: dict[str, Path]) -> None:
    task = Job(digest, lost_digest)
    with crew_of(kind) as crew:
        for target in artifacts.values():
            with open_artifact(target, limits=Limits(artifact_bytes=330_000)) as artifact:
                first = [each for each in look_over(artifact, task, crew) if isinstance(each, Found)]
                wanted: dict[Place, int] = {each.place: each.ceiling for each in first[-1::-5]}
                again = list(look_over(artifact, task, crew, again=wanted))
            found = [each for each in again if isinstance(each, Found) and each.place in wanted]
            assert found == [each for each in first if each.place in wanted]
            assert len(again) < len(first)


def test_who_kills_a_worker_is_reported_and_the_rest_goes_on(tmp_path: Path) -> None:
    files = {f"pkg/{number:03}.py": MODULE for number in range(200)}
    files |= {"pkg/007.py": b"# deadly", "pkg/150.py": b"# deadly"}
    target = tmp_path / "pkg-1.0-py3-none-any.whl"
    target.write_bytes(zip_archive(files))
    with crew_of("processes") as crew, open_artifact(target) as artifact:
        found = list(look_over(artifact, Job(deadly, lost_member), crew))
    facts = [each.made for each in found if isinstance(each, Found)]
    assert [each.path for each in facts] == list(files)
    assert [each.path for each in facts if each.notes] == ["pkg/007.py", "pkg/150.py"]
    assert {note.code for each in facts for note in each.notes} == {"worker.died"}


def test_what_was_not_checked_is_never_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_memory(member: Member, **_: object) -> FileFacts:
        raise MemoryError

    monkeypatch.setattr("pydepgate.analyse.analyse_member", out_of_memory)
    target = tmp_path / "module.py"
    target.write_bytes(MODULE)
    report = scan(target)
    assert [note.code for note in report.notes] == ["worker.died"]
    assert [finding.rule for finding in report.findings] == ["unreadable-archive"]


def test_a_worker_that_is_killed_from_outside_is_replaced(artifacts: dict[str, Path]) -> None:
    with alone() as one:
        expected = seen(artifacts["wheel"], one)
    found: list[Found[FileFacts] | Note] = []
    processes: list[ProcessWorker] = []
    with started(processes) as crew, open_artifact(artifacts["wheel"]) as artifact:
        for each in look_over(artifact, job(), crew):
            if len(found) < 3:
                processes[len(found) % 2].process.kill()
            found.append(each)
    assert found == expected
    assert all(each.process.poll() is not None for each in processes)


@contextmanager
def started(processes: list[ProcessWorker]) -> Iterator[Crew]:
    """Two processes; the list gets them, and all that are started in their place."""

    def start() -> ProcessWorker:
        processes.append(ProcessWorker())
        return processes[-1]

    with hired(2, Kind(start, 0, stops=True)) as crew:
        yield crew


def test_an_interrupt_leaves_no_process_behind(artifacts: dict[str, Path]) -> None:
    processes: list[ProcessWorker] = []

    def interrupted() -> None:
        with started(processes) as crew, open_artifact(artifacts["wheel"]) as artifact:
            for _ in look_over(artifact, job(), crew):
                signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert processes
    assert all(each.process.poll() is not None for each in processes)


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_job_raises_comes_back(kind: str, artifacts: dict[str, Path]) -> None:
    with (
        pytest.raises(LookupError, match="large"),
        crew_of(kind) as crew,
        open_artifact(artifacts["wheel"]) as artifact,
    ):
        list(look_over(artifact, Job(failing, lost_member), crew))


def test_without_processes_the_work_is_done_all_the_same(artifacts: dict[str, Path]) -> None:
    def start() -> ProcessWorker:
        raise PermissionError

    with alone() as one, hired(2, Kind(start, 0, stops=True)) as two:
        assert seen(artifacts["wheel"], two) == seen(artifacts["wheel"], one)


def test_nothing_is_started_for_little_work(artifacts: dict[str, Path]) -> None:
    def start() -> ProcessWorker:
        raise AssertionError

    with hired(2, Kind(start, 1_000_000)) as crew:
        assert seen(artifacts["wheel"], crew)
        assert crew.started == ()


def test_a_file_that_is_exchanged_amid_the_scan_ends_it(artifacts: dict[str, Path], tmp_path: Path) -> None:
    target = tmp_path / "pkg-1.0-py3-none-any.whl"
    target.write_bytes(artifacts["wheel"].read_bytes())
    with crew_of("processes") as crew, open_artifact(target) as artifact:
        other = tmp_path / "other"
        other.write_bytes(target.read_bytes())
        other.replace(target)
        with pytest.raises(ArtifactError, match="changed"):
            list(look_over(artifact, job(), crew))


def test_deep_source_does_not_depend_on_the_callers_stack() -> None:
    source = b"x = " + b"-" * 1_500 + b"1\ny = 1" + b"+1" * 960 + b"\n"

    def deeper(levels: int) -> FileFacts:
        if levels:
            return deeper(levels - 1)
        return deeply(analyse_member, Member("deep.py", source, len(source)), daemon=True)

    assert deeper(0) == deeper(500)


def test_stack_size_and_collector_are_as_before() -> None:
    before = (threading.stack_size(), gc.get_threshold())
    with rare_collections():
        with rare_collections():
            assert gc.get_threshold()[0] == max(before[1][0], GARBAGE_OBJECTS)
        deeply(len, "", daemon=True)
        assert gc.get_threshold()[0] == max(before[1][0], GARBAGE_OBJECTS)
    assert (threading.stack_size(), gc.get_threshold()) == before


def test_a_collector_that_is_off_or_was_set_meanwhile_stays_so() -> None:
    before = gc.get_threshold()
    try:
        gc.set_threshold(0)
        with rare_collections():
            assert gc.get_threshold()[0] == 0
        gc.set_threshold(1_000)
        with rare_collections():
            gc.set_threshold(5)
        assert gc.get_threshold()[0] == 5
    finally:
        gc.set_threshold(*before)


def test_facts_pickle_small(artifacts: dict[str, Path]) -> None:
    with alone() as one:
        facts = seen(artifacts["wheel"], one)
    assert len(pickle.dumps(facts)) < sum(map(len, FILES.values()))
