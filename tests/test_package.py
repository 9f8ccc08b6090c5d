"""The wheel as users get it: built by the real backend, installed into an empty environment, run from there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Sequence
from email.parser import BytesParser
from pathlib import Path

import pytest

import pydepgate
from fixtures.litellm_shape import FILE_NAME, PROXY_PATH, litellm_wheel
from pydepgate import scan
from pydepgate.detect import SIGNALS
from pydepgate.judge.compiled import read_compiled
from pydepgate.judge.rules import load_rules
from pydepgate.report.json import render_json

ROOT = Path(__file__).parents[1]
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")


def run(command: Sequence[str | Path], *, folder: Path, status: int = 0) -> str:
    """Run a command in a folder, without any setting of this project's; return what it wrote."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYDEPGATE_"))}
    done = subprocess.run(command, cwd=folder, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout; pip gets the build backend from the package index."""
    folder = tmp_path_factory.mktemp("dist")
    run([*PIP, "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT], folder=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the commands of an environment that holds the installed wheel and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=os.name != "nt")
    commands = folder / ("Scripts" if os.name == "nt" else "bin")
    offline = ("--no-index", "--find-links", wheel.parent)
    run([*PIP, "--python", commands / "python", "install", "--quiet", *offline, "pydepgate"], folder=folder)
    return commands


def test_what_the_wheel_holds(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        headers = BytesParser().parsebytes(archive.read(metadata))
        compiled = archive.read("pydepgate/data/rules.json")
        shipped = {name: archive.read(name) for name in names if name.startswith("pydepgate/rules/")}
    assert shipped == {f"pydepgate/rules/{file.name}": file.read_bytes() for file in (ROOT / "rules").iterdir()}
    assert shipped
    assert read_compiled(compiled) == load_rules(known_signals=frozenset(SIGNALS))
    assert {"pydepgate/report/schema-v1.json", "pydepgate/py.typed", "pydepgate/__main__.py"} <= names
    assert {name.split("/")[0] for name in names} == {"pydepgate", metadata.split("/")[0]}
    assert metadata.replace("METADATA", "licenses/LICENSE") in names
    assert headers["Version"] == pydepgate.__version__
    assert headers["Requires-Python"] == ">=3.11"
    required = headers.get_all("Requires-Dist", [])
    assert [line for line in required if "extra ==" not in line] == []


@pytest.mark.parametrize("command", [("pydepgate",), ("python", "-m", "pydepgate")], ids=" ".join)
def test_an_installed_copy_gives_the_same_report(
    command: Sequence[str], environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / FILE_NAME).write_bytes(litellm_wheel())
    arguments = (*command[1:], "scan", FILE_NAME, "--format", "json")
    reported = json.loads(run([environment / command[0], *arguments], folder=tmp_path, status=2))
    monkeypatch.chdir(tmp_path)
    expected = json.loads(render_json([scan(FILE_NAME)]))
    del reported["stats"]["seconds"], expected["stats"]["seconds"]
    assert reported == expected
    layers = [finding["payload"]["layers"] for finding in reported["findings"] if finding["file"] == PROXY_PATH]
    assert [{"codec": "base64", "in": 34_460, "out": 25_844}] in layers


def test_an_installed_copy_explains_its_rules_and_says_its_version(environment: Path, tmp_path: Path) -> None:
    listed = run([environment / "pydepgate", "explain", "--list"], folder=tmp_path)
    assert "decode-then-execute" in listed
    assert run([environment / "pydepgate", "--version"], folder=tmp_path) == f"pydepgate {pydepgate.__version__}\n"
