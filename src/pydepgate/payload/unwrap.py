"""Finding the chain of codecs that leads from a literal to what it hides.

A bounded search, the surest codec first: a step is kept when what it leads to tells more than what it started
from. Going back is needed, because text can be valid in several encodings at once and only what comes out shows
which was meant.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pydepgate.limits import KIB, PREVIEW_BYTES
from pydepgate.model import Layer
from pydepgate.payload.budget import STOPPED_BY_BUDGET, STOPPED_BY_DEPTH, STOPPED_BY_TRIES, Budget
from pydepgate.payload.classify import Kind, classify
from pydepgate.payload.codecs import CODECS, Codec, CodecError, CodecLimit
from pydepgate.payload.indicators import indicators
from pydepgate.regex import regex

TRY = 0.25
"""A codec that is less sure than this is not tried."""

SURE = 0.85
"""A codec this sure makes a text count as encoded, whatever else it looks like."""

FAIR = 0.5
"""A codec that is less sure than this is believed only for an outcome that is more than text."""

GUESS_BYTES = 256 * KIB
"""Data larger than this is not tried with a codec that is less than fairly sure: guesses would use up the budget."""

MAX_TRIES = 160
"""Decodings tried for one literal, dead ends included."""

LONG_LITERAL = 512
"""Bytes from which on a literal in a sure encoding is worth telling of even if it holds unknown bytes. A hash digest, a
signature or a key is shorter."""

TELLING = 0.9
CHECKED = 0.7
_DOCUMENT = 0.7
_PROSE = 0.6
_UNFINISHED = 0.5
_PLAIN = 0.45
_BROKEN_STREAM = 0.4
_LONG_BINARY = 0.32
_ENCODED = 0.3
_BINARY = 0.1

_HEAD = 16 * KIB
"""Bytes of a text that are judged."""

_UNREADABLE = regex("[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f-\x9f\ufffd]")
_DOCUMENTS = frozenset(("json", "xml", "html", "css", "svg", "der", "marshal"))
_COMPRESSED = frozenset(("gzip", "bzip2", "xz"))
_SCRIPTS = frozenset(("python-source", "shell-script", "powershell", "batch", "javascript"))
_TELLING_INDICATORS = frozenset(
    ("import", "process", "network", "url", "ip", "token", "webhook", "pem", "shell", "exec", "path", "environment")
)


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """Where a chain of codecs leads. `worth` says from 0 to 1 how much `content` tells; `stopped` why the chain ended
    early, if it did."""

    content: bytes
    kind: Kind
    worth: float
    layers: tuple[Layer, ...] = ()
    stopped: str = ""


@dataclass(slots=True)
class _Search:
    budget: Budget
    tries: int = MAX_TRIES
    seen: set[bytes] = field(default_factory=set)


def unwrap(data: bytes, /, *, budget: Budget, depth: int = 0) -> Unwrapped:
    """Return what `data` holds under its encodings; `layers` is empty if it is none that tells more than `data` does.

    `depth` counts the layers already taken off. Raises nothing; spends from `budget`.
    """
    return _explore(data, depth, _Search(budget))


def _explore(data: bytes, depth: int, search: _Search) -> Unwrapped:
    search.seen.add(data)
    candidates = _candidates(data)
    sure = candidates[0][0] if candidates else 0.0
    kind = classify(data)
    if not candidates and len(search.seen) == 1:
        return Unwrapped(data, kind, 0.0)
    best = here = Unwrapped(data, kind, _worth(data, kind, sure))
    if here.worth >= 1.0:
        return here
    for confidence, codec in candidates:
        if why := _stop(depth, search):
            if confidence < SURE:
                return best
            return replace(best, worth=max(best.worth, _UNFINISHED), stopped=best.stopped or why)
        search.tries -= 1
        reached = _step(data, codec, confidence, depth, search)
        if reached is not None and reached.worth > best.worth:
            best = reached
        if best.worth >= TELLING:
            break
    return best


def _stop(depth: int, search: _Search) -> str:
    """Why nothing more may be decoded, empty if it may."""
    if search.budget.exhausted:
        return STOPPED_BY_BUDGET
    if depth >= search.budget.depth_limit:
        return STOPPED_BY_DEPTH.format(depth)
    return "" if search.tries else STOPPED_BY_TRIES.format(MAX_TRIES)


def _candidates(data: bytes) -> list[tuple[float, Codec]]:
    """The codecs worth trying, the surest first."""
    least = TRY if len(data) <= GUESS_BYTES else FAIR
    rated = [(codec.handles(data), codec) for codec in CODECS]
    return sorted((item for item in rated if item[0] >= least), key=lambda item: -item[0])


def _step(data: bytes, codec: Codec, confidence: float, depth: int, search: _Search) -> Unwrapped | None:
    """Take one layer off and go on from there; None where that leads nowhere new."""
    stopped = ""
    try:
        out = codec.decode(data, search.budget.bytes_left)
    except CodecError as error:
        out = error.partial
        stopped = STOPPED_BY_BUDGET if isinstance(error, CodecLimit) else f"{codec.name}: {error}"
    search.budget.spend(len(out))
    if not out or out in search.seen:
        return None
    end = _explore(out, depth + 1, search)
    worth = end.worth
    if codec.checked and not stopped:
        worth = max(worth, CHECKED)
    elif confidence >= SURE and len(data) >= LONG_LITERAL:
        worth = max(worth, _LONG_BINARY)
    if confidence < FAIR and worth < CHECKED:
        return None
    layer = Layer(codec.name, len(data), len(out), out[:PREVIEW_BYTES])
    return replace(end, worth=worth, layers=(layer, *end.layers), stopped=stopped or end.stopped)


def _worth(data: bytes, kind: Kind, sure: float) -> float:
    """How much a content tells by itself; `sure` is how sure the surest codec is that it is encoded."""
    if kind.name == "empty":
        return 0.0
    if kind.name == "binary":
        return _BINARY
    if kind.name in _SCRIPTS:
        return TELLING if sure >= SURE else 1.0
    if kind.name in _COMPRESSED:
        return _BROKEN_STREAM
    if kind.name in _DOCUMENTS:
        return _DOCUMENT
    if kind.name != "text":
        return 1.0
    if not _readable(data):
        return _BINARY
    if sure >= SURE:
        return _ENCODED
    if any(found.kind in _TELLING_INDICATORS for found in indicators(data[:_HEAD], kind)):
        return TELLING
    return _PROSE if data.count(b" ", 0, _HEAD) * 24 >= min(len(data), _HEAD) else _PLAIN


def _readable(data: bytes) -> bool:
    """Whether the head of a text is UTF-8 without control characters: short noise can pass for a text of another
    encoding."""
    head = data[:_HEAD].decode("utf-8", "replace")
    return not _UNREADABLE.search(head[:-1] if len(data) > _HEAD else head)
