"""From a literal to what it hides: its layers, its final content, and what stands inside that."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from pydepgate import limits
from pydepgate.model import Literal, Payload
from pydepgate.payload.budget import STOPPED_BY_BUDGET, STOPPED_BY_DEPTH, Budget
from pydepgate.payload.indicators import indicators
from pydepgate.payload.nested import ARCHIVES, Piece, encoded_runs, pieces
from pydepgate.payload.unwrap import TELLING, Unwrapped, unwrap

__all__ = ["Budget", "Inside", "LookInside", "peel"]

SHORT_LITERAL = 24
"""Bytes below which a literal that decodes to plain text is taken for a coincidence."""

_ORDINARY = frozenset(
    ("text", "binary", "empty", "json", "xml", "html", "css", "svg", "png", "jpeg", "gif", "bmp", "webp", "ico", "pdf")
)
"""Kinds that are nothing telling when they stand in a file as they are."""

_PROGRAM = frozenset(("import", "process", "network", "exec"))


@dataclass(frozen=True, slots=True)
class Inside:
    """What analysing a payload that is Python source found: the payloads in it and the names of all signals."""

    children: tuple[Payload, ...] = ()
    signals: frozenset[str] = frozenset()


LookInside = Callable[[bytes, Budget, int], Inside]
"""Analyses Python source: the content, the budget to share, and the depth it stands at."""


def peel(
    literal: Literal, /, *, budget: Budget, look_inside: LookInside | None = None, depth: int = 0
) -> Payload | None:
    """Return what `literal` hides, or None if it is nothing telling.

    Layers that the code itself applies come first, then those found. A literal that is telling as it stands (a
    program, an archive, a private key) gives a payload without layers. `depth` is that of the content the literal
    stands in; `look_inside` analyses Python source, without it only encoded runs are looked for in there.
    """
    data = as_bytes(literal.value)
    depth += len(literal.layers)
    found = unwrap(data, budget=budget, depth=depth)
    decoded = bool(literal.layers or found.layers)
    if not literal.layers and _coincidence(data, found):
        return None
    if not decoded and not _telling_as_it_stands(literal, found) and not _holds_runs(found):
        return None
    payload = _payload(literal, found, budget, look_inside, depth + len(found.layers))
    if decoded or payload.children or _telling_as_it_stands(literal, found):
        return payload
    return None


def as_bytes(value: str | bytes, /) -> bytes:
    """Return a literal's value as bytes; text becomes UTF-8, lone surrogates included."""
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value


def _coincidence(data: bytes, found: Unwrapped) -> bool:
    """Whether a decoding of a few bytes into plain text may well be an accident."""
    return bool(found.layers) and len(data) < SHORT_LITERAL and found.worth < TELLING


def _telling_as_it_stands(literal: Literal, found: Unwrapped) -> bool:
    """Whether a content that no codec was needed for is worth a payload of its own."""
    if found.kind.name != "python-source":
        return found.kind.name not in _ORDINARY
    if literal.form in ("docstring", "comment"):
        return False
    content = found.content.strip()
    several = b"\n" in content or b";" in content
    return several and any(item.kind in _PROGRAM for item in indicators(content, found.kind))


def _holds_runs(found: Unwrapped) -> bool:
    """Whether there is anything to look for in an ordinary content."""
    return next(encoded_runs(found.content), None) is not None


def _payload(
    literal: Literal, found: Unwrapped, budget: Budget, look_inside: LookInside | None, depth: int, *, member: str = ""
) -> Payload:
    content = found.content
    inside = Inside()
    stopped = found.stopped
    if depth >= budget.depth_limit and _goes_deeper(found, depth, budget):
        stopped = stopped or STOPPED_BY_DEPTH.format(depth)
    if found.kind.name == "python-source" and look_inside is not None:
        if depth <= budget.depth_limit:
            inside = look_inside(content, budget, depth + 1)
    elif depth < budget.depth_limit:
        inside = _look_for_pieces(found, budget, look_inside, depth + 1)
        if budget.exhausted and found.kind.name in ARCHIVES:
            stopped = stopped or STOPPED_BY_BUDGET
    return Payload(
        line=literal.line,
        column=literal.column,
        form=literal.form,
        length=literal.length,
        layers=literal.layers + found.layers,
        final=found.kind.name,
        detail=found.kind.detail,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        preview=content[: limits.PREVIEW_BYTES],
        member=member,
        indicators=indicators(content, found.kind),
        children=_listed(inside.children),
        signals=inside.signals,
        stopped=stopped,
        content=content if budget.keep_content else None,
    )


def _goes_deeper(found: Unwrapped, depth: int, budget: Budget) -> bool:
    """Whether there is more in a content at the depth limit than is looked at."""
    code = found.kind.name == "python-source" and depth > budget.depth_limit
    return code or found.kind.name in ARCHIVES or _holds_runs(found)


def _listed(children: tuple[Payload, ...]) -> tuple[Payload, ...]:
    """At most `MAX_CHILDREN` payloads in their order; those with signals are not crowded out by those without."""
    telling = sorted(range(len(children)), key=lambda index: not children[index].signals)
    return tuple(children[index] for index in sorted(telling[: limits.MAX_CHILDREN]))


def _look_for_pieces(found: Unwrapped, budget: Budget, look_inside: LookInside | None, depth: int) -> Inside:
    """Peel what an archive, a list of constants or a text holds."""
    peeled = (_child(piece, budget, look_inside, depth) for piece in pieces(found.content, found.kind, budget=budget))
    children = tuple(child for child in peeled if child is not None)
    return Inside(children, frozenset[str]().union(*(child.signals for child in children)))


def _child(piece: Piece, budget: Budget, look_inside: LookInside | None, depth: int) -> Payload | None:
    if not piece.member:
        return peel(piece.literal, budget=budget, look_inside=look_inside, depth=depth)
    # A member of an archive is listed whatever it is.
    found = unwrap(as_bytes(piece.literal.value), budget=budget, depth=depth)
    found = replace(found, stopped=piece.problem or found.stopped)
    return _payload(piece.literal, found, budget, look_inside, depth + len(found.layers), member=piece.member)
