"""What holds for every scan: nothing scanned runs, and the answer depends on nothing but the artifact."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fixtures.archives import wheel
from fixtures.catalogue import CATALOGUE, write
from pydepgate import scan
from pydepgate.cli import main
from pydepgate.report.json import report_to_dict
from pydepgate.workers import INTERPRETERS, PROCESSES, THREADS, best_kind

ATTACK = b"import base64\nexec(base64.b64decode('cHJpbnQoJ2hlbGxvJyk='))\n"
AUDITED = Path(__file__).with_name("audited.py")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Every fixture there is, written to disk."""
    folder = tmp_path_factory.mktemp("fixtures")
    return sorted({write(fixture, folder) for fixture in CATALOGUE})


@dataclass(frozen=True)
class Audit:
    """What `audited.py` printed."""

    statuses: list[int]
    written: int
    errors: str
    allowed: dict[str, int]
    forbidden: list[str]
    misdeeds: dict[str, list[str]]


@pytest.fixture(scope="module")
def audit(files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """The whole command line over every fixture, and over a folder and an installed distribution."""
    planted = tmp_path_factory.mktemp("planted")
    (planted / "planted.py").write_text("RAN = True\n")
    paths = [str(file) for file in files]
    runs = [
        ["scan", *paths, "--peek", "--peek-chain"],
        ["scan", *paths, "--format", "json", "--workers", "2"],
        ["scan", str(files[0].parent), str(planted), "--ci"],
        ["scan", "iniconfig", "--python", sys.executable, "--format", "jsonl"],
        ["explain", "--list"],
    ]
    return audited(runs, planted)


def audited(runs: list[list[str]], planted: Path) -> Audit:
    """What the audit hook notices while the command line is run."""
    done = subprocess.run(
        [sys.executable, str(AUDITED), str(planted)],
        input=json.dumps(runs),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Audit(**json.loads(done.stdout))


def test_nothing_scanned_is_run_and_nothing_is_started_opened_or_written(audit: Audit) -> None:
    assert audit.forbidden == []
    assert "subprocess.Popen" not in audit.allowed


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel that is worth several workers of any kind."""
    size = max(kind.worth for kind in (THREADS, INTERPRETERS, PROCESSES)) // 50
    files = {f"pkg/module{number}.py": b"#" * size for number in range(52)}
    path = tmp_path_factory.mktemp("large") / "pkg-1.0-py3-none-any.whl"
    path.write_bytes(wheel("pkg", "1.0", {"pkg/__init__.py": ATTACK, **files}))
    return path


@pytest.mark.parametrize(("count", "started"), [("1", 0), ("2", 2)])
def test_the_only_processes_are_workers_of_large_scans(count: str, started: int, large: Path) -> None:
    audit = audited([["scan", str(large), "--format", "json", "--workers", count]], large.parent)
    assert audit.forbidden == []
    assert audit.statuses == [2]
    assert audit.allowed.get("subprocess.Popen", 0) == (started if best_kind() is PROCESSES else 0)


def test_the_audited_scans_did_their_work(audit: Audit, files: list[Path]) -> None:
    assert audit.statuses == [3, 3, 2, 0, 0]
    assert "internal error" not in audit.errors
    assert audit.written > 1_000_000
    assert audit.allowed["compile"] > 2 * len(files), "ast.parse raises this event"
    assert audit.allowed["open"] > 2 * len(files)


def test_the_hook_notices_what_it_forbids(audit: Audit) -> None:
    assert len(audit.misdeeds) > 15
    assert [name for name, noticed in audit.misdeeds.items() if not noticed] == []


def documents(files: list[Path], *options: str) -> list[dict[str, Any]]:
    """The JSON reports on all files, without what they may differ in: the time they took."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()):
        main(["scan", *map(str, files), "--format", "json", *options])
    reports: list[dict[str, Any]] = json.loads(out.getvalue())["reports"]
    for report in reports:
        del report["stats"]["seconds"]
    return reports


@pytest.fixture(scope="module")
def plain(files: list[Path]) -> list[dict[str, Any]]:
    """The reports of one worker, with nothing shown but the verdict and what led to it."""
    return documents(files, "--workers", "1")


@pytest.mark.parametrize(
    "options",
    [
        ("--workers", "2", "--ci"),
        ("--workers", "4"),
        ("--peek", "--peek-chain", "--no-color"),
    ],
    ids=" ".join,
)
def test_options_that_only_show_or_speed_up_change_nothing(
    options: tuple[str, ...], files: list[Path], plain: list[dict[str, Any]]
) -> None:
    assert len(plain) > 150
    assert documents(files, *options) == plain


def shuffled(archive: Path) -> bytes:
    """The same zip with its members in the opposite order."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(buffer, "w") as new:
        for member in reversed(old.infolist()):
            new.writestr(member, old.read(member))
    return buffer.getvalue()


def test_the_order_of_members_changes_no_finding(files: list[Path], tmp_path: Path) -> None:
    compared = blocked = 0
    for file in files:
        if "broken" in file.parts or not zipfile.is_zipfile(file):
            continue
        other = tmp_path / str(compared) / file.name
        other.parent.mkdir()
        other.write_bytes(shuffled(file))
        first, second = (report_to_dict(scan(path)) for path in (file, other))
        assert first["findings"] == second["findings"], file.name
        assert first["verdict"] == second["verdict"]
        compared += 1
        blocked += first["verdict"] == "block"
    assert compared >= 20
    assert blocked >= 10


def test_a_wheel_and_its_unpacked_folder_have_the_same_findings(files: list[Path], tmp_path: Path) -> None:
    compared = 0
    for file in files:
        if file.suffix != ".whl" or "broken" in file.parts:
            continue
        folder = tmp_path / str(compared) / file.stem
        with zipfile.ZipFile(file) as archive:
            archive.extractall(folder)
        packed, unpacked = scan(file), scan(folder)
        assert packed.findings == unpacked.findings, file.name
        compared += 1
    assert compared >= 10
