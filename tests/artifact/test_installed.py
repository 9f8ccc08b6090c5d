"""Installed distributions, found in environments that are laid out by hand and never run."""

from __future__ import annotations

from pathlib import Path

import pytest

from pydepgate.errors import ArtifactError
from tests.artifact.builders import CODE, METADATA, Opened

RECORD = b"""demo_pkg/__init__.py,,
demo_pkg/__pycache__/gone.cpython-311.pyc,,
"demo_pkg/with, comma.py",,
demo_pkg/gone.py,,
demo_startup.pth,,
../../../bin/demo,,
../../../../outside.py,,
demo_pkg-1.2.3.dist-info/METADATA,,
demo_pkg-1.2.3.dist-info/RECORD,,
"""


def environment(prefix: Path, site: str = "lib/python3.12/site-packages", record: bytes = RECORD) -> Path:
    """An environment with one distribution; returns its interpreter, an empty file."""
    files = {
        "demo_pkg/__init__.py": CODE,
        "demo_pkg/with, comma.py": CODE,
        "demo_startup.pth": b"import demo_pkg\n",
        "demo_pkg-1.2.3.dist-info/METADATA": METADATA,
        "demo_pkg-1.2.3.dist-info/RECORD": record,
        "demo_pkg_more-9.dist-info/METADATA": b"Name: demo-pkg-more\nVersion: 9\n",
    }
    for path, data in files.items():
        file = prefix / site / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    (prefix.parent / "outside.py").write_bytes(CODE)
    (prefix / "bin").mkdir()
    (prefix / "bin" / "demo").write_bytes(b"#!python\n")
    (prefix / "bin" / "python3.12").write_bytes(b"")
    (prefix / "pyvenv.cfg").write_bytes(b"home = /nowhere\n")
    return prefix / "bin" / "python3.12"


@pytest.mark.parametrize("name", ["demo-pkg", "Demo.Pkg", "DEMO_pkg"])
def test_files_of_the_record(tmp_path: Path, name: str) -> None:
    found = Opened(name, python=str(environment(tmp_path / "env")))
    info = found.info
    assert (info.path, info.kind, info.name, info.version) == (name, "installed", "demo-pkg", "1.2.3")
    assert found.files == {
        "demo_pkg/__init__.py": CODE,
        "demo_pkg/with, comma.py": CODE,
        "demo_startup.pth": b"import demo_pkg\n",
        "../../../bin/demo": b"#!python\n",
        "demo_pkg-1.2.3.dist-info/METADATA": METADATA,
        "demo_pkg-1.2.3.dist-info/RECORD": RECORD,
    }
    assert info.size == sum(map(len, found.files.values()))
    assert found.note("member.missing").file == "demo_pkg/gone.py"
    assert found.note("member.path").file == "../../../../outside.py"


@pytest.mark.parametrize(
    "site", ["lib/python3.12/site-packages", "lib64/python3.12/site-packages", "lib/python3/dist-packages",
             "local/lib/python3.12/dist-packages", "Lib/site-packages"],
)  # fmt: skip
def test_layouts_of_environments(tmp_path: Path, site: str) -> None:
    python = environment(tmp_path / "env", site)
    assert "demo_pkg/__init__.py" in Opened("demo-pkg", python=str(python)).files
    assert "demo_pkg/__init__.py" in Opened("demo-pkg", python=str(tmp_path / "env")).files


def test_an_environment_of_an_interpreter_that_is_a_link(tmp_path: Path) -> None:
    python = environment(tmp_path / "env")
    base = tmp_path / "base" / "bin" / "python3.12"
    base.parent.mkdir(parents=True)
    base.write_bytes(b"")
    python.unlink()
    python.symlink_to(base)
    assert Opened("demo-pkg", python=str(python)).info.version == "1.2.3"
    (tmp_path / "env" / "pyvenv.cfg").unlink()
    assert Opened("demo-pkg", python=str(python)).info.version == "1.2.3"


def test_system_packages_where_the_environment_includes_them(tmp_path: Path) -> None:
    environment(tmp_path / "base")
    inner = tmp_path / "inner"
    (inner / "bin").mkdir(parents=True)
    (inner / "bin" / "python").write_bytes(b"")
    settings = f"home = {tmp_path / 'base' / 'bin'}\ninclude-system-site-packages = "
    (inner / "pyvenv.cfg").write_text(settings + "true\n")
    assert Opened("demo-pkg", python=str(inner / "bin" / "python")).info.version == "1.2.3"
    (inner / "pyvenv.cfg").write_text(settings + "false\n")
    with pytest.raises(ArtifactError, match="no site-packages found"):
        Opened("demo-pkg", python=str(inner / "bin" / "python"))


def test_this_environment_is_searched_without_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment(tmp_path / "env")
    monkeypatch.syspath_prepend(str(tmp_path / "env/lib/python3.12/site-packages"))
    assert Opened("demo-pkg").info.kind == "installed"


def test_a_path_of_that_name_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python = environment(tmp_path / "env")
    (tmp_path / "demo-pkg").mkdir()
    monkeypatch.chdir(tmp_path)
    assert Opened("demo-pkg", python=str(python)).info.kind == "directory"


def test_no_such_distribution_or_interpreter(tmp_path: Path) -> None:
    python = str(environment(tmp_path / "env"))
    with pytest.raises(ArtifactError, match="no installed distribution of that name for"):
        Opened("demo", python=python)
    with pytest.raises(ArtifactError, match="no such interpreter"):
        Opened("demo-pkg", python=str(tmp_path / "nothing"))


def test_a_distribution_without_record_is_read_by_its_name(tmp_path: Path) -> None:
    found = Opened("demo-pkg", python=str(environment(tmp_path / "env", record=b"")))
    assert found.codes == {"installed.no-record"}
    assert {"demo_pkg/__init__.py", "demo_pkg-1.2.3.dist-info/METADATA"} <= set(found.files)


def test_an_editable_install_is_noted(tmp_path: Path) -> None:
    python = environment(tmp_path / "env")
    info = tmp_path / "env/lib/python3.12/site-packages/demo_pkg-1.2.3.dist-info"
    (info / "direct_url.json").write_text('{"url": "file:///src", "dir_info": {"editable":true}}')
    assert "installed.editable" in Opened("demo-pkg", python=str(python)).codes


@pytest.mark.parametrize(
    "record", [b"\0,,\n", b'"', b"\xff\xfe,,\n", b"/etc/passwd,,\n", b"a\rb,,\n" * 10, b"\x1b[2J,,\n"]
)
def test_hostile_records(tmp_path: Path, record: bytes) -> None:
    found = Opened("demo-pkg", python=str(environment(tmp_path / "env", record=record)))
    assert "/etc/passwd" not in found.files
    assert all(note.file.isprintable() for note in found.notes)


def test_a_hostile_pyvenv_cfg_is_only_text(tmp_path: Path) -> None:
    python = environment(tmp_path / "env")
    (tmp_path / "env" / "pyvenv.cfg").write_bytes(b"\xff\0=\ninclude-system-site-packages = true\nhome = \0\n")
    assert Opened("demo-pkg", python=str(python)).info.name == "demo-pkg"
