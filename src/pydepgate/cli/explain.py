"""`pydepgate explain`: what a rule looks for, why it matters, and what to do."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import chain

from pydepgate.cli.options import OPTIONS, add_options, as_argument, new_parser, read_options
from pydepgate.cli.output import print_text
from pydepgate.cli.values import word
from pydepgate.detect import SIGNALS
from pydepgate.errors import UsageError
from pydepgate.judge.condition import AT, INNER, AllOf, AnyOf, Condition, Has, Not, Weighs, named_signals
from pydepgate.judge.rule import Rule, Scope
from pydepgate.judge.rules import Example, Guide, load_guides
from pydepgate.report.escape import printable
from pydepgate.suggest import did_you_mean

WIDTH = 100

_SCOPES: Mapping[Scope, str] = {
    Scope.PLACE: "at one place",
    Scope.FUNCTION: "in one function",
    Scope.FILE: "in one file",
    Scope.ARTIFACT: "anywhere in the artifact",
}

_EPILOG = """\
examples:
  pydepgate explain --list
  pydepgate explain decode-then-execute
  pydepgate explain --list --rules my-rules --format json

exit status:
  0  explained
  3  there is no such rule, or the arguments are wrong
"""


def run(arguments: Sequence[str], /) -> int:
    """Print the rule that the arguments name, or all of them; return the exit status."""
    parser = new_parser(
        "explain",
        usage="RULE | --list [options]",
        description="Say what a rule looks for, why it matters and what to do.",
        epilog=_EPILOG,
    )
    parser.add_argument("rule", nargs="?", metavar="RULE", help="id of a rule, as reports give it")
    parser.add_argument("--list", action="store_true", help="list all rules")
    parser.add_argument(
        "--format", type=as_argument(word(("text", "json"))), default="text", help="text or json", metavar="FORMAT"
    )
    add_options(parser, [option for option in OPTIONS if option.name == "rules"])
    parsed = parser.parse(arguments)
    if parsed.list == (parsed.rule is not None):
        parser.error("give either the id of a rule or --list")
    rules_directory = read_options(parsed, environment=_rules_only(os.environ)).rules
    guides = load_guides(extra=rules_directory, known_signals=frozenset(SIGNALS))
    if parsed.list:
        rules = [guide.rule for guide in guides]
        print_text(_json(list(map(_summary, rules))) if parsed.format == "json" else _table(rules))
    else:
        guide = _find(parsed.rule, guides)
        print_text(_json(_details(guide)) if parsed.format == "json" else "\n".join(_page(guide)) + "\n")
    return 0


def _find(rule_id: str, guides: Sequence[Guide], /) -> Guide:
    for guide in guides:
        if guide.rule.id == rule_id:
            return guide
    nearest = did_you_mean(rule_id, (guide.rule.id for guide in guides))
    raise UsageError(f"unknown rule {rule_id!r}{nearest} (see 'pydepgate explain --list')")


def _table(rules: Sequence[Rule], /) -> str:
    width = max((len(rule.id) for rule in rules), default=0)
    lines = [f"{rule.id:<{width}}  {rule.worst.label:<8}  {printable(rule.title)}\n" for rule in rules]
    return "".join(lines)


def _page(guide: Guide, /) -> Iterator[str]:
    rule = guide.rule
    yield printable(rule.title)
    yield f"{rule.id} ({printable(rule.family)})"
    yield from _section("Why it matters", _prose(rule.why))
    yield from _section("What to do", _prose(guide.action))
    yield from _section(f"Matches, {_SCOPES[rule.scope]}", _condition(rule.when))
    yield from _section("What the signals mean", _glossary(rule))
    yield from _section("Severity, by when the code runs", _severities(rule))
    if rule.supersedes:
        yield from _section("Stands in for", rule.supersedes)
    if rule.attack:
        yield from _section("MITRE ATT&CK", rule.attack)
    for title, examples in (("Matches", guide.bad), ("Does not match", guide.good)):
        for example in chain.from_iterable((each, *each.also) for each in examples):
            yield from _section(f"{title}: {printable(example.path)}", _code(example))


def _section(title: str, lines: Iterator[str] | Sequence[str], /) -> Iterator[str]:
    yield ""
    yield f"{title}:"
    for line in lines:
        yield f"  {line}".rstrip()


def _prose(text: str, /) -> list[str]:
    return textwrap.wrap(printable(" ".join(text.split())), WIDTH - 2)


def _glossary(rule: Rule, /) -> list[str]:
    meanings = _meanings(rule)
    width = max(map(len, meanings))
    return [f"{pattern:<{width}}  {meaning}" for pattern, meaning in meanings.items()]


def _meanings(rule: Rule, /) -> dict[str, str]:
    """What each signal or prefix that the condition names stands for."""
    return {pattern: _meaning(pattern) for pattern in sorted(named_signals(rule.when))}


def _meaning(pattern: str, /) -> str:
    plain, _, time = pattern.removeprefix(INNER).partition(AT)
    meaning = SIGNALS.get(plain) or f"any signal of the family {plain.removesuffix('.*')}"
    if time:
        meaning = f"{meaning} (at the time {time})"
    return f"inside a payload: {meaning if plain != '*' else 'any signal'}" if pattern.startswith(INNER) else meaning


def _severities(rule: Rule, /) -> list[str]:
    return [f"{runs.value:<12} {severity.label}" for runs, severity in rule.severity]


def _code(example: Example, /) -> list[str]:
    return [printable(line.replace("\t", "    ")) for line in (example.code or example.base64).strip("\n").split("\n")]


def _condition(condition: Condition, /) -> Iterator[str]:
    match condition:
        case Has(pattern):
            yield pattern
        case AllOf(parts):
            yield from _parts("all of", parts)
        case AnyOf(parts):
            yield from _parts("any of", parts)
        case Not(AnyOf(parts)):
            yield from _parts("none of", parts)
        case Not(part):
            yield from _parts("none of", (part,))
        case Weighs(weights, at_least, only_adding, at_least_without):
            yield f"at least {at_least:g} in all of"
            if only_adding:
                yield f"  (and {at_least_without:g} without what begins with {', '.join(only_adding)})"
            for name, weight in sorted(weights, key=lambda each: -each[1]):
                yield f"  {weight:5.2f} {name}"


def _parts(title: str, parts: Sequence[Condition], /) -> Iterator[str]:
    yield title
    for part in parts:
        for line in _condition(part):
            yield f"  {line}"


def _summary(rule: Rule, /) -> dict[str, object]:
    return {"rule": rule.id, "severity": rule.worst.label, "title": rule.title}


def _details(guide: Guide, /) -> dict[str, object]:
    rule = guide.rule
    return {
        "rule": rule.id,
        "title": rule.title,
        "family": rule.family,
        "severity": {runs.value: severity.label for runs, severity in rule.severity},
        "scope": rule.scope.value,
        "when": _nested(rule.when),
        "signals": _meanings(rule),
        "attack": list(rule.attack),
        "supersedes": list(rule.supersedes),
        "why": rule.why,
        "action": guide.action,
        "bad": list(map(_given, guide.bad)),
        "good": list(map(_given, guide.good)),
    }


def _given(example: Example, /) -> dict[str, object]:
    """What the rule file gives of an example."""
    document = {key: value for key, value in asdict(example).items() if value}
    return document | ({"also": list(map(_given, example.also))} if example.also else {})


def _nested(condition: Condition, /) -> object:
    """The condition in the form that rule files have."""
    match condition:
        case Has(pattern):
            return pattern
        case AllOf(parts):
            return {"all": [_nested(part) for part in parts]}
        case AnyOf(parts):
            return {"any": [_nested(part) for part in parts]}
        case Not(AnyOf(parts)):
            return {"not": [_nested(part) for part in parts]}
        case Not(part):
            return {"not": [_nested(part)]}
        case Weighs(weights, at_least, only_adding, at_least_without):
            adding = {"only_adding": list(only_adding), "at_least_without": at_least_without} if only_adding else {}
            return {"weights": dict(weights), "at_least": at_least} | adding


def _json(document: object, /) -> str:
    import json

    return json.dumps(document, indent=2) + "\n"


def _rules_only(environment: Mapping[str, str], /) -> dict[str, str]:
    """What the environment says about rules: settings of scans, right or wrong, do not matter here."""
    return {name: value for name, value in environment.items() if name == "PYDEPGATE_RULES"}
