"""Judging: signals and when they run, against the rules, give findings and a verdict."""

from pydepgate.judge.judge import judge, verdict
from pydepgate.judge.rules import Example, Rule, Scope, load_rules

__all__ = ["Example", "Rule", "Scope", "judge", "load_rules", "verdict"]
