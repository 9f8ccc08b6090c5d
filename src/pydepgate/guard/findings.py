"""Findings in the form in which they are kept: JSON, since what lies in a cache must not be unpickled.

What a finding's literal hides is left out: it is large, and a scan shows it again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from pydepgate.model import Finding, Runs, Severity


def dump_findings(findings: Iterable[Finding], /) -> str:
    """Return findings as JSON that `load_findings` reads."""
    return json.dumps(
        [
            (
                found.rule,
                found.title,
                int(found.severity),
                found.runs.value,
                found.file,
                found.line,
                found.column,
                found.message,
                found.evidence,
                found.attack,
            )
            for found in findings
        ],
        separators=(",", ":"),
    )


def load_findings(text: str, /) -> tuple[Finding, ...]:
    """Return the findings that `dump_findings` was given, without payloads.

    Raises ValueError or TypeError if it is something else.
    """
    return tuple(
        Finding(
            rule=str(rule),
            title=str(title),
            severity=Severity(severity),
            runs=Runs(runs),
            file=str(file),
            line=int(line),
            column=int(column),
            message=str(message),
            evidence=tuple(map(str, evidence)),
            attack=tuple(map(str, attack)),
        )
        for rule, title, severity, runs, file, line, column, message, evidence, attack in json.loads(text)
    )
