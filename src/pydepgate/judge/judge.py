"""From signals to findings, and from findings to the verdict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from pydepgate.judge.condition import AT, INNER, Condition, Weighs, matches, needed_signals, weighed
from pydepgate.judge.rule import Rule, Scope
from pydepgate.model import Finding, Payload, Runs, Severity, Signal, Verdict

MAX_EVIDENCE = 12
"""Pieces of evidence that one finding carries."""

MAX_EVIDENCE_CHARACTERS = 400
"""Length to which one piece of evidence is cut."""

MESSAGE_EVIDENCE = 2
"""Pieces of evidence that a message quotes."""

MESSAGE_EVIDENCE_CHARACTERS = 120

Seen = tuple[Signal, Runs]
Place = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class _Match:
    """A finding and all places whose signals led to it."""

    finding: Finding
    places: frozenset[Place]


def judge(signals: Sequence[Seen], rules: Sequence[Rule], /) -> tuple[Finding, ...]:
    """Return what the rules find in the signals of one artifact, each given with when it runs.

    By its scope, a rule is asked once for every place, function or file that has signals, or once for the
    artifact. Findings are sorted worst first, then by file, line, column and rule; the order of `signals` and
    `rules` makes no difference.
    """
    ordered = sorted(signals, key=_order)
    by_scope = {scope: _groups(ordered, scope) for scope in {rule.scope for rule in rules}}
    found = [match for rule in rules for match in _matches(rule, by_scope[rule.scope])]
    kept = _without_needless_sums(_without_superseded(found, rules), rules)
    return tuple(sorted((match.finding for match in kept), key=_finding_order))


def verdict(findings: Iterable[Finding], /, *, fail_on: Severity = Severity.HIGH) -> Verdict:
    """Return block for a finding at or over `fail_on`, review for any lesser one, pass for none."""
    worst = max((finding.severity for finding in findings), default=None)
    if worst is None:
        return Verdict.PASS
    return Verdict.BLOCK if worst >= fail_on else Verdict.REVIEW


def _order(seen: Seen, /) -> tuple[object, ...]:
    """A total order: earliest running first, then by place."""
    signal, runs = seen
    where = (runs.rank, *_place(signal), signal.function, sorted(signal.roots))
    return (*where, signal.name, signal.evidence, _payload_order(signal.payload))


def _payload_order(payload: Payload | None, /) -> tuple[object, ...]:
    if payload is None:
        return ()
    codecs = tuple(layer.codec for layer in payload.layers)
    return (payload.sha256, payload.line, payload.column, payload.form, codecs, sorted(payload.signals))


def _finding_order(finding: Finding, /) -> tuple[object, ...]:
    return (-finding.severity, finding.file, finding.line, finding.column, finding.rule)


def _place(signal: Signal, /) -> Place:
    return (signal.file, signal.line, signal.column)


def _groups(ordered: Iterable[Seen], scope: Scope, /) -> dict[frozenset[str], list[list[Seen]]]:
    """The signals that a condition of that scope sees together, by the names it sees.

    Few sets of names differ, however many places there are, so each is matched only once a rule.
    """
    together: defaultdict[Hashable, list[Seen]] = defaultdict(list)
    for seen in ordered:
        together[_key(seen[0], scope)].append(seen)
    by_names: defaultdict[frozenset[str], list[list[Seen]]] = defaultdict(list)
    for group in together.values():
        by_names[frozenset(chain.from_iterable(map(_names, group)))].append(group)
    return by_names


def _key(signal: Signal, scope: Scope, /) -> Hashable:
    match scope:
        case Scope.PLACE:
            return _place(signal)
        case Scope.FUNCTION:
            return (signal.file, signal.function)
        case Scope.FILE:
            return signal.file
        case Scope.ARTIFACT:
            return None


def _names(seen: Seen, /) -> frozenset[str]:
    """The names under which conditions know a signal: with and without the time, and those inside its payload."""
    signal, runs = seen
    return _all_names(signal.name, signal.payload.signals if signal.payload else frozenset(), runs)


@lru_cache(maxsize=1024)
def _all_names(name: str, inner: frozenset[str], runs: Runs, /) -> frozenset[str]:
    names = {name, *(INNER + each for each in inner)}
    return frozenset(names.union(f"{each}{AT}{runs}" for each in names))


def _matches(rule: Rule, groups: dict[frozenset[str], list[list[Seen]]], /) -> Iterable[_Match]:
    for names, with_names in groups.items():
        if not matches(rule.when, names):
            continue
        patterns = needed_signals(rule.when)
        prefixes = tuple(pattern[:-1] for pattern in patterns if pattern.endswith(".*"))
        wanted = (names & patterns).union(name for name in names if prefixes and name.startswith(prefixes))
        for group in with_names:
            match = _finding(rule, group, wanted)
            if match is not None:
                yield match


def _finding(rule: Rule, group: Sequence[Seen], wanted: frozenset[str], /) -> _Match | None:
    """The finding of a group whose signals satisfy the rule; None if none of them runs when it matters."""
    matched = [seen for seen in group if not wanted.isdisjoint(_names(seen))]
    weighs = weighed(rule.when)
    if weighs is not None:
        matched = _heaviest_first(weighs, matched)
    first = _first(rule, matched, group)
    if first is None:
        return None
    signal, runs, severity = first
    evidence = (
        _contributions(weighs, matched)
        if weighs is not None
        else _evidence(chain((signal,), (other for other, _ in matched)))
    )
    finding = Finding(
        rule=rule.id,
        title=rule.title,
        severity=severity,
        runs=runs,
        file=signal.file,
        line=signal.line,
        column=signal.column,
        message=_message(rule, evidence),
        evidence=evidence,
        attack=rule.attack,
        payload=_payload(signal, matched, group),
    )
    return _Match(finding, frozenset(_place(other) for other, _ in matched))


def _first(rule: Rule, matched: Sequence[Seen], group: Sequence[Seen], /) -> tuple[Signal, Runs, Severity] | None:
    """The signal to show: the first of those that run at the time, or later, from which all that is needed has run."""
    complete = _complete(rule.when, group)
    for signal, runs in matched:
        severity = rule.severity_at(runs)
        if severity is not None and runs.rank >= complete.rank:
            return signal, runs, severity
    return None


def _complete(condition: Condition, group: Sequence[Seen], /) -> Runs:
    """Return the earliest time at which code that has run until then satisfies a condition that all together satisfy.

    A list of constants at import says little about a function that uses it when somebody calls it.
    """
    names: set[str] = set()
    for runs in Runs:
        new = [seen for seen in group if seen[1] is runs]
        names = names.union(*map(_names, new))
        if new and matches(condition, frozenset(names)):
            return runs
    return Runs.NEVER


def _evidence(signals: Iterable[Signal], /) -> tuple[str, ...]:
    pieces = dict.fromkeys(
        _shorten(piece, MAX_EVIDENCE_CHARACTERS) for signal in signals for piece in signal.evidence if piece
    )
    return tuple(pieces)[:MAX_EVIDENCE]


def _heaviest_first(condition: Weighs, matched: Sequence[Seen], /) -> list[Seen]:
    weights = dict(condition.weights)
    return sorted(matched, key=lambda seen: -max(weights.get(name, 0.0) for name in _names(seen)))


def _contributions(condition: Weighs, matched: Sequence[Seen], /) -> tuple[str, ...]:
    """Every signal that counted: its weight, its name and time, and where it was first seen, with its evidence."""
    first: dict[str, Signal] = {}
    for seen in matched:
        for name in _names(seen):
            first.setdefault(name, seen[0])
    lines = []
    for name, weight in condition.contributions(frozenset(first)):
        signal = first[name]
        where = f" in {signal.file}:{signal.line}" if signal.file else ""
        shown = f" ({_shorten(signal.evidence[0], MESSAGE_EVIDENCE_CHARACTERS)})" if signal.evidence else ""
        lines.append(_shorten(f"{weight:+.2f} {name}{where}{shown}", MAX_EVIDENCE_CHARACTERS))
    total = sum(weight for _, weight in condition.contributions(frozenset(first)))
    return (f"{total:.2f} of {condition.at_least:.2f} needed", *lines)


def _shorten(text: str, length: int, /) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _message(rule: Rule, evidence: Sequence[str], /) -> str:
    said = rule.message or rule.why
    if not evidence:
        return said
    seen = "; ".join(_shorten(piece, MESSAGE_EVIDENCE_CHARACTERS) for piece in evidence[:MESSAGE_EVIDENCE])
    return f"{said} Seen: {seen}"


def _payload(first: Signal, matched: Sequence[Seen], group: Sequence[Seen], /) -> Payload | None:
    """The payload to show: of the finding's own signal, of another that matched, or of its place."""
    at_place = (other for other, _ in group if _place(other) == _place(first))
    for signal in chain((first,), (other for other, _ in matched), at_place):
        if signal.payload is not None:
            return signal.payload
    return None


def _without_superseded(found: Sequence[_Match], rules: Sequence[Rule], /) -> list[_Match]:
    """Drop what a finding of a superseding rule, at least as severe, says at the same place already."""
    below = {rule.id: rule.supersedes for rule in rules}
    covered: dict[tuple[str, Place], Severity] = {}
    for match in found:
        for rule_id in below[match.finding.rule]:
            for place in match.places:
                severity = match.finding.severity
                covered[rule_id, place] = max(severity, covered.get((rule_id, place), severity))
    return [match for match in found if not _is_covered(match.finding, covered)]


def _without_needless_sums(found: Sequence[_Match], rules: Sequence[Rule], /) -> list[_Match]:
    """Drop sums of weak signs where one sign alone is as bad: it says more."""
    sums = {rule.id for rule in rules if weighed(rule.when) is not None}
    worst = max((match.finding.severity for match in found if match.finding.rule not in sums), default=Severity.INFO)
    return [match for match in found if match.finding.rule not in sums or match.finding.severity > worst]


def _is_covered(finding: Finding, covered: dict[tuple[str, Place], Severity], /) -> bool:
    severity = covered.get((finding.rule, (finding.file, finding.line, finding.column)))
    return severity is not None and severity >= finding.severity
