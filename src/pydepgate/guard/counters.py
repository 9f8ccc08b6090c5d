"""Counters of a server, in the text format of Prometheus (version 0.0.4)."""

from __future__ import annotations

import threading
from collections.abc import Mapping

_MEANINGS: Mapping[str, str] = {
    "requests": "Requests answered, by status.",
    "files": "Requests for files, by what became of them.",
    "sent_bytes": "Bytes of files and pages sent.",
    "scan_seconds": "Seconds spent on scanning.",
    "faults": "Faults of the guard itself.",
}


class Counters:
    """Named numbers that only grow; used by many threads."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def add(self, name: str, amount: float = 1, /, *, label: str = "") -> None:
        """Add to a counter; `label` is the `name="value"` under which it is counted."""
        with self._lock:
            self._values[name, label] = self._values.get((name, label), 0) + amount

    def text(self) -> str:
        """Return all counters, those that never counted as 0."""
        with self._lock:
            values = dict(self._values)
        lines = []
        for name, meaning in _MEANINGS.items():
            full = f"pydepgate_{name}_total"
            lines += [f"# HELP {full} {meaning}", f"# TYPE {full} counter"]
            counted = {label: value for (counter, label), value in values.items() if counter == name} or {"": 0}
            lines += [f"{full}{{{label}}} {value}" if label else f"{full} {value}" for label, value in counted.items()]
        return "\n".join(lines) + "\n"
