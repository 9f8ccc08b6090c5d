"""Rule files: reading, overriding, and every way in which they can be wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pydepgate.errors import RuleError
from pydepgate.judge.condition import Has
from pydepgate.judge.rule import Scope
from pydepgate.judge.rules import OPTIONAL_KEYS, REQUIRED_KEYS, Example, load_guides, load_rules, shipped_directory
from pydepgate.model import Runs, Severity

KNOWN = frozenset({"exec.call", "net.connect", "flow.decode-to-exec"})

EXAMPLES = """
[[rule.bad]]
path = "setup.py"
code = '''exec(x)'''
[[rule.bad]]
path = "pkg/__init__.py"
code = "exec(y)"
[[rule.good]]
path = "pkg/__init__.py"
code = "x = 1"
[[rule.good]]
path = "tests/test_x.py"
code = "exec(z)"
"""

RULE = """
[[rule]]
id = "run-code"
title = "Code is run"
attack = ["T1059.006"]
why = "It runs what it is given."
action = "Read it."
[rule.when]
all = ["exec.call"]
[rule.severity]
install = "critical"
import = "high"
call = "low"
"""


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that stands in for the shipped rules, holding one rule."""
    directory = tmp_path / "shipped"
    directory.mkdir()
    (directory / "exec.toml").write_text(RULE + EXAMPLES)
    monkeypatch.setattr("pydepgate.judge.rules.shipped_directory", lambda: directory)
    return directory


@pytest.fixture
def own(tmp_path: Path) -> Path:
    directory = tmp_path / "own"
    directory.mkdir()
    return directory


def test_a_rule_is_read_as_written(shipped: Path) -> None:
    (guide,) = load_guides(known_signals=KNOWN)
    rule = guide.rule
    assert (rule,) == load_rules(known_signals=KNOWN)
    assert (rule.id, rule.title, rule.family) == ("run-code", "Code is run", "exec")
    assert rule.when == Has("exec.call")
    assert rule.scope is Scope.PLACE
    assert rule.severity == (
        (Runs.INSTALL, Severity.CRITICAL),
        (Runs.IMPORT, Severity.HIGH),
        (Runs.CALL, Severity.LOW),
    )
    assert rule.severity_at(Runs.STARTUP) is None
    assert rule.severity_at(Runs.IMPORT) is Severity.HIGH
    assert rule.worst is Severity.CRITICAL
    assert guide.action == "Read it."
    assert guide.bad == (Example("setup.py", "exec(x)"), Example("pkg/__init__.py", "exec(y)"))
    assert len(guide.good) == 2


def test_the_shipped_directory_is_inside_the_package_or_the_checkout() -> None:
    directory = shipped_directory()
    assert directory.name == "rules"
    assert directory.is_dir()


def test_rules_come_sorted_by_id_whatever_file_they_are_in(shipped: Path) -> None:
    (shipped / "another.toml").write_text((RULE + EXAMPLES).replace("run-code", "zz-last"))
    (shipped / "zebra.toml").write_text((RULE + EXAMPLES).replace("run-code", "aa-first"))
    assert [rule.id for rule in load_rules(known_signals=KNOWN)] == ["aa-first", "run-code", "zz-last"]


def test_no_shipped_rules_is_an_error_not_a_pass(shipped: Path) -> None:
    (shipped / "exec.toml").unlink()
    with pytest.raises(RuleError, match="installation is incomplete"):
        load_rules(known_signals=KNOWN)


def test_user_rules_are_added_and_their_examples_may_be_few(shipped: Path, own: Path) -> None:
    (own / "mine.toml").write_text(RULE.replace("run-code", "mine"))
    with pytest.raises(RuleError, match="missing 'bad', 'good'"):
        load_rules(extra=own, known_signals=KNOWN)
    (own / "mine.toml").write_text(RULE.replace("run-code", "mine").replace('why = "', 'bad = []\ngood = []\nwhy = "'))
    added, _ = load_guides(extra=own, known_signals=KNOWN)
    assert (added.rule.id, added.rule.family, added.bad) == ("mine", "mine", ())


