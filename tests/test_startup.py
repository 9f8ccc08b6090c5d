"""What is imported and compiled before a scan looks at a file: start-up counts for a hook before every installation."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pydepgate.regex import regex

SOURCES = Path(__file__).parents[1] / "src" / "pydepgate"

FOR_FEW = "concurrent.futures configparser csv importlib.resources logging pickletools tempfile tomllib".split()
"""Modules of the standard library that most scans have no use for."""

WHERE_CODE_IS_LOOKED_AT = ("pydepgate.analyse", "pydepgate.detect.catalogue", "pydepgate.payload", "pydepgate.source")
WHERE_SOMETHING_WAS_SEEN = ("pydepgate.judge",)


def test_the_pipeline_imports_what_every_scan_needs() -> None:
    code = "import sys, pydepgate.cli.scan, pydepgate.scanner, pydepgate.report.text; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    late = (*WHERE_CODE_IS_LOOKED_AT, *WHERE_SOMETHING_WAS_SEEN)
    assert "pydepgate.scanner" in modules
    assert modules.isdisjoint(FOR_FEW)
    assert [name for name in modules if name.startswith(late)] == []


def test_no_pattern_is_compiled_at_import() -> None:
    compiling = [file.name for file in SOURCES.rglob("*.py") if "re.compile(" in file.read_text(encoding="utf-8")]
    assert sorted(compiling) == ["quiet.py", "regex.py"]


def test_a_pattern_is_compiled_when_it_is_first_used(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[tuple[object, ...]] = []
    really = re.compile

    def compile_noted(*source: Any) -> re.Pattern[Any]:
        compiled.append(source)
        return really(*source)

    monkeypatch.setattr(re, "compile", compile_noted)
    pattern = regex("a(b+)", re.IGNORECASE)
    assert compiled == []
    assert pattern.findall("ABB ab") == ["BB", "b"]
    assert pattern.fullmatch("abc") is None
    assert [match[1] for match in pattern.finditer("ab")] == ["b"]
    assert regex(b"x").sub(b"y", b"axa") == b"aya"
    assert compiled == [("a(b+)", re.IGNORECASE), (b"x", 0)]


def test_a_wrong_pattern_is_an_error_when_it_is_used() -> None:
    with pytest.raises(re.error):
        regex("(").search("")
