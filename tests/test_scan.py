"""Whole scans of fixtures through the Python door."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.attacks import ATTACK_FIXTURES, AttackFixture
from fixtures.benign import benign_egg, benign_sdists, benign_wheel, no_python_wheel
from fixtures.litellm_shape import litellm_wheel
from pydepgate import scan, scan_many
from pydepgate.model import Report, Severity, Stats, Verdict

LATER = {
    "cmdclass-process": "a harmless-looking process at install is only reviewed",
}
"""Attacks that are not blocked yet; each must leave this table as soon as it is."""


def _write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def _timeless(report: Report) -> Report:
    return replace(report, stats=Stats(report.stats.files, report.stats.bytes, report.stats.analysed))


@pytest.mark.parametrize("fixture", ATTACK_FIXTURES, ids=lambda fixture: fixture.name)
def test_attack_is_blocked(fixture: AttackFixture, tmp_path: Path) -> None:
    report = scan(_write(tmp_path, fixture.file_name, fixture.build()))
    assert (report.verdict is Verdict.BLOCK) == (fixture.name not in LATER)


def test_benign_wheel_passes(tmp_path: Path) -> None:
    report = scan(_write(tmp_path, "paperfold-1.4.0-py3-none-any.whl", benign_wheel()))
    assert (report.verdict, report.findings, report.notes) == (Verdict.PASS, (), ())


def test_benign_sdist_passes_in_every_container(tmp_path: Path) -> None:
    for name, data in benign_sdists().items():
        report = scan(_write(tmp_path, Path(name).name, data))
        assert (report.verdict, report.findings, report.notes) == (Verdict.PASS, (), ()), name
        assert (report.artifact.name, report.artifact.version) == ("paperfold", "1.4.0")


def test_benign_egg_passes(tmp_path: Path) -> None:
    report = scan(_write(tmp_path, "paperfold-1.4.0-py3.11.egg", benign_egg()))
    assert (report.verdict, report.artifact.kind) == (Verdict.PASS, "egg")


def test_wheel_without_python_passes_and_says_so(tmp_path: Path) -> None:
    report = scan(_write(tmp_path, "plainshapes_data-2.0.0-py3-none-any.whl", no_python_wheel()))
    assert report.verdict is Verdict.PASS
    assert [note.code for note in report.notes] == ["artifact.no-python"]


def test_fail_on_moves_the_block_level(tmp_path: Path) -> None:
    path = _write(tmp_path, "setup.py", b"import os\nos.system('make')\n")
    assert scan(path).verdict is Verdict.REVIEW
    assert scan(path, fail_on=Severity.LOW).verdict is Verdict.BLOCK


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_workers_do_not_change_the_report(workers: int, tmp_path: Path) -> None:
    path = _write(tmp_path, "a.whl", litellm_wheel())
    assert _timeless(scan(path, workers=workers)) == _timeless(scan(path))


def test_report_pickles(tmp_path: Path) -> None:
    report = scan(_write(tmp_path, "a.whl", litellm_wheel()))
    assert pickle.loads(pickle.dumps(report)) == report


@pytest.mark.parametrize("make", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_scan_many_with_any_executor(make: Callable[[int], Executor], tmp_path: Path) -> None:
    paths = [_write(tmp_path, "a.whl", litellm_wheel()), _write(tmp_path, "b.whl", benign_wheel())]
    one_by_one = [_timeless(report) for report in scan_many(paths)]
    assert [report.verdict for report in one_by_one] == [Verdict.BLOCK, Verdict.PASS]
    with make(2) as executor:
        assert [_timeless(report) for report in scan_many(paths, executor=executor)] == one_by_one


def test_progress_names_every_member(tmp_path: Path) -> None:
    seen: list[str] = []
    report = scan(
        _write(tmp_path, "a.whl", benign_wheel()), progress=lambda advance, path: seen.extend([path] * advance)
    )
    assert len(seen) == report.stats.files
