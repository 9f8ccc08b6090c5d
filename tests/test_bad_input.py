"""Input that cannot be scanned, or not as a whole: one clear line, the right exit status, never a traceback."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fixtures.archives import wheel, zip_archive
from fixtures.broken import encrypted
from fixtures.catalogue import select, write
from pydepgate.cli import main
from pydepgate.model import Verdict

PASS, BLOCK, FAILED = 0, 2, 3
MODULE = b'"""Nothing in it."""\n'
ATTACK = b"import base64\nexec(base64.b64decode('cHJpbnQoJ2hlbGxvJyk='))\n"


@dataclass(frozen=True)
class Outcome:
    """What a scan returned and wrote."""

    status: int
    out: str
    err: str

    def error_line(self) -> str:
        """The one line on standard error of a scan that failed, and said nothing else."""
        assert self.status == FAILED
        assert self.out == ""
        (line,) = self.err.splitlines()
        assert line.startswith("pydepgate: error: ")
        return line

    def report(self) -> dict[str, Any]:
        """The JSON report of a scan that succeeded without a word on standard error."""
        assert self.err == ""
        report: dict[str, Any] = json.loads(self.out)
        assert Verdict(report["verdict"]).exit_status == self.status
        return report

    def notes(self) -> dict[str, dict[str, str]]:
        """The notes of the report by their code."""
        return {note["code"]: note for note in self.report()["notes"]}


class Terminal:
    """Standard output that says it is a terminal, so that colour is on."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        """Keep the text."""
        self.text += text
        return len(text)

    def flush(self) -> None:
        """There is nothing to wait for."""

    def isatty(self) -> bool:
        """Whether colour is welcome: yes."""
        return True

    def fileno(self) -> int:
        """There is no descriptor, and so no width."""
        raise OSError


class Scan:
    """Runs `pydepgate scan`, in JSON if nothing else is asked for."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, target: str | Path, *options: str) -> Outcome:
        """Scan the target with the options."""
        status = main(["scan", os.fspath(target), *(options or ("--format", "json"))])
        captured = self._capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        assert "internal error" not in captured.err
        assert "\x1b" not in captured.out + captured.err
        return Outcome(status, captured.out, captured.err)


