"""A scanner that answers by the name of its target, so that the command line is tested by itself."""

from __future__ import annotations

import importlib
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pydepgate.errors import ArtifactError
from pydepgate.model import ArtifactInfo, Finding, Payload, Report, Runs, Severity, Stats, Verdict

SIGNALS = {
    "exec.call": "code is executed",
    "net.connect": "a connection is opened",
    "flow.decode-to-exec": "decoded data is executed",
}

RULES = """
[[rule]]
id = "decode-then-execute"
title = "Decoded data is executed as code"
attack = ["T1027", "T1059.006"]
why = "What is hidden by an encoding is run."
action = "Do not install it."
supersedes = ["dynamic-execution"]
[rule.when]
all = ["flow.decode-to-exec", {any = ["net.*", "inner.net.connect"]}]
not = ["exec.call"]
scope = "file"
[rule.severity]
import = "critical"
call = "medium"
[[rule.bad]]
path = "setup.py"
code = "exec(decode('\\u001b[31m'))"
[[rule.bad]]
path = "pkg/__init__.py"
code = '''
if True:
    exec(b)'''
[[rule.good]]
path = "a.py"
code = "x = 1"
[[rule.good]]
path = "b.py"
code = "y = 1"

[[rule]]
id = "dynamic-execution"
title = "Code is built at run time"
attack = []
why = "w"
action = "a"
when = {all = ["exec.call"]}
severity = {call = "low"}
bad = [{path = "a.py", code = "exec(x)"}, {path = "b.py", code = "exec(y)"}]
good = [{path = "a.py", code = "x"}, {path = "b.py", code = "y"}]
"""


def finding(severity: Severity, *, content: bytes | None = None) -> Finding:
    payload = Payload(
        line=1,
        column=1,
        form="str",
        length=12,
        layers=(),
        final="text",
        size=9,
        sha256="ab" * 32,
        preview=b"decoded \xff",
        content=content,
    )
    return Finding(
        rule=f"rule-{severity.label}",
        title=f"Title {severity.label}",
        severity=severity,
        runs=Runs.IMPORT,
        file="pkg/naïve—\N{SNAKE}.py",
        line=3,
        column=4,
        message="It is bad.",
        payload=payload,
    )


def fake_scan(target: str, /, **options: Any) -> Report:
    """Give what the target's name says: `block`, `review`, `pass`, `broken`, `crash`, `interrupt`."""
    name = Path(target).stem
    severities: tuple[Severity, ...] = ()
    match name.partition("-")[0]:
        case "broken":
            raise ArtifactError(f"{target}: not an archive\x1b[2J")
        case "crash":
            raise RuntimeError("a fault\x1b[2J")
        case "interrupt":
            raise KeyboardInterrupt
        case "review":
            severities = (Severity.LOW, Severity.INFO)
        case "block":
            severities = (Severity.CRITICAL, Severity.LOW)
    worst = max(severities, default=None)
    fail_on = options["fail_on"]
    answer = Verdict.PASS if worst is None else Verdict.BLOCK if worst >= fail_on else Verdict.REVIEW
    kept = b"decoded \xff" if options["keep_content"] else None
    return Report(
        artifact=ArtifactInfo(path=target, kind="wheel", name="pkg", version="1", sha256="cd" * 32),
        verdict=answer,
        findings=tuple(finding(severity, content=kept) for severity in severities),
        stats=Stats(files=1, bytes=2, analysed=1, seconds=0.5),
    )


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Puts the stand-in for the scanner in place; gives the list of its calls."""
    calls: list[tuple[str, dict[str, Any]]] = []

    def scan(target: str, /, **options: Any) -> Report:
        calls.append((target, options))
        return fake_scan(target, **options)

    install(lambda name, module: monkeypatch.setitem(sys.modules, name, module), scan)
    return calls


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that stands in for the shipped rules, and the signals they may name."""
    directory = tmp_path / "shipped"
    directory.mkdir()
    (directory / "exec.toml").write_text(RULES)
    monkeypatch.setattr("pydepgate.judge.rules.shipped_directory", lambda: directory)
    detect = types.ModuleType("pydepgate.detect")
    vars(detect)["SIGNALS"] = SIGNALS
    importlib.import_module("pydepgate.cli.explain")  # the real one, to be put back afterwards
    monkeypatch.setitem(sys.modules, "pydepgate.detect", detect)
    monkeypatch.delitem(sys.modules, "pydepgate.cli.explain")
    return directory


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("PYDEPGATE_") or name in ("NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name)


def install(put: Callable[[str, types.ModuleType], object], scan: Callable[..., Report]) -> None:
    """Make `from pydepgate.scanner import scan` give `scan`."""
    scanner = types.ModuleType("pydepgate.scanner")
    vars(scanner)["scan"] = scan
    put("pydepgate.scanner", scanner)
