"""`pydepgate explain`: one rule, or all of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pydepgate.cli import main


def test_a_rule_is_explained_whole(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "decode-then-execute"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Decoded data is executed as code\ndecode-then-execute (exec)\n")
    condition = """\
Matches, in one file:
  all of
    flow.decode-to-exec
    any of
      net.*
      inner.net.connect
    none of
      exec.call
"""
    assert condition in out
    assert "  inner.net.connect    inside a payload: a connection is opened\n" in out
    assert "  import       critical\n  call         medium\n" in out
    for word in ("What is hidden by an encoding is run.", "Do not install it.", "T1027", "dynamic-execution"):
        assert word in out
    assert "Matches: pkg/__init__.py:\n  if True:\n      exec(b)\n" in out
    assert "Does not match: a.py:\n  x = 1\n" in out


def test_examples_are_escaped(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["explain", "decode-then-execute"])
    out = capsys.readouterr().out
    assert r"exec(decode('\x1b[31m'))" in out
    assert "\x1b" not in out


def test_a_rule_as_json(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "decode-then-execute", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["rule"] == "decode-then-execute"
    assert document["severity"] == {"import": "critical", "call": "medium"}
    assert document["when"] == {
        "all": ["flow.decode-to-exec", {"any": ["net.*", "inner.net.connect"]}, {"not": ["exec.call"]}]
    }
    assert document["signals"] == {
        "exec.call": "code is executed",
        "flow.decode-to-exec": "decoded data is executed",
        "inner.net.connect": "inside a payload: a connection is opened",
        "net.*": "any signal of the family net",
    }
    assert document["bad"][1] == {"path": "pkg/__init__.py", "code": "if True:\n    exec(b)"}


def test_the_list_has_every_rule_with_its_worst_severity(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "decode-then-execute  critical  Decoded data is executed as code",
        "dynamic-execution    low       Code is built at run time",
    ]
    assert main(["explain", "--list", "--format", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed[1] == {"rule": "dynamic-execution", "severity": "low", "title": "Code is built at run time"}


@pytest.mark.parametrize("by_variable", [True, False])
def test_own_rules_count(
    by_variable: bool,
    rules: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "x.toml").write_text('[[rule]]\nid = "dynamic-execution"\nseverity = {import = "high"}\n')
    monkeypatch.setenv("PYDEPGATE_FORMAT", "nonsense of scans")
    if by_variable:
        monkeypatch.setenv("PYDEPGATE_RULES", str(own))
    assert main(["explain", "--list", *([] if by_variable else ["--rules", str(own)])]) == 0
    assert "dynamic-execution    high " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["decode-than-execute"], "unknown rule 'decode-than-execute'; did you mean 'decode-then-execute'?"),
        ([], "give either the id of a rule or --list"),
        (["x", "--list"], "give either the id of a rule or --list"),
        (["--lits"], "unknown option '--lits'; did you mean '--list'?"),
        (["--list", "--format", "xml"], "'xml' is none of text, json"),
        (["--list", "--rules", "/nonexistent"], "/nonexistent: not a directory"),
    ],
)
def test_wrong_arguments_are_one_line_and_status_3(
    arguments: list[str], message: str, rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", *arguments]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert message in captured.err
