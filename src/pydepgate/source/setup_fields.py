"""What a setup script says of the package, by core metadata field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydepgate.metadata import MAX_VALUE, MAX_VALUES, SETUP_FIELDS, Fields
from pydepgate.source.calls import CallSite
from pydepgate.source.interpreter import Evaluation
from pydepgate.source.values import Value


def setup_fields(evaluation: Evaluation, /) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the constants that a file gives `setup()`, by core metadata field."""
    fields: Fields = {}
    for site in _setup_calls(evaluation):
        for key, value in site.keywords.items():
            name = SETUP_FIELDS.get(key)
            if name is not None:
                fields.setdefault(name, []).extend(_constants(value))
    return tuple((name, tuple(values[:MAX_VALUES])) for name, values in sorted(fields.items()) if values)


def _setup_calls(evaluation: Evaluation) -> Iterable[CallSite]:
    return (site for sites in evaluation.calls.values() for site in sites[:1] if site.name.split(".")[-1] == "setup")


def _constants(value: Value) -> Iterator[str]:
    waiting = [value]
    for _ in range(MAX_VALUES):
        if not waiting:
            return
        part = waiting.pop()
        if isinstance(part.const, str):
            yield part.const[:MAX_VALUE]
        elif isinstance(part.const, dict):
            waiting += [Value(const=item) for item in reversed(list(part.const.values())[:MAX_VALUES])]
        elif isinstance(part.const, list | tuple):
            waiting += [Value(const=item) for item in reversed(part.const[:MAX_VALUES])]
        elif part.items is not None:
            waiting += reversed(part.items[:MAX_VALUES])
