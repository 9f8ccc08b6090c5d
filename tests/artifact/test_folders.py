"""Directories, and targets that are no files."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from pydepgate.artifact import open_artifact
from pydepgate.errors import ArtifactError
from tests.artifact.builders import CODE, EGG_FILES, METADATA, WHEEL_FILES, Opened, make_zip


def lay_out(folder: Path, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


def test_a_folder_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    files = {"b/z.py": CODE, "a.py": CODE, "b/a.py": CODE, "b.py": CODE, "PKG-INFO": METADATA}
    lay_out(tmp_path, files)
    found = Opened(tmp_path)
    assert found.files == files
    assert [member.path for member in found.members] == ["PKG-INFO", "a.py", "b.py", "b/a.py", "b/z.py"]
    assert not found.notes
    info = found.info
    assert (info.kind, info.name, info.version, info.sha256) == ("directory", "demo-pkg", "1.2.3", "")
    assert info.size == sum(map(len, files.values()))


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        (WHEEL_FILES, "directory"),
        (EGG_FILES, "egg"),
        ({"src/a.py": CODE, "a.egg-info/PKG-INFO": METADATA}, "directory"),
    ],
)
def test_name_of_an_unpacked_package(tmp_path: Path, files: dict[str, bytes], kind: str) -> None:
    lay_out(tmp_path, files)
    info = Opened(tmp_path).info
    assert (info.kind, info.name, info.version) == (kind, "demo-pkg", "1.2.3")


def test_a_folder_without_python_is_fine(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"x")
    assert Opened(tmp_path).files == {"notes.txt": b"x"}
    (tmp_path / "empty").mkdir()
    assert Opened(tmp_path / "empty").items == []


def test_version_control_and_environments_are_left_out(tmp_path: Path) -> None:
    lay_out(tmp_path, {".git/config": b"", "env/pyvenv.cfg": b"", "env/lib/a.py": CODE, "a.py": CODE})
    lay_out(tmp_path, {"pkg/pyvenv.cfg": b"", "pkg/__init__.py": CODE, "__pycache__/a.pyc": b"x"})
    found = Opened(tmp_path)
    assert set(found.files) == {"a.py", "pkg/pyvenv.cfg", "pkg/__init__.py", "__pycache__/a.pyc"}
    assert {note.file for note in found.notes if note.code == "folder.skipped"} == {".git", "env"}


def test_the_folder_that_was_asked_for_is_read_even_as_an_environment(tmp_path: Path) -> None:
    lay_out(tmp_path, {"pyvenv.cfg": b"", "a.py": CODE})
    assert set(Opened(tmp_path).files) == {"pyvenv.cfg", "a.py"}


def test_links_are_noted_and_not_followed(tmp_path: Path) -> None:
    inside = tmp_path / "tree"
    lay_out(tmp_path, {"tree/a.py": CODE, "secret.py": CODE})
    (inside / "link.py").symlink_to("../secret.py")
    (inside / "loop").symlink_to(inside, target_is_directory=True)
    found = Opened(inside)
    assert set(found.files) == {"a.py"}
    assert {note.file: note.message for note in found.notes}["link.py"].endswith("../secret.py")
    assert {note.code for note in found.notes} == {"member.link"}
    (tmp_path / "other").symlink_to(inside)
    assert set(Opened(tmp_path / "other").files) == {"a.py"}


def test_fifos_and_sockets_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.py")
        found = Opened(tmp_path)
    assert found.files == {}
    assert {note.file: note.message for note in found.notes} == {
        "pipe.py": "is a FIFO and was not opened",
        "socket.py": "is a socket and was not opened",
    }


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_unreadable_files_are_noted(tmp_path: Path) -> None:
    lay_out(tmp_path, {"a.py": CODE, "b/c.py": CODE})
    (tmp_path / "a.py").chmod(0)
    (tmp_path / "b").chmod(0)
    try:
        found = Opened(tmp_path)
    finally:
        (tmp_path / "b").chmod(0o700)
    assert {note.file for note in found.notes if note.code == "member.unreadable"} == {"a.py", "b"}


def test_a_file_that_disappears_is_noted(tmp_path: Path) -> None:
    lay_out(tmp_path, {"a.py": CODE, "b.py": CODE})
    with open_artifact(tmp_path) as artifact:
        members = artifact.members()
        next(members)
        (tmp_path / "b.py").unlink()
        assert [getattr(item, "code", "") for item in members] == ["member.unreadable"]


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/caf\xe9\x1b.py"
    Path(os.fsdecode(raw)).write_bytes(CODE)
    found = Opened(tmp_path)
    assert found.files == {"caf\\xe9\\x1b.py": CODE}
    assert found.note("member.path").file == "caf\\xe9\\x1b.py"
    alone = Opened(os.fsdecode(raw))
    assert alone.files == {"caf\\xe9\\x1b.py": CODE}
    assert alone.info.path.endswith("caf\\xe9\\x1b.py")


def test_archives_in_a_folder_are_opened(tmp_path: Path) -> None:
    lay_out(tmp_path, {"dist/a.whl": make_zip(WHEEL_FILES)})
    assert "dist/a.whl!/demo_pkg/__init__.py" in Opened(tmp_path).files


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("no/such/file.whl", "no such file or folder: no/such/file.whl"),
        ("missing.whl", "no such file or folder"),
        ("missing.py", "no such file or folder"),
        ("no-such-distribution-xyz", "pip download --no-deps no-such-distribution-xyz"),
        ("bad\x1bname", "no such file or folder: bad\\\\x1bname"),
        ("bad\0name", "cannot be read"),
        ("", "no such file or folder"),
        ("x" * 5000, "cannot be read"),
        (os.devnull, "is a character device"),
    ],
)
def test_no_such_target(target: str, line: str) -> None:
    with pytest.raises(ArtifactError, match=line) as caught:
        Opened(target)
    assert str(caught.value).isprintable()


def test_a_fifo_as_target_does_not_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.py")
    with pytest.raises(ArtifactError, match="is a FIFO"):
        Opened(tmp_path / "a.py")
