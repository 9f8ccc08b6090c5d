"""The shipped rules in a form that is quick to load: without what only people read, and checked before.

It is made from the rule files when a wheel is built (`.build/hatch_rules.py`), and a checkout has none. Nothing is
ever written where the program runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from pydepgate.judge.condition import AllOf, AnyOf, Condition, Has, Not, Weighs
from pydepgate.judge.rule import Rule, Scope
from pydepgate.model import Runs, Severity

COMPILED_RULES = Path(__file__).parents[1] / "data" / "rules.json"


@cache
def compiled_rules() -> tuple[Rule, ...] | None:
    """Return the rules that the wheel was built with; None in a checkout, whose rules may change."""
    try:
        data = COMPILED_RULES.read_bytes()
    except FileNotFoundError:
        return None
    return read_compiled(data)


def compile_rules(rules: Iterable[Rule], /) -> bytes:
    """Return the quick form of rules that were read from their files."""
    document = [
        (
            rule.id,
            rule.title,
            [(runs.value, int(severity)) for runs, severity in rule.severity],
            _compile(rule.when),
            rule.attack,
            rule.why,
            rule.scope.value,
            rule.family,
            rule.supersedes,
            rule.message,
        )
        for rule in rules
    ]
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def read_compiled(data: bytes, /) -> tuple[Rule, ...]:
    """Return the rules that `compile_rules` was given."""
    runs = {each.value: each for each in Runs}
    severities = tuple(Severity)
    scopes = {each.value: each for each in Scope}
    return tuple(
        Rule(
            name,
            title,
            tuple([(runs[time], severities[severity]) for time, severity in by_time]),
            _condition(when),
            tuple(attack),
            why,
            scopes[scope],
            family,
            tuple(supersedes),
            message,
        )
        for name, title, by_time, when, attack, why, scope, family, supersedes, message in json.loads(data)
    )


def _compile(condition: Condition, /) -> object:
    """A signal stands for itself; all else is a list that begins with what it is."""
    match condition:
        case Has(pattern):
            return pattern
        case AllOf(parts):
            return ["all", *map(_compile, parts)]
        case AnyOf(parts):
            return ["any", *map(_compile, parts)]
        case Not(part):
            return ["not", _compile(part)]
        case Weighs(weights, at_least, only_adding, at_least_without):
            return ["weighs", weights, at_least, only_adding, at_least_without]


def _condition(compiled: Any, /) -> Condition:
    if isinstance(compiled, str):
        return Has(compiled)
    kind, *parts = compiled
    if kind == "all":
        return AllOf(tuple(map(_condition, parts)))
    if kind == "any":
        return AnyOf(tuple(map(_condition, parts)))
    if kind == "not":
        return Not(_condition(parts[0]))
    weights, at_least, only_adding, at_least_without = parts
    return Weighs(tuple(map(tuple, weights)), at_least, tuple(only_adding), at_least_without)
