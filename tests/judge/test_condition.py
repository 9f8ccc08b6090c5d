"""Conditions: what they hold for, and what is refused when they are read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydepgate.judge.condition import (
    AllOf,
    AnyOf,
    Condition,
    ConditionError,
    Has,
    Not,
    matches,
    named_signals,
    needed_signals,
    parse_condition,
)

NAMES = ("exec.call", "exec.dynamic", "net.connect", "net.http.post", "flow.decode-to-exec")
KNOWN = frozenset(NAMES)
PATTERNS = (*NAMES, "exec.*", "net.*", "net.http.*", "inner.net.*", "inner.*")


def conditions() -> st.SearchStrategy[Condition]:
    leaves: st.SearchStrategy[Condition] = st.sampled_from(PATTERNS).map(Has)
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: AllOf(tuple(parts))),
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
            inner.map(Not),
        ),
        max_leaves=8,
    )


_ADDING = {
    "weights": {"exec.call": 1, "net.connect": 3},
    "at_least": 3,
    "only_adding": ["net."],
    "at_least_without": 1,
}

name_sets = st.frozensets(st.sampled_from((*NAMES, *(f"inner.{name}" for name in NAMES))))


@pytest.mark.parametrize(
    ("table", "names", "expected"),
    [
        ({"all": ["exec.call", "net.connect"]}, {"exec.call", "net.connect"}, True),
        ({"all": ["exec.call", "net.connect"]}, {"exec.call"}, False),
        ({"any": ["exec.call", "net.connect"]}, {"net.connect"}, True),
        ({"any": ["exec.call", "net.connect"]}, {"exec.dynamic"}, False),
        ({"all": ["net.*"]}, {"net.http.post"}, True),
        ({"all": ["net.http.*"]}, {"net.connect"}, False),
        ({"all": ["net.*"]}, {"inner.net.connect"}, False),
        ({"all": ["inner.net.*"]}, {"inner.net.connect"}, True),
        ({"all": ["inner.*"]}, {"inner.exec.call"}, True),
        ({"all": ["exec.call"], "not": ["net.*"]}, {"exec.call"}, True),
        ({"all": ["exec.call"], "not": ["net.*"]}, {"exec.call", "net.connect"}, False),
        ({"all": ["exec.call", {"any": ["net.*", "inner.net.*"]}]}, {"exec.call", "inner.net.connect"}, True),
        ({"all": ["exec.call", {"any": ["net.*", "inner.net.*"]}]}, {"exec.call"}, False),
        ({"any": ["net.connect"], "all": ["exec.call"]}, {"exec.call"}, False),
        ({"not": [{"all": ["exec.call", "net.*"]}]}, {"exec.call"}, True),
        ({"all": ["exec.call@install"]}, {"exec.call", "exec.call@install"}, True),
        ({"all": ["exec.call@install"]}, {"exec.call", "exec.call@call"}, False),
        ({"weights": {"exec.call": 1, "net.connect": 2.5}, "at_least": 3}, {"exec.call", "net.connect"}, True),
        ({"weights": {"exec.call": 1, "net.connect": 2.5}, "at_least": 3}, {"net.connect"}, False),
        ({"weights": {"exec.call@import": 3}, "at_least": 3}, {"exec.call"}, False),
        (_ADDING, {"net.connect"}, False),
        (_ADDING, {"net.connect", "exec.call"}, True),
    ],
)
def test_a_condition_holds_for_exactly_the_right_signals(
    table: dict[str, object], names: set[str], expected: bool
) -> None:
    assert matches(parse_condition(table, known=KNOWN), frozenset(names)) is expected


def test_a_prefix_ends_at_a_dot() -> None:
    assert not matches(Has("net.*"), frozenset({"network.connect"}))


@given(conditions(), conditions(), name_sets)
def test_none_of_two_is_the_same_as_neither(one: Condition, other: Condition, names: frozenset[str]) -> None:
    assert matches(Not(AnyOf((one, other))), names) is matches(AllOf((Not(one), Not(other))), names)


def test_needed_signals_leave_out_what_must_be_absent() -> None:
    condition = parse_condition({"all": ["exec.call"], "not": ["net.*"]}, known=KNOWN)
    assert needed_signals(condition) == {"exec.call"}
    assert named_signals(condition) == {"exec.call", "net.*"}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"all": ["exec.cal"]}, "unknown signal 'exec.cal'; did you mean 'exec.call'?"),
        ({"all": ["exec.call@instal"]}, "unknown time of running in 'exec.call@instal'; did you mean 'install'?"),
        ({"weights": {"exec.cal": 1}, "at_least": 1}, "unknown signal 'exec.cal'"),
        ({"weights": {"exec.call": -1}, "at_least": 1}, "a number over 0"),
        ({"weights": {"net.*": 1}, "at_least": 1}, "must be one signal"),
        ({"weights": {"exec.call": 1}}, "need the number 'at_least'"),
        ({"weights": [], "at_least": 1}, "must be a table"),
        ({"weights": {"exec.call": 1}, "at_least": 1, "only_adding": "net."}, "must be a list of beginnings"),
        ({"all": ["inner.exec.cal"]}, "unknown signal 'inner.exec.cal'; did you mean 'inner.exec.call'?"),
        ({"all": ["nett.*"]}, "unknown signal 'nett.*'; did you mean 'net.*'?"),
        ({"all": ["inner.inner.exec.call"]}, "unknown signal 'inner.inner.exec.call'"),
        ({"al": ["exec.call"]}, "unknown key 'al' in a condition; did you mean 'all'?"),
        ({"all": []}, "'all' must be a list with at least one signal"),
        ({"all": "exec.call"}, "'all' must be a list with at least one signal"),
        ({"all": [3]}, "3 is neither the name of a signal nor a table"),
        ({"all": ["*"]}, "'*' alone is no signal"),
        ({"all": [{}]}, "a condition needs one of"),
        ({}, "a condition needs one of"),
    ],
)
def test_a_wrong_condition_is_refused_with_the_nearest_word(table: dict[str, object], message: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse_condition(table, known=KNOWN)
    assert message in str(caught.value)
