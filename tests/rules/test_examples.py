"""Every shipped rule finds its bad examples and leaves its good ones alone."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from pydepgate import scan
from pydepgate.detect import SIGNALS
from pydepgate.judge.rule import Rule
from pydepgate.judge.rules import Example, load_guides

_GUIDES = load_guides(known_signals=frozenset(SIGNALS))
_RULES = [guide.rule for guide in _GUIDES]
_BAD = [pytest.param(g.rule, example, id=f"{g.rule.id}-{n}") for g in _GUIDES for n, example in enumerate(g.bad)]
_GOOD = [pytest.param(g.rule, example, id=f"{g.rule.id}-{n}") for g in _GUIDES for n, example in enumerate(g.good)]


def _rules_found(example: Example, folder: Path) -> set[str]:
    for file in (example, *example.also):
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(file.base64) if file.base64 else file.code.encode())
    target = folder / example.path if example.base64 else folder
    return {finding.rule for finding in scan(target).findings}


@pytest.mark.parametrize(("rule", "example"), _BAD)
def test_bad_example_is_found(rule: Rule, example: Example, tmp_path: Path) -> None:
    found = _rules_found(example, tmp_path)
    superseding = {other.id for other in _RULES if rule.id in other.supersedes}
    assert rule.id in found or found & superseding


@pytest.mark.parametrize(("rule", "example"), _GOOD)
def test_good_example_is_left_alone(rule: Rule, example: Example, tmp_path: Path) -> None:
    assert rule.id not in _rules_found(example, tmp_path)


def test_every_rule_can_be_matched() -> None:
    assert {rule.family for rule in _RULES} >= {"archive", "execution", "network", "payload", "process", "source"}
