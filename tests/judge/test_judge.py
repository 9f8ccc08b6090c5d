"""Judging: which signals make a finding, where it stands, and how bad it is."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydepgate.judge.condition import Condition, parse_condition
from pydepgate.judge.judge import MAX_EVIDENCE, MAX_EVIDENCE_CHARACTERS, judge, verdict
from pydepgate.judge.rule import Rule, Scope
from pydepgate.model import Finding, Payload, Runs, Severity, Signal, Verdict

NAMES = ("a.one", "a.two", "b.one", "c")
EVERYWHERE = (
    (Runs.INSTALL, Severity.CRITICAL),
    (Runs.IMPORT, Severity.HIGH),
    (Runs.CALL, Severity.LOW),
)


def when(**table: object) -> Condition:
    return parse_condition(table, known=frozenset(NAMES))


def rule(
    condition: Condition,
    *,
    name: str = "rule",
    scope: Scope = Scope.PLACE,
    severity: tuple[tuple[Runs, Severity], ...] = EVERYWHERE,
    supersedes: tuple[str, ...] = (),
    message: str = "",
) -> Rule:
    return Rule(
        id=name,
        title=name.title(),
        severity=severity,
        when=condition,
        attack=("T1027",),
        why="It is bad.",
        scope=scope,
        family="test",
        supersedes=supersedes,
        message=message,
    )


def signal(
    name: str,
    line: int = 1,
    *,
    column: int = 1,
    file: str = "m.py",
    function: str = "",
    evidence: tuple[str, ...] = (),
    payload: Payload | None = None,
) -> Signal:
    return Signal(name, file, line, column, function=function, evidence=evidence, payload=payload)


def payload(*signals: str, sha256: str = "00") -> Payload:
    return Payload(
        line=1,
        column=1,
        form="str",
        length=8,
        layers=(),
        final="python-source",
        size=8,
        sha256=sha256,
        preview=b"",
        signals=frozenset(signals),
    )


def at_import(*signals: Signal) -> list[tuple[Signal, Runs]]:
    return [(one, Runs.IMPORT) for one in signals]


def test_a_finding_says_all_of_its_rule_and_its_place() -> None:
    (finding,) = judge(at_import(signal("c", 7, column=3, evidence=("exec(x)",))), [rule(when(all=["c"]))])
    assert finding == Finding(
        rule="rule",
        title="Rule",
        severity=Severity.HIGH,
        runs=Runs.IMPORT,
        file="m.py",
        line=7,
        column=3,
        message="It is bad. Seen: exec(x)",
        evidence=("exec(x)",),
        attack=("T1027",),
    )


def test_place_scope_wants_the_signals_at_one_place_and_finds_each_place() -> None:
    both = rule(when(all=["a.one", "c"]))
    apart = at_import(signal("a.one", 1), signal("c", 2))
    assert judge(apart, [both]) == ()
    together = at_import(*(signal(name, line) for line in (4, 9) for name in ("a.one", "c")))
    assert [finding.line for finding in judge(together, [both])] == [4, 9]


def test_function_scope_wants_the_signals_in_one_function_of_one_file() -> None:
    both = rule(when(all=["a.one", "c"]), scope=Scope.FUNCTION)
    assert judge(at_import(signal("a.one", function="f"), signal("c", 2, function="g")), [both]) == ()
    other_file = signal("c", 2, file="n.py", function="f")
    assert judge(at_import(signal("a.one", function="f"), other_file), [both]) == ()
    (finding,) = judge(at_import(signal("a.one", 3, function="f"), signal("c", 2, function="f")), [both])
    assert finding.line == 2


def test_file_scope_gives_one_finding_a_file_and_artifact_scope_one_in_all() -> None:
    seen = at_import(*(signal(name, line, file=file) for file in "pq" for line in (1, 2) for name in NAMES))
    in_file = rule(when(all=["a.one", "c"]), scope=Scope.FILE)
    anywhere = rule(when(all=["a.one", "c"]), scope=Scope.ARTIFACT)
    assert [(finding.file, finding.line) for finding in judge(seen, [in_file])] == [("p", 1), ("q", 1)]
    assert [(finding.file, finding.line) for finding in judge(seen, [anywhere])] == [("p", 1)]


def test_artifact_scope_joins_files() -> None:
    seen = at_import(signal("a.one", file="p.py"), signal("c", file="q.py"))
    assert judge(seen, [rule(when(all=["a.one", "c"]), scope=Scope.FILE)]) == ()
    assert len(judge(seen, [rule(when(all=["a.one", "c"]), scope=Scope.ARTIFACT)])) == 1


def test_a_forbidden_signal_counts_in_the_scope_only() -> None:
    unless = when(all=["c"], **{"not": ["b.*"]})
    seen = at_import(signal("c", 1), signal("b.one", 2))
    assert len(judge(seen, [rule(unless)])) == 1
    assert judge(seen, [rule(unless, scope=Scope.FILE)]) == ()


def test_what_a_payload_holds_is_seen_as_inner() -> None:
    seen = at_import(signal("a.one", payload=payload("c")))
    (finding,) = judge(seen, [rule(when(all=["a.one", "inner.c"]))])
    assert finding.payload is not None
    assert judge(seen, [rule(when(all=["a.one", "c"]))]) == ()
    empty = at_import(signal("a.one"), signal("c", 2, payload=payload()))
    assert judge(empty, [rule(when(any=["inner.*"]))]) == ()


def test_the_earliest_running_signal_with_a_severity_decides() -> None:
    seen = [
        (signal("c", 9), Runs.INSTALL),
        (signal("c", 2), Runs.CALL),
        (signal("c", 1), Runs.STARTUP),
        (signal("b.one", 1), Runs.INSTALL),
    ]
    (finding,) = judge(seen, [rule(when(all=["c"]), scope=Scope.FILE)])
    assert (finding.runs, finding.severity, finding.line) == (Runs.INSTALL, Severity.CRITICAL, 9)


def test_a_time_of_running_without_severity_is_no_finding() -> None:
    assert judge([(signal("c"), Runs.NEVER)], [rule(when(all=["c"]))]) == ()


def test_the_payload_of_a_matched_signal_is_shown_when_the_first_has_none() -> None:
    beside = signal("b.one", 1, payload=payload("c"))
    seen = at_import(signal("a.one", 1), signal("c", 2, payload=payload()), beside)
    (finding,) = judge(seen, [rule(when(all=["a.one", "c"]), scope=Scope.FILE)])
    assert finding.payload == payload()
    (at_place,) = judge(seen, [rule(when(all=["a.one"]))])
    assert at_place.payload == payload("c")


def test_evidence_is_merged_once_each_and_bounded() -> None:
    many = [signal("c", line, evidence=("same", f"line {line}", "x" * 5000)) for line in range(1, 100)]
    (finding,) = judge(at_import(*many), [rule(when(all=["c"]), scope=Scope.FILE)])
    assert finding.evidence[:2] == ("same", "line 1")
    assert len(finding.evidence) == len(set(finding.evidence)) == MAX_EVIDENCE
    assert max(map(len, finding.evidence)) == MAX_EVIDENCE_CHARACTERS
    assert len(finding.message) < 500


def test_a_message_of_its_own_replaces_the_why() -> None:
    (finding,) = judge(at_import(signal("c")), [rule(when(all=["c"]), message="Look here.")])
    assert finding.message == "Look here."


def test_a_superseded_rule_is_dropped_at_the_places_of_the_stronger() -> None:
    weak = rule(when(all=["c"]), name="weak")
    strong = rule(when(all=["c", "a.one"]), name="strong", scope=Scope.FILE, supersedes=("weak",))
    seen = at_import(signal("a.one", 1), signal("c", 2), signal("c", 3, file="n.py"))
    left = [(one.rule, one.file) for one in judge(seen, [weak, strong])]
    assert left == [("strong", "m.py"), ("weak", "n.py")]


def test_a_superseded_finding_that_is_worse_stays() -> None:
    weak = rule(when(all=["c"]), name="weak")
    strong = rule(when(all=["c"]), name="strong", severity=((Runs.IMPORT, Severity.LOW),), supersedes=("weak",))
    assert [one.rule for one in judge(at_import(signal("c")), [weak, strong])] == ["weak", "strong"]


def test_findings_come_worst_first_then_by_place_then_by_rule() -> None:
    seen = [
        (signal("c", 5, file="z.py"), Runs.INSTALL),
        (signal("c", 1, file="a.py"), Runs.CALL),
        (signal("c", 9), Runs.IMPORT),
        (signal("c", 2, column=8), Runs.IMPORT),
        (signal("c", 2, column=3), Runs.IMPORT),
    ]
    rules = [rule(when(all=["c"]), name=name) for name in ("two", "one")]
    places = [(one.file, one.line, one.column, one.rule) for one in judge(seen, rules)]
    assert places[:2] == [("z.py", 5, 1, "one"), ("z.py", 5, 1, "two")]
    assert [place[1:3] for place in places[2:8:2]] == [(2, 3), (2, 8), (9, 1)]
    assert places[-1] == ("a.py", 1, 1, "two")


signals = st.builds(
    signal,
    st.sampled_from(NAMES),
    st.integers(1, 3),
    column=st.integers(1, 2),
    file=st.sampled_from(("m.py", "n.py")),
    function=st.sampled_from(("", "f")),
    evidence=st.lists(st.sampled_from(("e1", "e2", "e3")), max_size=2).map(tuple),
    payload=st.none() | st.builds(payload, st.sampled_from(NAMES), sha256=st.sampled_from(("00", "11"))),
)
seen_signals = st.lists(st.tuples(signals, st.sampled_from(Runs)), max_size=12)
TABLES: tuple[tuple[dict[str, object], tuple[str, ...]], ...] = (
    ({"all": ["c"]}, ()),
    ({"any": ["a.*", "inner.b.one"]}, ()),
    ({"all": ["c", {"any": ["a.one", "inner.*"]}]}, ("{scope}-0", "place-0")),
    ({"all": ["b.one"], "not": ["a.*"]}, ()),
)
ALL_RULES = [
    rule(
        when(**table),
        name=f"{scope}-{number}",
        scope=scope,
        supersedes=tuple(name.format(scope=scope) for name in supersedes),
    )
    for scope in Scope
    for number, (table, supersedes) in enumerate(TABLES)
]


@given(seen_signals, st.data())
def test_the_order_of_signals_and_rules_makes_no_difference(
    seen: Sequence[tuple[Signal, Runs]], data: st.DataObject
) -> None:
    expected = judge(seen, ALL_RULES)
    shuffled = data.draw(st.permutations(seen))
    assert judge(shuffled, data.draw(st.permutations(ALL_RULES))) == expected
    assert pickle.loads(pickle.dumps(expected)) == expected


@given(seen_signals)
def test_superseding_never_makes_the_verdict_milder(seen: Sequence[tuple[Signal, Runs]]) -> None:
    alone = [rule(one.when, name=one.id, scope=one.scope, severity=one.severity) for one in ALL_RULES]
    for level in Severity:
        assert verdict(judge(seen, ALL_RULES), fail_on=level) is verdict(judge(seen, alone), fail_on=level)


@given(seen_signals)
def test_every_finding_stands_where_a_signal_that_runs_then_does(
    seen: Sequence[tuple[Signal, Runs]],
) -> None:
    places = {(one.file, one.line, one.column, runs) for one, runs in seen}
    for finding in judge(seen, ALL_RULES):
        assert (finding.file, finding.line, finding.column, finding.runs) in places
        assert (finding.runs, finding.severity) in EVERYWHERE


@pytest.mark.parametrize(
    ("severities", "fail_on", "expected"),
    [
        ([], Severity.INFO, Verdict.PASS),
        ([Severity.INFO], Severity.INFO, Verdict.BLOCK),
        ([Severity.MEDIUM, Severity.LOW], Severity.HIGH, Verdict.REVIEW),
        ([Severity.LOW, Severity.HIGH], Severity.HIGH, Verdict.BLOCK),
        ([Severity.HIGH], Severity.CRITICAL, Verdict.REVIEW),
    ],
)
def test_the_verdict_depends_on_the_worst_finding(
    severities: list[Severity], fail_on: Severity, expected: Verdict
) -> None:
    findings = [Finding("r", "R", severity, Runs.IMPORT, "m.py", 1, 1, "m") for severity in severities]
    assert verdict(findings, fail_on=fail_on) is expected


def test_a_sum_of_weights_says_what_counted_and_stands_at_the_heaviest() -> None:
    condition = parse_condition(
        {"weights": {"a.one@install": 1.0, "b.one": 2.5, "c@call": 4.0}, "at_least": 3.0}, known=frozenset(NAMES)
    )
    seen = [
        (signal("a.one", 3, evidence=("first sign",)), Runs.INSTALL),
        (signal("b.one", 7, evidence=("second sign",)), Runs.IMPORT),
        (signal("c", 9), Runs.IMPORT),
    ]
    (finding,) = judge(seen, [rule(condition, scope=Scope.ARTIFACT)])
    assert (finding.line, finding.runs, finding.severity) == (7, Runs.IMPORT, Severity.HIGH)
    assert finding.evidence == (
        "3.50 of 3.00 needed",
        "+2.50 b.one in m.py:7 (second sign)",
        "+1.00 a.one@install in m.py:3 (first sign)",
    )
    assert judge(seen[:1], [rule(condition, scope=Scope.ARTIFACT)]) == ()


def test_a_match_counts_from_when_all_of_it_has_run() -> None:
    condition = when(all=["a.one", "b.one"])
    seen = [(signal("a.one", 2), Runs.IMPORT), (signal("b.one", 8), Runs.CALL)]
    (finding,) = judge(seen, [rule(condition, scope=Scope.FILE)])
    assert (finding.line, finding.runs, finding.severity) == (8, Runs.CALL, Severity.LOW)
    (finding,) = judge([*seen, (signal("b.one", 9), Runs.IMPORT)], [rule(condition, scope=Scope.FILE)])
    assert (finding.line, finding.runs, finding.severity) == (2, Runs.IMPORT, Severity.HIGH)


def test_a_sum_is_left_out_where_one_sign_alone_is_as_bad() -> None:
    total = rule(
        parse_condition({"weights": {"a.one": 2.0}, "at_least": 1.0}, known=frozenset(NAMES)),
        name="sum",
        scope=Scope.ARTIFACT,
        severity=((Runs.INSTALL, Severity.HIGH),),
    )
    alone = rule(when(all=["b.one"]), name="alone", severity=((Runs.INSTALL, Severity.HIGH), (Runs.CALL, Severity.LOW)))
    weak, bad = (signal("a.one"), Runs.INSTALL), signal("b.one", 5)
    assert [finding.rule for finding in judge([weak, (bad, Runs.CALL)], [total, alone])] == ["sum", "alone"]
    assert [finding.rule for finding in judge([weak, (bad, Runs.INSTALL)], [total, alone])] == ["alone"]