@pytest.fixture
def scanned(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Scan:
    """The command line, free of the settings of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("PYDEPGATE_") or name == "NO_COLOR"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TERM", "xterm")
    return Scan(capsys)


def broken(name: str, folder: Path) -> Path:
    """Write the broken fixture of that name."""
    (fixture,) = select([f"broken/{name}"])
    return write(fixture, folder)


@pytest.mark.parametrize("name", ["nothing-1.0-py3-none-any.whl", "nothing.py", "no/such/folder", "no-such-package-00"])
def test_no_such_file(name: str, tmp_path: Path, scanned: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    line = scanned(name).error_line()
    assert "no such file" in line
    assert name in line


def test_a_folder_without_python(tmp_path: Path, scanned: Scan) -> None:
    (tmp_path / "notes.txt").write_text("Words.\n")
    outcome = scanned(tmp_path)
    assert outcome.status == PASS
    assert outcome.notes()["artifact.no-python"]["message"] == "holds no Python source"


def test_an_empty_folder(tmp_path: Path, scanned: Scan) -> None:
    outcome = scanned(tmp_path)
    assert outcome.status == PASS
    assert "artifact.no-python" in outcome.notes()


@pytest.mark.parametrize("name", ["empty-1.0-py3-none-any.whl", "empty-1.0.tar.gz", "empty.zip", "empty.egg"])
def test_an_empty_file_that_is_called_an_archive(name: str, tmp_path: Path, scanned: Scan) -> None:
    (tmp_path / name).write_bytes(b"")
    assert "is empty" in scanned(tmp_path / name).error_line()


def test_an_empty_python_file_is_python(tmp_path: Path, scanned: Scan) -> None:
    (tmp_path / "empty.py").write_bytes(b"")
    outcome = scanned(tmp_path / "empty.py")
    assert outcome.status == PASS
    assert outcome.report()["artifact"]["kind"] == "python"


def test_empty_standard_input(scanned: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull, encoding="utf-8") as nothing:  # noqa: PTH123
        monkeypatch.setattr(sys, "stdin", nothing)
        assert "standard input is empty" in scanned("-").error_line()


def test_an_archive_by_name_alone(tmp_path: Path, scanned: Scan) -> None:
    assert "is not an archive" in scanned(broken("not-an-archive", tmp_path)).error_line()


def test_a_truncated_zip_is_read_as_far_as_it_goes(tmp_path: Path, scanned: Scan) -> None:
    outcome = scanned(broken("truncated-wheel", tmp_path))
    assert "no sound central directory" in outcome.notes()["archive.truncated"]["message"]
    assert outcome.report()["stats"]["analysed"] > 0


def test_an_attack_in_a_truncated_zip_is_found(tmp_path: Path, scanned: Scan) -> None:
    whole = wheel("pkg", "1.0", {"pkg/__init__.py": ATTACK, "pkg/zz.py": b"# filler\n" * 1000})
    (tmp_path / "pkg-1.0-py3-none-any.whl").write_bytes(whole[: len(whole) // 2])
    assert scanned(tmp_path / "pkg-1.0-py3-none-any.whl").status == BLOCK


@pytest.mark.parametrize("size", [5, 20, 40])
def test_a_zip_of_which_hardly_anything_is_left(size: int, tmp_path: Path, scanned: Scan) -> None:
    file = tmp_path / "cut-1.0-py3-none-any.whl"
    file.write_bytes(wheel("cut", "1.0", {"cut.py": MODULE})[:size])
    assert "nothing in this zip can be read" in scanned(file).error_line()


@pytest.mark.parametrize("name", ["truncated-tar", "truncated-tar-gz"])
def test_a_truncated_tar_is_read_as_far_as_it_goes(name: str, tmp_path: Path, scanned: Scan) -> None:
    outcome = scanned(broken(name, tmp_path))
    assert "archive.truncated" in outcome.notes()
    assert outcome.report()["stats"]["analysed"] > 0


def test_each_encrypted_member_is_named(tmp_path: Path, scanned: Scan) -> None:
    outcome = scanned(broken("encrypted-wheel", tmp_path))
    notes = [note for note in outcome.report()["notes"] if note["code"] == "member.encrypted"]
    assert {note["message"] for note in notes} == {"is encrypted and was not read"}
    assert "encrypted/__init__.py" in {note["file"] for note in notes}


def test_encryption_hides_only_what_is_encrypted(tmp_path: Path, scanned: Scan) -> None:
    both = zip_archive({"locked.zip": encrypted(zip_archive({"a.py": ATTACK})), "setup.py": ATTACK})
    (tmp_path / "both.zip").write_bytes(both)
    outcome = scanned(tmp_path / "both.zip")
    assert outcome.status == BLOCK
    assert outcome.notes()["member.encrypted"]["file"] == "locked.zip!/a.py"


def test_a_wheel_without_dist_info(tmp_path: Path, scanned: Scan) -> None:
    outcome = scanned(broken("wheel-without-dist-info", tmp_path))
    assert outcome.status == PASS
    assert ".dist-info" in outcome.notes()["wheel.no-dist-info"]["message"]
    assert outcome.report()["artifact"]["name"] == ""


def test_a_wheel_without_dist_info_is_judged_all_the_same(tmp_path: Path, scanned: Scan) -> None:
    file = tmp_path / "bare-1.0-py3-none-any.whl"
    file.write_bytes(zip_archive({"bare/__init__.py": ATTACK}))
    assert scanned(file).status == BLOCK


def test_a_member_whose_name_is_not_utf_8(tmp_path: Path, scanned: Scan) -> None:
    outcome = scanned(broken("tar-name-not-utf-8", tmp_path))
    note = outcome.notes()["member.path"]
    assert note["file"] == "folder-1.0/caf\\xe9.py"
    assert "is not UTF-8" in note["message"]


def latin_1(folder: Path, name: str) -> str:
    """A path whose last part is Latin-1, where the file system takes one."""
    path = os.fsencode(folder) + b"/" + name.encode("latin-1")
    try:
        with open(path, "wb"):  # noqa: PTH123
            pass
    except OSError:
        pytest.skip("file names are UTF-8 here")
    return os.fsdecode(path)


def test_a_target_whose_name_is_not_utf_8(tmp_path: Path, scanned: Scan) -> None:
    target = latin_1(tmp_path, "café.py")
    Path(target).write_bytes(ATTACK)
    outcome = scanned(target)
    assert outcome.status == BLOCK
    assert outcome.report()["artifact"]["path"].endswith("caf\\xe9.py")
    assert "caf\\xe9.py" in scanned(target, "--format", "text").out


def test_a_file_in_a_folder_whose_name_is_not_utf_8(tmp_path: Path, scanned: Scan) -> None:
    Path(latin_1(tmp_path, "café.py")).write_bytes(ATTACK)
    outcome = scanned(tmp_path)
    assert outcome.notes()["member.path"]["file"] == "caf\\xe9.py"
    assert {finding["file"] for finding in outcome.report()["findings"]} == {"caf\\xe9.py"}


def test_an_error_about_a_name_that_is_not_utf_8(tmp_path: Path, scanned: Scan) -> None:
    target = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9-1.0-py3-none-any.whl")
    assert "caf\\xe9-1.0" in scanned(target).error_line()


@pytest.mark.parametrize("name", ["zip-terminal-escape", "tar-terminal-escape"])
@pytest.mark.parametrize("options", [(), ("--format", "text", "--peek", "--peek-chain")], ids=["json", "text"])
def test_a_member_whose_name_steers_the_terminal(
    name: str, options: Sequence[str], tmp_path: Path, scanned: Scan
) -> None:
    outcome = scanned(broken(name, tmp_path), *options)  # the fixture refuses an escape in the output
    assert outcome.status != FAILED
    assert "x1b[2J" in outcome.out
    assert "has control or invisible characters" in " ".join(outcome.out.split())
    assert not [line for line in outcome.out.splitlines() if line.startswith("verdict:")]


def test_colour_lets_no_escape_of_a_name_through(
    tmp_path: Path, scanned: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "terminal/\x1b[2J\x1b]0;safe\x07\x9b1mverdict.py"
    file = tmp_path / "terminal-1.0-py3-none-any.whl"
    file.write_bytes(wheel("terminal", "1.0", {name: ATTACK, "terminal/__init__.py": MODULE}))
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    main(["scan", str(file), "--peek", "--peek-chain"])
    assert "\x1b[" in terminal.text, "colour is on"
    assert "terminal/\\x1b[2J\\x1b]0;safe\\x07\\x9b1mverdict.py" in terminal.text
    plain = "".join(piece.partition("m")[2] for piece in f"\x1b[m{terminal.text}".split("\x1b[")[1:])
    assert not [char for char in plain if char != "\n" and (ord(char) < 32 or 127 <= ord(char) < 160)]


def test_an_error_about_a_name_that_steers_the_terminal(tmp_path: Path, scanned: Scan) -> None:
    assert "\\x1b[2J" in scanned(tmp_path / "\x1b[2Jgone.whl").error_line()


def test_one_bad_target_does_not_spoil_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    attack = tmp_path / "attack.py"
    attack.write_bytes(ATTACK)
    assert main(["scan", str(tmp_path / "gone.whl"), str(attack), "--format", "jsonl"]) == FAILED
    captured = capsys.readouterr()
    assert [json.loads(line)["verdict"] for line in captured.out.splitlines()] == ["block"]
    assert len(captured.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["scan"], "TARGET"),
        (["scan", "x", "--peak"], "--peek"),
        (["scan", "x", "--format", "xml"], "none of text, json, jsonl"),
        (["scan", "x", "--max-members", "none"], "whole number"),
        (["scan", "x", "--rules", "no-such-folder"], "no-such-folder"),
        (["scna", "x"], "scan"),
        (["explain", "decode-than-execute"], "decode-then-execute"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_arguments(arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == FAILED
    captured = capsys.readouterr()
    assert captured.out == ""
    assert word in captured.err
    assert len(captured.err.splitlines()) == 1
