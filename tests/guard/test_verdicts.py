"""What the cache of verdicts keeps, and what it survives."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pydepgate.cli.cache import run
from pydepgate.guard.kept import Kept
from pydepgate.guard.rules_version import rules_version, scan_version
from pydepgate.guard.verdicts import FILE_NAME, KEEP_SECONDS, Known, Verdicts
from pydepgate.limits import Limits
from pydepgate.model import Finding, Runs, Severity, Verdict

HASH = "0f" * 32
FINDING = Finding("rule", "Title", Severity.HIGH, Runs.INSTALL, "setup.py", 3, 4, "message", ("e",), ("T1027",))
KNOWN = Known(Verdict.BLOCK, (FINDING,), 17, 0.5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "caches" / "pydepgate"
    with Verdicts.in_folder(folder) as verdicts:
        verdicts.put(HASH, KNOWN, filename="a.whl", version="1")
    return folder


def _get(folder: Path, *, filename: str = "a.whl", version: str = "1") -> Known | None:
    with Verdicts.in_folder(folder) as verdicts:
        return verdicts.get(HASH, filename=filename, version=version)


def test_a_verdict_outlives_the_process(folder: Path) -> None:
    assert _get(folder) == KNOWN


def test_a_verdict_is_of_one_name_and_one_version_of_the_rules(folder: Path) -> None:
    assert _get(folder, filename="a.zip") is None
    assert _get(folder, version="2") is None


def test_several_processes_write_at_once(folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from pydepgate.guard.verdicts import *\n"
        "verdicts = Verdicts.in_folder(Path(sys.argv[1])); name = sys.argv[2]\n"
        "[verdicts.put(f'{n:064x}', Known(Verdict.PASS), filename=name, version='1') for n in range(20)]\n"
        "verdicts.close()\n"
    )
    started = [subprocess.Popen([sys.executable, "-c", program, str(folder), str(number)]) for number in range(3)]
    assert [process.wait() for process in started] == [0, 0, 0]
    with Verdicts.in_folder(folder) as verdicts:
        assert verdicts.contents().by_verdict == {"block": 1, "pass": 60}


@pytest.mark.parametrize("damage", [b"no database at all", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_set_aside_and_made_anew(damage: bytes, folder: Path) -> None:
    (folder / FILE_NAME).write_bytes(damage)
    assert _get(folder) is None
    assert (folder / f"{FILE_NAME}.damaged").read_bytes() == damage
    with Verdicts.in_folder(folder) as verdicts:
        verdicts.put(HASH, KNOWN, filename="a.whl", version="1")
    assert _get(folder) == KNOWN


@pytest.mark.parametrize("column", ["verdict", "findings"])
def test_a_row_that_makes_no_sense_is_no_verdict(column: str, folder: Path) -> None:
    with sqlite3.connect(folder / FILE_NAME) as database:
        database.execute(f"UPDATE verdicts SET {column} = '[[1]]'")
    database.close()
    assert _get(folder) is None
    assert (folder / f"{FILE_NAME}.damaged").exists()


def test_damage_that_shows_later_is_survived(folder: Path) -> None:
    with Verdicts.in_folder(folder) as verdicts:
        data = bytearray((folder / FILE_NAME).read_bytes())
        data[100:] = b"\xff" * (len(data) - 100)
        (folder / FILE_NAME).write_bytes(data)
        os.utime(folder / FILE_NAME)
        assert verdicts.get("ff" * 32, filename="a.whl", version="1") is None
        verdicts.put(HASH, KNOWN, filename="a.whl", version="1")
    assert _get(folder) in (KNOWN, None)


def test_without_a_folder_verdicts_are_kept_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with Verdicts.in_folder(tmp_path / "file") as verdicts:
        verdicts.put(HASH, KNOWN, filename="a.whl", version="1")
        assert verdicts.path is None
        assert verdicts.get(HASH, filename="a.whl", version="1") == KNOWN


def test_what_nobody_asks_for_is_dropped(tmp_path: Path) -> None:
    now = [1_000_000.0]
    for name in ("old.whl", "used.whl"):
        with Verdicts(tmp_path / FILE_NAME, clock=lambda: now[0]) as verdicts:
            verdicts.put(HASH, KNOWN, filename=name, version="1")
    now[0] += KEEP_SECONDS - 10
    with Verdicts(tmp_path / FILE_NAME, clock=lambda: now[0]) as verdicts:
        assert verdicts.get(HASH, filename="used.whl", version="1") == KNOWN
    now[0] += 20
    with Verdicts(tmp_path / FILE_NAME, clock=lambda: now[0]):
        pass
    with Verdicts(tmp_path / FILE_NAME, clock=lambda: now[0]) as verdicts:
        assert verdicts.get(HASH, filename="old.whl", version="1") is None
        assert verdicts.get(HASH, filename="used.whl", version="1") == KNOWN


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
def test_only_the_user_can_read_it(folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / FILE_NAME).stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_verdicts_of_another_user_are_not_believed(folder: Path) -> None:
    os.chown(folder / FILE_NAME, 12345, 12345)
    assert _get(folder) is None


def test_the_version_is_that_of_program_rules_and_options(tmp_path: Path) -> None:
    rule = tmp_path / "own.toml"
    rule.write_text("# nothing")
    plain, own = rules_version(), rules_version(rules_dir=tmp_path)
    rule.write_text("# changed")
    options = {"rules": plain, "limits": Limits(), "fail_on": Severity.HIGH}
    versions = {
        scan_version(**options),  # type: ignore[arg-type]
        scan_version(**{**options, "fail_on": Severity.LOW}),  # type: ignore[arg-type]
        scan_version(**{**options, "limits": replace(Limits(), nesting=1)}),  # type: ignore[arg-type]
    }
    assert len({plain, own, rules_version(rules_dir=tmp_path)}) == 3
    assert len(versions) == 3
    assert rules_version() == plain


def test_kept_files_are_pruned_by_use(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "files", most=2_000)
    for number in range(5):
        source = tmp_path / str(number)
        source.write_bytes(bytes(500))
        os.utime(source, (number, number))
        kept.put(f"{number:064x}", source, size=500)
    assert kept.link(f"{0:064x}", tmp_path / "again")
    kept.prune()
    assert kept.contents() == (4, 2_000)
    assert kept.link(f"{0:064x}", tmp_path / "and again")
    assert not kept.link(f"{1:064x}", tmp_path / "gone")


def test_what_is_too_large_is_not_kept(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "files", most=2_000)
    (tmp_path / "large").write_bytes(bytes(501))
    kept.put(HASH, tmp_path / "large", size=501)
    assert kept.contents() == (0, 0)


def test_the_cache_command_shows_and_clears(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYDEPGATE_CACHE_DIR", str(folder))
    (folder / "a").write_bytes(b"abc")
    kept = Kept.in_folder(folder)
    assert kept is not None
    kept.put(HASH, folder / "a", size=3)
    assert run([]) == 0
    shown = capsys.readouterr().out
    assert str(folder) in shown
    assert "1 (1 block)" in shown
    assert "1, 3 bytes" in shown
    assert run(["--clear", "--format", "json"]) == 0
    assert '"cleared": true' in capsys.readouterr().out
    assert run(["--format", "json"]) == 0
    assert capsys.readouterr().out.count('"entries": 0') == 2


def test_the_cache_command_makes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYDEPGATE_CACHE_DIR", str(tmp_path / "none"))
    assert run(["--clear"]) == 0
    assert not (tmp_path / "none").exists()
    assert "verdicts  0" in capsys.readouterr().out
