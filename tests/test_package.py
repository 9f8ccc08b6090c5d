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
from typing import Any

import pytest

import pydepgate
from fixtures.litellm_shape import FILE_NAME, PROXY_PATH, PTH_PATH, litellm_wheel

ROOT = Path(__file__).parents[1]
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
Payload = dict[str, Any]
"""A payload, or a whole report, as the JSON has it."""


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
        shipped = {name: archive.read(name) for name in names if name.startswith("pydepgate/rules/")}
    assert shipped == {f"pydepgate/rules/{file.name}": file.read_bytes() for file in (ROOT / "rules").iterdir()}
    assert shipped
    assert {"pydepgate/report/schema-v1.json", "pydepgate/py.typed", "pydepgate/__main__.py"} <= names
    assert {name.split("/")[0] for name in names} == {"pydepgate", metadata.split("/")[0]}
    assert metadata.replace("METADATA", "licenses/LICENSE") in names
    assert headers["Version"] == pydepgate.__version__
    assert headers["Requires-Python"] == ">=3.11"
    required = headers.get_all("Requires-Dist", [])
    assert [line for line in required if "extra ==" not in line] == []


def test_the_installed_command_scans_with_nothing_but_itself(environment: Path, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(litellm_wheel())
    for command in ([environment / "pydepgate"], [environment / "python", "-m", "pydepgate"]):
        written = run([*command, "scan", FILE_NAME, "--format", "json"], folder=tmp_path, status=2)
        document = json.loads(written)
        assert document["verdict"] == "block"
        check_proxy(payload_at(document, PROXY_PATH, line=130, column=14))
        check_startup(payload_at(document, PTH_PATH, line=1, column=87))
    listed = run([environment / "pydepgate", "explain", "--list"], folder=tmp_path)
    assert "decode-then-execute" in listed
    assert run([environment / "pydepgate", "--version"], folder=tmp_path) == f"pydepgate {pydepgate.__version__}\n"


def payload_at(document: Payload, file: str, *, line: int, column: int) -> Payload:
    """The payload of the literal that stands there, of whichever finding."""
    found = [
        finding["payload"]
        for finding in document["findings"]
        if finding["file"] == file and finding["payload"] is not None
    ]
    return next(payload for payload in found if (payload["line"], payload["column"]) == (line, column))


def child_at(payload: Payload, *, line: int, column: int) -> Payload:
    """The nested payload of the literal that stands there."""
    children: list[Payload] = payload["children"]
    return next(child for child in children if (child["line"], child["column"]) == (line, column))


def values(payload: Payload, kind: str) -> list[str]:
    """The indicators of that kind, by offset."""
    return [indicator["value"] for indicator in payload["indicators"] if indicator["kind"] == kind]


def check_base64_python(payload: Payload, *, size_in: int, size_out: int) -> None:
    assert payload["length"] == size_in
    assert payload["layers"] == [{"codec": "base64", "in": size_in, "out": size_out}]
    assert payload["final"] == "python-source"
    assert payload["size"] == size_out


def check_proxy(first: Payload) -> None:
    """The whole tree below the literal of `proxy_server.py`."""
    check_base64_python(first, size_in=34_460, size_out=25_844)
    assert values(first, "import")[:5] == ["subprocess", "tempfile", "os", "base64", "sys"]
    assert values(first, "pem") == ["rsa-public-key, 4096 bits, 550 bytes DER"]
    second = child_at(first, line=22, column=13)
    check_base64_python(second, size_in=23_044, size_out=17_281)
    assert {"/etc/passwd", ".ssh/id_rsa"} <= set(values(second, "path"))
    assert "AWS_SECRET_ACCESS_KEY" in values(second, "environment")
    third = child_at(second, line=278, column=16)
    check_base64_python(third, size_in=1_500, size_out=1_125)
    assert {"subprocess", "urllib.request"} <= set(values(third, "import"))


def check_startup(payload: Payload) -> None:
    """The command of the `.pth` line, and the same tree below it."""
    assert (payload["length"], payload["size"], payload["layers"]) == (34_501, 34_501, [])
    assert payload["final"] == "python-source"
    check_proxy(child_at(payload, line=1, column=38))
