"""Rules, as far as judging needs them."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from pydepgate.judge.condition import Condition
from pydepgate.model import Runs, Severity


class Scope(enum.StrEnum):
    """How near to each other the signals of a condition have to be."""

    PLACE = "place"
    FUNCTION = "function"
    FILE = "file"
    ARTIFACT = "artifact"


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason to worry, as read from a rule file.

    `severity` has one entry for each time of running at which a match is a finding; `family` is the stem
    of the file that the rule came from. `supersedes` names rules whose finding is dropped where this
    one says the same and more. `message` replaces `why` in findings when it is given.
    """

    id: str
    title: str
    severity: tuple[tuple[Runs, Severity], ...]
    when: Condition
    attack: tuple[str, ...]
    why: str
    scope: Scope
    family: str
    supersedes: tuple[str, ...] = ()
    message: str = ""

    def severity_at(self, runs: Runs, /) -> Severity | None:
        """How bad a match is in code that runs then, or None if it is no finding."""
        return next((severity for when, severity in self.severity if when is runs), None)

    @property
    def worst(self) -> Severity:
        """The highest severity that the rule can give."""
        return max((severity for _, severity in self.severity), default=Severity.INFO)
