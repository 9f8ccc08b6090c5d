"""Where the files of rules are found, and how they are read and checked."""

from __future__ import annotations

import enum
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydepgate.errors import RuleError
from pydepgate.judge.condition import CONDITION_KEYS, Condition, needed_signals, parse_condition
from pydepgate.judge.rule import Rule, Scope
from pydepgate.model import Runs, Severity
from pydepgate.regex import regex
from pydepgate.suggest import did_you_mean

Word = TypeVar("Word", bound=enum.Enum)

REQUIRED_KEYS = ("id", "title", "attack", "why", "action", "when", "severity", "bad", "good")
OPTIONAL_KEYS = ("message", "supersedes", "enabled")
MIN_EXAMPLES = 2
"""Examples of each sort that a shipped rule must have."""

NO_FINDING = "none"
"""The word for "not a finding at this time of running"; it lets an override take a severity away."""

_RULE_ID = regex(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_ATTACK_ID = regex(r"T[0-9]{4}(\.[0-9]{3})?")  # techniques and sub-techniques of MITRE ATT&CK


@dataclass(frozen=True, slots=True)
class Example:
    """A file that a rule must match, or must not. `path` says when it runs; `also` are further files beside it.

    An example that is an archive is given as `base64` in place of `code`, and scanned as it is.
    """

    path: str
    code: str = ""
    base64: str = ""
    also: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Guide:
    """A rule with what only people read of it: what to do, and examples that it must match and must not."""

    rule: Rule
    action: str
    bad: tuple[Example, ...]
    good: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class _Draft:
    """A rule as written, overrides applied, not checked yet."""

    file: Path
    family: str
    table: Mapping[str, object]
    shipped: bool


def shipped_directory() -> Path:
    """The rules that come with the program: in the package once it is built, else in the checkout."""
    package = Path(__file__).parents[1]
    inside = package / "rules"
    return inside if inside.is_dir() else package.parents[1] / "rules"


def load_rules(*, extra: Path | None = None, known_signals: frozenset[str]) -> tuple[Rule, ...]:
    """Read what `load_guides` reads, and return what judging needs of it."""
    return tuple(guide.rule for guide in load_guides(extra=extra, known_signals=known_signals))


def load_guides(*, extra: Path | None = None, known_signals: frozenset[str]) -> tuple[Guide, ...]:
    """Read the shipped rules and then those of the directory `extra`, sorted by id.

    A rule of `extra` whose id is that of a shipped one overrides the keys that it gives (its severities
    one by one); `enabled = false` switches a rule off. `known_signals` are all signals that detectors raise.
    Raises `RuleError` naming the file, the rule and the nearest known word for anything that is wrong.
    """
    shipped = shipped_directory()
    drafts = _read_directory(shipped, shipped=True)
    if not drafts:  # without rules everything would pass
        raise RuleError(f"{shipped}: no rules there; the installation is incomplete")
    if extra is not None:
        if not extra.is_dir():
            raise RuleError(f"{extra}: not a directory with rule files")
        own = _read_directory(extra, shipped=False)
        if not own:
            raise RuleError(f"{extra}: no rule files (*.toml) in this directory")
        drafts |= {rule_id: _override(drafts.get(rule_id), draft) for rule_id, draft in own.items()}
    guides = [_build(draft, known_signals=known_signals, ids=drafts.keys()) for draft in drafts.values()]
    return _without_circles(tuple(sorted((guide for guide in guides if guide), key=lambda guide: guide.rule.id)))


def _read_directory(directory: Path, /, *, shipped: bool) -> dict[str, _Draft]:
    drafts: dict[str, _Draft] = {}
    for file in sorted(directory.glob("*.toml")):
        for table in _read_file(file):
            rule_id = table.get("id")
            if not isinstance(rule_id, str) or not _RULE_ID.fullmatch(rule_id):
                raise RuleError(f"{file}: rule {rule_id!r}: 'id' must be lower-case words joined by hyphens")
            if rule_id in drafts:
                raise RuleError(f"{file}: rule {rule_id!r}: duplicate id, also in {drafts[rule_id].file}")
            drafts[rule_id] = _Draft(file, file.stem, table, shipped)
    return drafts


def _read_file(file: Path, /) -> list[Mapping[str, object]]:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RuleError(f"{file}: cannot be read: {error}") from error
    for key in document:
        if key != "rule":
            raise RuleError(f"{file}: unknown key {key!r}{did_you_mean(key, ('rule',))}")
    tables = document.get("rule", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise RuleError(f"{file}: 'rule' must be an array of tables ([[rule]])")
    return tables


def _override(base: _Draft | None, own: _Draft, /) -> _Draft:
    if base is None:
        return own
    merged = {**base.table, **own.table}
    old, new = base.table.get("severity"), own.table.get("severity")
    if isinstance(old, dict) and isinstance(new, dict):
        merged["severity"] = {**old, **new}
    return _Draft(own.file, base.family, merged, shipped=False)


def _build(draft: _Draft, /, *, known_signals: frozenset[str], ids: Iterable[str]) -> Guide | None:
    """Check a draft; None for a rule that is switched off."""
    table = draft.table
    try:
        _check_keys(table, ids=ids)
        if not _enabled(table):
            return None
        scope, when = _condition(table["when"], known_signals=known_signals)
        least = MIN_EXAMPLES if draft.shipped else 0
        rule = Rule(
            id=_text(table, "id"),
            title=_text(table, "title"),
            severity=_severities(table["severity"]),
            when=when,
            attack=_attack(_words(table, "attack")),
            why=_text(table, "why"),
            scope=scope,
            family=draft.family,
            supersedes=_supersedes(table, ids=ids),
            message=_text(table, "message") if "message" in table else "",
        )
        return Guide(
            rule=rule,
            action=_text(table, "action"),
            bad=_examples(table["bad"], key="bad", least=least),
            good=_examples(table["good"], key="good", least=least),
        )
    except ValueError as error:
        raise RuleError(f"{draft.file}: rule {str(table['id'])!r}: {error}") from error


def _enabled(table: Mapping[str, object], /) -> bool:
    enabled = table.get("enabled", True)
    if not isinstance(enabled, bool):
        raise ValueError("'enabled' must be true or false")
    return enabled


def _check_keys(table: Mapping[str, object], /, *, ids: Iterable[str]) -> None:
    for key in table:
        if key not in REQUIRED_KEYS and key not in OPTIONAL_KEYS:
            raise ValueError(f"unknown key {key!r}{did_you_mean(key, REQUIRED_KEYS + OPTIONAL_KEYS)}")
    missing = [repr(key) for key in REQUIRED_KEYS if key not in table]
    if missing:
        others = [other for other in ids if other != table["id"]]
        raise ValueError(
            f"missing {', '.join(missing)}; only an override of an existing rule may leave keys out"
            + did_you_mean(str(table["id"]), others)
        )


def _text(table: Mapping[str, object], key: str, /) -> str:
    value = table[key]
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key!r} must be a text that is not empty")
    return value.strip()


def _words(table: Mapping[str, object], key: str, /) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise ValueError(f"{key!r} must be a list of texts")
    return tuple(value)


def _attack(words: tuple[str, ...], /) -> tuple[str, ...]:
    for word in words:
        if not _ATTACK_ID.fullmatch(word):
            raise ValueError(f"{word!r} in 'attack' is no ATT&CK technique, such as 'T1027' or 'T1059.006'")
    return words


def _supersedes(table: Mapping[str, object], /, *, ids: Iterable[str]) -> tuple[str, ...]:
    words = _words(table, "supersedes")
    for word in words:
        if word not in ids:
            raise ValueError(f"unknown rule {word!r} in 'supersedes'{did_you_mean(word, ids)}")
    return words


def _condition(value: object, /, *, known_signals: frozenset[str]) -> tuple[Scope, Condition]:
    if not isinstance(value, dict):
        raise ValueError("'when' must be a table")
    scope = _word(value.get("scope", Scope.PLACE.value), Scope, what="scope")
    parts = {key: part for key, part in value.items() if key != "scope"}
    for key in parts:
        if key not in CONDITION_KEYS:
            raise ValueError(f"unknown key {key!r} in 'when'{did_you_mean(key, (*CONDITION_KEYS, 'scope'))}")
    when = parse_condition(parts, known=known_signals)
    if not needed_signals(when):
        raise ValueError("a condition must ask for at least one signal, not only exclude some")
    return scope, when


def _word(value: object, words: type[Word], /, *, what: str) -> Word:
    known = [str(word.value) for word in words]
    if value not in known:
        raise ValueError(f"unknown {what} {value!r}{did_you_mean(str(value), known)}")
    return words(value)


def _severities(value: object, /) -> tuple[tuple[Runs, Severity], ...]:
    if not isinstance(value, dict) or not value:
        raise ValueError("'severity' must be a table with at least one time of running")
    given = {_word(key, Runs, what="time of running"): _severity(label) for key, label in value.items()}
    return tuple((runs, severity) for runs in Runs if (severity := given.get(runs)) is not None)


def _severity(label: object, /) -> Severity | None:
    labels = [severity.label for severity in Severity]
    if label == NO_FINDING:
        return None
    if label not in labels:
        raise ValueError(f"unknown severity {label!r}{did_you_mean(str(label), [*labels, NO_FINDING])}")
    return Severity.from_label(str(label))


def _examples(value: object, /, *, key: str, least: int) -> tuple[Example, ...]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError(f"{key!r} must be an array of tables ([[rule.{key}]])")
    for item in value:
        for word in item:
            if word not in _EXAMPLE_KEYS:
                raise ValueError(f"unknown key {word!r} in {key!r}{did_you_mean(word, _EXAMPLE_KEYS)}")
        texts = (item.get("path"), item.get("code", item.get("base64")))
        if not all(isinstance(text, str) for text in texts) or {"code", "base64"} <= item.keys():
            raise ValueError(f"each {key!r} example needs the texts 'path' and 'code' (or 'base64')")
    if len(value) < least:
        raise ValueError(f"at least {least} {key!r} examples are needed, {len(value)} given")
    return tuple(
        Example(
            path=item["path"],
            code=item.get("code", ""),
            base64=item.get("base64", ""),
            also=_examples(item.get("also", []), key="also", least=0),
        )
        for item in value
    )


_EXAMPLE_KEYS = ("path", "code", "base64", "also")


def _without_circles(guides: tuple[Guide, ...], /) -> tuple[Guide, ...]:
    """Return them; rules that supersede each other in a circle would all vanish, so that is an error."""
    left = {guide.rule.id: set(guide.rule.supersedes) for guide in guides}
    while free := [rule_id for rule_id, below in left.items() if not below & left.keys()]:
        for rule_id in free:
            del left[rule_id]
    if left:
        raise RuleError(f"rules that supersede each other in a circle: {', '.join(sorted(left))}")
    return guides
