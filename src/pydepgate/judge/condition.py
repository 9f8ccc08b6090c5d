"""Conditions over signal names: what has to be seen, and what must not be, for a rule to match."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydepgate.suggest import did_you_mean

CONDITION_KEYS = ("all", "any", "not")

INNER = "inner."
"""Prefix of the signals that code found inside a payload raised."""


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


Condition = Has | AllOf | AnyOf | Not


def pattern_matches(pattern: str, name: str, /) -> bool:
    """Whether the signal `name` is meant by `pattern` (`net.connect`, `net.*`)."""
    return name.startswith(pattern[:-1]) if pattern.endswith(".*") else name == pattern


def matches(condition: Condition, names: frozenset[str], /) -> bool:
    """Whether the condition holds when exactly the signals `names` were raised."""
    match condition:
        case Has(pattern):
            if pattern.endswith(".*"):
                return any(pattern_matches(pattern, name) for name in names)
            return pattern in names
        case AllOf(parts):
            return all(matches(part, names) for part in parts)
        case AnyOf(parts):
            return any(matches(part, names) for part in parts)
        case Not(part):
            return not matches(part, names)


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


def parse_condition(table: Mapping[str, object], /, *, known: frozenset[str]) -> Condition:
    """Read a condition from a table with the keys `all`, `any` and `not`, of which all must hold.

    Each is a list of signal names, prefixes (`net.*`) and nested tables of the same form. `known` are
    the signals that exist; each of them may also stand behind `inner.`. Raises `ConditionError`.
    """
    parts: list[Condition] = []
    for key, value in table.items():
        if key not in CONDITION_KEYS:
            raise ConditionError(f"unknown key {key!r} in a condition{did_you_mean(key, CONDITION_KEYS)}")
        if not isinstance(value, list) or not value:
            raise ConditionError(f"{key!r} must be a list with at least one signal")
        items = tuple(_parse_item(item, known=known) for item in value)
        if key == "all":
            parts.extend(items)
        else:
            parts.append(AnyOf(items) if key == "any" else Not(AnyOf(items)))
    if not parts:
        raise ConditionError("a condition needs one of 'all', 'any' and 'not'")
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _parse_item(item: object, /, *, known: frozenset[str]) -> Condition:
    if isinstance(item, dict):
        return parse_condition(item, known=known)
    if not isinstance(item, str):
        raise ConditionError(f"{item!r} is neither the name of a signal nor a table")
    plain = item.removeprefix(INNER)
    if plain != "*" and not any(pattern_matches(plain, name) for name in known):
        raise ConditionError(f"unknown signal {item!r}{_nearest_signal(item, known=known)}")
    if item == "*":
        raise ConditionError("'*' alone is no signal; give a prefix, such as 'net.*'")
    return Has(item)


def _nearest_signal(item: str, /, *, known: frozenset[str]) -> str:
    inner = INNER if item.startswith(INNER) else ""
    prefixes = {name[: at + 1] + "*" for name in known for at, mark in enumerate(name) if mark == "."}
    candidates = prefixes if item.endswith(".*") else known
    return did_you_mean(item, (inner + name for name in candidates))
