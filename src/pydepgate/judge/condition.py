"""Conditions over signal names: what has to be seen, and what must not be, for a rule to match."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeGuard

from pydepgate.model import Runs
from pydepgate.suggest import did_you_mean

CONDITION_KEYS = ("all", "any", "not", "weights", "at_least", "only_adding", "at_least_without")

INNER = "inner."
"""Prefix of the signals that code found inside a payload raised."""

AT = "@"
"""Stands between a signal and the time at which its code has to run (`network.request@install`)."""


class ConditionError(ValueError):
    """A condition is written wrongly; the message says what, and names the nearest known signal."""


@dataclass(frozen=True, slots=True)
class Has:
    """A signal of this name was raised; a trailing `.*` stands for any name with that prefix."""

    pattern: str


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Condition


@dataclass(frozen=True, slots=True)
class Weighs:
    """The weights of the signals that were raised add up to `at_least`: what none of them shows alone.

    Those that begin like one of `only_adding` only add to the others, which have to weigh `at_least_without` them.
    """

    weights: tuple[tuple[str, float], ...]
    at_least: float
    only_adding: tuple[str, ...] = ()
    at_least_without: float = 0.0

    def reached(self, names: frozenset[str], /) -> bool:
        """Whether the signals of these names weigh enough."""
        found = self.contributions(names)
        without = sum(weight for name, weight in found if not name.startswith(self.only_adding))
        return sum(weight for _, weight in found) >= self.at_least and without >= self.at_least_without

    def contributions(self, names: frozenset[str], /) -> tuple[tuple[str, float], ...]:
        """Return the signals that were raised with their weights, the heaviest first."""
        found = ((name, weight) for name, weight in self.weights if name in names)
        return tuple(sorted(found, key=lambda each: (-each[1], each[0])))


Condition = Has | AllOf | AnyOf | Not | Weighs


def pattern_matches(pattern: str, name: str, /) -> bool:
    """Whether the signal `name` is meant by `pattern` (`net.connect`, `net.*`)."""
    return name.startswith(pattern[:-1]) if pattern.endswith(".*") else name == pattern


def matches(condition: Condition, names: frozenset[str], /) -> bool:
    """Whether the condition holds when exactly the signals `names` were raised."""
    match condition:
        case Has(pattern):
            if pattern.endswith(".*"):
                prefix = pattern[:-1]
                return any(name.startswith(prefix) for name in names)
            return pattern in names
        case AllOf(parts):
            return all(matches(part, names) for part in parts)
        case AnyOf(parts):
            return any(matches(part, names) for part in parts)
        case Not(part):
            return not matches(part, names)
        case Weighs():
            return condition.reached(names)


def weighed(condition: Condition, /) -> Weighs | None:
    """Return the sum of weights that a condition asks for, alone or besides other things, if it asks for one."""
    parts = condition.parts if isinstance(condition, AllOf) else (condition,)
    return next((part for part in parts if isinstance(part, Weighs)), None)


def needed_signals(condition: Condition, /) -> frozenset[str]:
    """The patterns that the condition asks for; those under a `not` are left out."""
    return frozenset(_patterns(condition, forbidden=False))


def named_signals(condition: Condition, /) -> frozenset[str]:
    """All patterns of the condition, those under a `not` included."""
    return frozenset(_patterns(condition, forbidden=True))


def _patterns(condition: Condition, /, *, forbidden: bool) -> Iterator[str]:
    match condition:
        case Has(pattern):
            yield pattern
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _patterns(part, forbidden=forbidden)
        case Not(part):
            if forbidden:
                yield from _patterns(part, forbidden=forbidden)
        case Weighs(weights):
            yield from (name for name, _ in weights)


def parse_condition(table: Mapping[str, object], /, *, known: frozenset[str]) -> Condition:
    """Read a condition from a table with the keys `all`, `any`, `not` and `weights`, of which all must hold.

    The first three are lists of signal names, prefixes (`net.*`) and nested tables of the same form; `weights` is a
    table of signal names and numbers, which have to add up to `at_least`. `known` are the signals that exist;
    each may also stand behind `inner.`, and before `@` and a time of running. Raises `ConditionError`.
    """
    parts: list[Condition] = []
    for key, value in table.items():
        if key not in CONDITION_KEYS:
            raise ConditionError(f"unknown key {key!r} in a condition{did_you_mean(key, CONDITION_KEYS)}")
        if key in _WEIGHT_KEYS:
            continue
        if not isinstance(value, list) or not value:
            raise ConditionError(f"{key!r} must be a list with at least one signal")
        items = tuple(_parse_item(item, known=known) for item in value)
        if key == "all":
            parts.extend(items)
        else:
            parts.append(AnyOf(items) if key == "any" else Not(AnyOf(items)))
    if not _WEIGHT_KEYS.isdisjoint(table):
        parts.append(_parse_weights(table, known=known))
    if not parts:
        raise ConditionError("a condition needs one of 'all', 'any', 'not' and 'weights'")
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _parse_item(item: object, /, *, known: frozenset[str]) -> Condition:
    if isinstance(item, dict):
        return parse_condition(item, known=known)
    if not isinstance(item, str):
        raise ConditionError(f"{item!r} is neither the name of a signal nor a table")
    plain, at, time = item.removeprefix(INNER).partition(AT)
    if at and time not in _TIMES:
        raise ConditionError(f"unknown time of running in {item!r}{did_you_mean(time, _TIMES)}")
    if plain != "*" and not any(pattern_matches(plain, name) for name in known):
        raise ConditionError(f"unknown signal {item!r}{_nearest_signal(item, known=known)}")
    if item == "*":
        raise ConditionError("'*' alone is no signal; give a prefix, such as 'net.*'")
    return Has(item)


_TIMES = tuple(runs.value for runs in Runs)


_WEIGHT_KEYS = frozenset(("weights", "at_least", "only_adding", "at_least_without"))


def _parse_weights(table: Mapping[str, object], /, *, known: frozenset[str]) -> Weighs:
    """Read the keys of a sum; `at_least` and `at_least_without` are in the unit of the weights."""
    weights, least, without = table.get("weights"), table.get("at_least"), table.get("at_least_without", 0.0)
    adding = table.get("only_adding", [])
    if not isinstance(weights, dict) or not weights:
        raise ConditionError("'weights' must be a table of signals and numbers")
    for name, weight in weights.items():
        _parse_item(name, known=known)
        if name.endswith("*") or not _is_number(weight) or weight <= 0:
            # nothing that an attacker adds to a package may speak for it
            raise ConditionError(f"{name!r} in 'weights' must be one signal, and what it weighs a number over 0")
    if not _is_number(least) or not _is_number(without):
        raise ConditionError("'weights' need the number 'at_least' that they have to add up to")
    if not isinstance(adding, list) or not all(isinstance(prefix, str) and prefix for prefix in adding):
        raise ConditionError("'only_adding' must be a list of beginnings of signals")
    ordered = tuple(sorted((name, float(weight)) for name, weight in weights.items()))
    return Weighs(ordered, float(least), tuple(adding), float(without))


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _nearest_signal(item: str, /, *, known: frozenset[str]) -> str:
    inner = INNER if item.startswith(INNER) else ""
    prefixes = {name[: at + 1] + "*" for name in known for at, mark in enumerate(name) if mark == "."}
    candidates = prefixes if item.endswith(".*") else known
    return did_you_mean(item, (inner + name for name in candidates))
