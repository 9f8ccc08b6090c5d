"""The command line as a whole: help, version, unknown words, and the real process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pydepgate import __version__
from pydepgate.cli import main

CONFTEST = Path(__file__).with_name("conftest.py")
STAND_IN = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("stand_in", {str(CONFTEST)!r})
stand_in = importlib.util.module_from_spec(spec)
spec.loader.exec_module(stand_in)
stand_in.install(sys.modules.__setitem__, stand_in.fake_scan)
from pydepgate.cli import main
sys.exit(main(sys.argv[1:]))
"""


def run(
    *arguments: str, code: str | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    start = ["-m", "pydepgate"] if code is None else ["-c", code]
    command = [sys.executable, *start, *arguments]
    return subprocess.run(command, capture_output=True, timeout=60, check=False, env=env)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_names_commands_examples_and_exit_statuses(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    out = capsys.readouterr().out
    for word in ("scan", "explain", "examples:", "exit status:", "--version"):
        assert word in out


@pytest.mark.parametrize("command", ["scan", "explain"])
def test_each_command_has_help_with_examples(command: str, rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    out = capsys.readouterr().out
    assert f"usage: pydepgate {command}" in out
    assert "examples:" in out
    assert "exit status" in out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"pydepgate {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["scna", "x"], "unknown command 'scna'; did you mean 'scan'?"),
        (["--versoin"], "unknown option '--versoin'; did you mean '--version'?"),
        (["scan", "x", "--peek-chian"], "unknown option '--peek-chian'; did you mean '--peek-chain'?"),
        (["scan", "x", "--outptu=y"], "unknown option '--outptu'; did you mean '--output'?"),
        (["scan"], "TARGET"),
        (["scan", "x", "--fail-on", "hihg"], "--fail-on: 'hihg' is none of"),
        (["scan", "x", "--fail-on"], "--fail-on: expected one argument"),
        (["scan", "-", "-"], "standard input (-) can be scanned only once"),
    ],
)
def test_wrong_arguments_are_one_line_and_status_3(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("pydepgate: error: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err


def test_an_abbreviated_option_is_not_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "x", "--min-sev", "low"]) == 3
    assert "did you mean '--min-severity'?" in capsys.readouterr().err


def test_python_m_pydepgate_runs() -> None:
    assert run("--version").stdout.decode().strip() == f"pydepgate {__version__}"
    unknown = run("scan", "x", "--pek")
    assert unknown.returncode == 3
    assert b"did you mean '--peek'?" in unknown.stderr


ENCODED = [("ascii", rb"\xef"), ("cp1252", b"\xef"), ("utf-8", "ï".encode())]


@pytest.mark.parametrize(("encoding", "expected"), ENCODED)
@pytest.mark.parametrize("form", ["text", "json"])
def test_an_output_that_lacks_characters_does_not_crash(encoding: str, expected: bytes, form: str) -> None:
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = run("scan", "block.whl", "--format", form, code=STAND_IN, env=environment)
    assert (done.returncode, done.stderr) == (2, b"")
    if form == "json":
        assert json.loads(done.stdout)["findings"][0]["file"] == "pkg/naïve—\N{SNAKE}.py"
    else:
        assert b"pkg/na" + expected + b"ve" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break otherwise there")
@pytest.mark.parametrize("form", ["text", "jsonl", "json"])
def test_a_reader_that_goes_away_is_no_error(form: str) -> None:
    targets = ["block.whl"] * 3000
    with subprocess.Popen(
        [sys.executable, "-c", STAND_IN, "scan", "--format", form, *targets],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 2


def test_no_standard_output_at_all_is_no_crash() -> None:
    closing = "import sys; sys.stdout = None\n" + STAND_IN
    done = run("scan", "review.whl", code=closing)
    assert (done.returncode, done.stderr) == (1, b"")


def test_starting_does_not_import_what_only_some_commands_need() -> None:
    code = "import sys; from pydepgate.cli import main; main(['--version']); print(*sys.modules)"
    modules = set(run(code=code).stdout.decode().split())
    assert not modules & {"argparse", "json", "tomllib", "difflib", "ast", "importlib.metadata", "rich"}