def test_an_override_changes_only_the_keys_it_gives(shipped: Path, own: Path) -> None:
    (before,) = load_guides(known_signals=KNOWN)
    (own / "mine.toml").write_text(
        '[[rule]]\nid = "run-code"\ntitle = "Mine"\nseverity = {import = "info", call = "none"}\n'
    )
    (after,) = load_guides(extra=own, known_signals=KNOWN)
    rule = after.rule
    assert rule.title == "Mine"
    assert rule.severity == ((Runs.INSTALL, Severity.CRITICAL), (Runs.IMPORT, Severity.INFO))
    assert (rule.when, rule.why, rule.family) == (before.rule.when, before.rule.why, "exec")
    assert (after.action, after.bad, after.good) == (before.action, before.bad, before.good)


def test_enabled_false_switches_a_rule_off(shipped: Path, own: Path) -> None:
    (own / "mine.toml").write_text('[[rule]]\nid = "run-code"\nenabled = false\n')
    assert load_rules(extra=own, known_signals=KNOWN) == ()


def test_a_switched_off_rule_may_still_be_superseded(shipped: Path, own: Path) -> None:
    other = (RULE + EXAMPLES).replace("run-code", "other")
    (shipped / "other.toml").write_text(other.replace("why =", 'supersedes = ["run-code"]\nwhy ='))
    (own / "mine.toml").write_text('[[rule]]\nid = "run-code"\nenabled = false\n')
    (rule,) = load_rules(extra=own, known_signals=KNOWN)
    assert (rule.id, rule.supersedes) == ("other", ("run-code",))


WHEN = 'all = ["exec.call"]'
FIRST_BAD = """[[rule.bad]]
path = "setup.py"
code = '''exec(x)'''"""

WRONG = [
    ('title = "Code is run"', 'titel = "Code is run"', "unknown key 'titel'; did you mean 'title'?"),
    ('title = "Code is run"', "", "missing 'title'"),
    ('title = "Code is run"', 'title = " "', "'title' must be a text that is not empty"),
    ('title = "Code is run"', "title = 3", "'title' must be a text that is not empty"),
    (WHEN, 'all = ["exec.cal"]', "unknown signal 'exec.cal'; did you mean 'exec.call'?"),
    (WHEN, 'al = ["exec.call"]', "unknown key 'al' in 'when'; did you mean 'all'?"),
    (WHEN, f'{WHEN}\nscop = "file"', "unknown key 'scop' in 'when'; did you mean 'scope'?"),
    (WHEN, f'{WHEN}\nscope = "fiel"', "unknown scope 'fiel'; did you mean 'file'?"),
    (WHEN, f"{WHEN}\nscope = 3", "unknown scope 3"),
    (WHEN, 'not = ["exec.call"]', "must ask for at least one signal"),
    ('import = "high"', 'import = "hihg"', "unknown severity 'hihg'; did you mean 'high'?"),
    ('import = "high"', "import = 3", "unknown severity 3"),
    ('import = "high"', 'imprt = "high"', "unknown time of running 'imprt'; did you mean 'import'?"),
    ('["T1059.006"]', '["1059"]', "'1059' in 'attack' is no ATT&CK technique"),
    ('["T1059.006"]', '"T1059"', "'attack' must be a list of texts"),
    ("why =", 'supersedes = ["run-cod"]\nwhy =', "unknown rule 'run-cod' in 'supersedes'; did you mean"),
    ("why =", 'enabled = "yes"\nwhy =', "'enabled' must be true or false"),
    ('path = "setup.py"', 'pth = "setup.py"', "unknown key 'pth' in 'bad'; did you mean 'path'?"),
    ('code = "x = 1"', "", "each 'good' example needs the texts 'path' and 'code'"),
    (FIRST_BAD, "", "at least 2 'bad' examples are needed, 1 given"),
]


@pytest.mark.parametrize(("right", "wrong", "message"), WRONG)
def test_a_wrong_rule_names_file_rule_and_the_nearest_word(shipped: Path, right: str, wrong: str, message: str) -> None:
    text = RULE + EXAMPLES
    assert right in text
    file = shipped / "exec.toml"
    file.write_text(text.replace(right, wrong, 1))
    with pytest.raises(RuleError) as caught:
        load_rules(known_signals=KNOWN)
    assert str(caught.value).startswith(f"{file}: rule 'run-code': ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RULE + EXAMPLES, "duplicate id, also in"),
        (RULE.replace("run-code", "Run Code") + EXAMPLES, "'id' must be lower-case words joined by hyphens"),
        (RULE.replace('id = "run-code"', "") + EXAMPLES, "'id' must be lower-case words joined by hyphens"),
        ("[[rules]]\nid = 'x'\n", "unknown key 'rules'; did you mean 'rule'?"),
        ("rule = 3\n", "'rule' must be an array of tables"),
        ("[[rule]\n", "cannot be read"),
        ("[rule]\nid = 'x'\n", "'rule' must be an array of tables"),
    ],
)
def test_a_wrong_file_is_named(shipped: Path, text: str, message: str) -> None:
    file = shipped / "further.toml"
    file.write_text(text)
    with pytest.raises(RuleError) as caught:
        load_rules(known_signals=KNOWN)
    assert str(caught.value).startswith(f"{file}: ")
    assert message in str(caught.value)


def test_a_file_that_is_not_utf_8_is_named(shipped: Path) -> None:
    (shipped / "latin.toml").write_bytes(b"# caf\xe9\n")
    with pytest.raises(RuleError, match=r"latin\.toml: cannot be read"):
        load_rules(known_signals=KNOWN)


def test_rules_may_not_supersede_each_other_in_a_circle(shipped: Path) -> None:
    for one, other in (("run-code", "other"), ("other", "run-code")):
        text = (RULE + EXAMPLES).replace("run-code", one).replace("why =", f'supersedes = ["{other}"]\nwhy =')
        (shipped / ("exec.toml" if one == "run-code" else "other.toml")).write_text(text)
    with pytest.raises(RuleError, match="in a circle: other, run-code"):
        load_rules(known_signals=KNOWN)


def test_an_override_of_no_rule_names_the_nearest(shipped: Path, own: Path) -> None:
    (own / "mine.toml").write_text('[[rule]]\nid = "run-cod"\ntitle = "Mine"\n')
    with pytest.raises(RuleError, match=r"only an override .*; did you mean 'run-code'\?"):
        load_rules(extra=own, known_signals=KNOWN)


def test_switching_off_no_rule_names_the_nearest(shipped: Path, own: Path) -> None:
    (own / "mine.toml").write_text('[[rule]]\nid = "run-cod"\nenabled = false\n')
    with pytest.raises(RuleError, match=r"did you mean 'run-code'\?"):
        load_rules(extra=own, known_signals=KNOWN)


def test_a_missing_or_empty_user_directory_is_an_error(shipped: Path, own: Path) -> None:
    with pytest.raises(RuleError, match="not a directory"):
        load_rules(extra=own / "missing", known_signals=KNOWN)
    with pytest.raises(RuleError, match="no rule files"):
        load_rules(extra=own, known_signals=KNOWN)


def toml(value: object) -> str:
    """Write a value in one line of TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


words = st.sampled_from(
    ("all", "any", "not", "scope", "file", "exec.call", "net.*", "high", "import", "path", "code", "T1027", "x-y", "")
)
values = st.recursive(
    words | st.integers(-1, 3) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from((*REQUIRED_KEYS, *OPTIONAL_KEYS, "titel"))


@given(st.dictionaries(keys, values))
@example({"when": {"all": ["exec.call"], "scope": []}})
@example({"severity": {"import": []}})
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_rule_holds_it_is_read_or_refused_by_name(
    shipped: Path, own: Path, table: dict[str, object]
) -> None:
    override = {"id": "run-code"} | table
    (own / "mine.toml").write_text(f"rule = [{toml(override)}]\n")
    try:
        outcome = repr([rule.id for rule in load_rules(extra=own, known_signals=KNOWN)])
    except RuleError as error:
        outcome = str(error)
    read = "[]" if table.get("enabled") is False else "['run-code']"
    assert outcome == read or outcome.startswith(f"{own / 'mine.toml'}: rule ")
