"""One member of an artifact, from its bytes to facts: read, follow, look, peel."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

from pydepgate.artifact.formats import find_containers
from pydepgate.detect import DETECTORS
from pydepgate.detect.base import Sighting, View
from pydepgate.detect.literals import comment_literals, quoted_literals
from pydepgate.detect.walk import look_at_calls, walk
from pydepgate.limits import HEAD_BYTES, KIB, Limits
from pydepgate.model import FileFacts, Links, Literal, Member, Note, Payload, Signal
from pydepgate.payload.budget import Budget
from pydepgate.payload.entropy import looks_encoded
from pydepgate.payload.magic import binary_format
from pydepgate.payload.peel import Inside, peel
from pydepgate.payload.pickles import PickleError, read_pickle, runs_code
from pydepgate.source.calls import CallSite
from pydepgate.source.interpreter import Evaluation, evaluate
from pydepgate.source.measure import code_lines
from pydepgate.source.modules import Linked, Module
from pydepgate.source.read import read_source
from pydepgate.source.setup_fields import setup_fields

_PYTHON_SUFFIXES: Final = frozenset((".py", ".pyw"))
_METADATA_NAMES: Final = frozenset(
    """entry_points.txt pyproject.toml setup.cfg METADATA PKG-INFO top_level.txt RECORD requires.txt
    dependency_links.txt""".split()
)
_MAX_METADATA: Final = 256 * KIB
_MIN_DATA: Final = 64
_PLAIN_FINALS: Final = frozenset(("text", "binary", "empty"))


@dataclass(frozen=True, slots=True)
class _Code:
    """What analysing one piece of Python gave."""

    signals: tuple[Signal, ...]
    evaluation: Evaluation | None
    problem: str


def analyse_member(member: Member, /, *, limits: Limits = Limits(), keep_content: bool = False) -> FileFacts:
    """Return the facts of one member; it never raises, whatever the member holds."""
    budget = Budget(bytes_left=limits.peek_budget, depth_limit=limits.peek_depth, keep_content=keep_content)
    path = PurePosixPath(member.path)
    if path.suffix in _PYTHON_SUFFIXES or _is_script(member):
        return _analyse_python(member, budget)
    if path.suffix == ".pth":
        return _analyse_pth(member, budget)
    if not member.complete and len(member.data) <= HEAD_BYTES:
        return FileFacts(member.path, "native", member.size, format=_format(member))
    return _analyse_data(member, budget, limits)


def analyse_linked(
    member: Member, main: Module, modules: Sequence[Module], /, *, limits: Limits = Limits(), keep_content: bool = False
) -> tuple[Signal, ...]:
    """Return the signals of a Python file that is followed into other modules of its artifact, and those of what it
    calls there; it never raises."""
    budget = Budget(bytes_left=limits.peek_budget, depth_limit=limits.peek_depth, keep_content=keep_content)
    linked = Linked(main, {module.name: module for module in modules})
    code = _analyse_code(member.data, member.path, budget, depth=0, linked=linked)
    return (*code.signals, *_passed_on(code.evaluation, linked, budget))


def _passed_on(evaluation: Evaluation | None, linked: Linked, budget: Budget) -> Iterator[Signal]:
    """Yield what functions of other modules do with what they are given."""
    inside: dict[str, list[CallSite]] = {}
    for site in (site for sites in evaluation.calls.values() for site in sites) if evaluation else ():
        module, _, function = site.function.partition(">.")
        if function and module[0] == "<":
            site = replace(site, function=function, roots={function})
            inside.setdefault(module[1:], []).append(site)
    for name, sites in inside.items():
        if evaluation is not None and name in linked.sources:
            view = View(tuple(linked.lines[name]), evaluation)
            sightings = list(look_at_calls(sites, view, DETECTORS))
            yield from _peel_all(sightings, linked.sources[name].path, budget, 0)


def with_signals(facts: FileFacts, more: Sequence[Signal], /) -> FileFacts:
    """Return facts with signals added to those that they have."""
    signals = {(signal.name, signal.line, signal.column): signal for signal in facts.signals}
    for signal in more:
        key = (signal.name, signal.line, signal.column)
        signals[key] = _merge(signals[key], signal) if key in signals else signal
    return replace(facts, signals=tuple(signals.values()))


def lost_member(path: str, size: int, /) -> FileFacts:
    """Return the facts of a member whose analysis ended the worker that did it: that it was not checked is one."""
    kind = "python" if PurePosixPath(path).suffix in _PYTHON_SUFFIXES else "data"
    message = "ended the process that analysed it, or took all its memory; it was not checked"
    return FileFacts(path, kind, size, notes=(Note("worker.died", message, path),))


def _is_script(member: Member) -> bool:
    first = member.data[:128].partition(b"\n")[0]
    return first.startswith(b"#!") and b"python" in first


def _analyse_python(member: Member, budget: Budget) -> FileFacts:
    code = _analyse_code(member.data, member.path, budget, depth=0)
    evaluation = code.evaluation
    notes = [Note("source.syntax", code.problem, member.path)] if code.problem else []
    if evaluation is not None and evaluation.truncated:
        notes.append(
            Note("limit.evaluation", "computes more than is followed; its longest loops were cut", member.path)
        )
    return FileFacts(
        path=member.path,
        kind="python",
        size=member.size,
        analysed=True,
        signals=code.signals,
        links=evaluation.links if evaluation else Links(),
        notes=(*notes, *_budget_notes(member, budget)),
        setup=setup_fields(evaluation) if evaluation and member.path.endswith("setup.py") else (),
        code_lines=code_lines(member.data),
    )


def _analyse_pth(member: Member, budget: Budget) -> FileFacts:
    """Analyse the lines of a `.pth` file that Python executes: those that begin with `import` (see `site`)."""
    signals: list[Signal] = []
    notes: list[Note] = []
    links = Links()
    for number, line in enumerate(member.data.splitlines(), 1):
        if not line.startswith((b"import ", b"import\t")):
            continue
        code = _analyse_code(line, member.path, budget, depth=0)
        if code.problem:
            notes.append(Note("source.syntax", f"line {number}: {code.problem}", member.path))
        if code.evaluation is not None:
            links = links.merged(code.evaluation.links)
        evidence = (line[:120].decode("utf-8", "replace"),)
        signals.append(Signal("source.startup", member.path, number, 1, evidence=evidence))
        signals += (_on_line(signal, number) for signal in code.signals)
    return FileFacts(
        path=member.path,
        kind="pth",
        size=member.size,
        analysed=True,
        signals=tuple(signals),
        links=links,
        notes=(*notes, *_budget_notes(member, budget)),
    )


def _on_line(signal: Signal, number: int) -> Signal:
    payload = replace(signal.payload, line=number) if signal.payload is not None else None
    return replace(signal, line=number, payload=payload)


def _budget_notes(member: Member, budget: Budget) -> tuple[Note, ...]:
    message = "its literals decode to more than --peek-budget allows; what is beyond it was not decoded"
    return (Note("limit.peek-budget", message, member.path),) if budget.exhausted else ()


def _analyse_data(member: Member, budget: Budget, limits: Limits) -> FileFacts:
    facts = FileFacts(member.path, "data", member.size, text=_metadata_text(member), format=_format(member))
    if called := _called_by_pickle(member):
        evidence = (f"calls {', '.join(called[:_MAX_CALLED])} when it is loaded",)
        return replace(
            facts, analysed=True, signals=(Signal("data.pickle-runs-code", member.path, 1, 1, evidence=evidence),)
        )
    if len(member.data) < _MIN_DATA or not (looks_encoded(member.data) or _is_bytecode(member)):
        return facts
    if member.complete and find_containers(io.BytesIO(member.data), len(member.data), limits=limits):
        # its members are read as members of the artifact
        return replace(facts, signals=(Signal(f"payload.{facts.format or 'binary'}", member.path, 1, 1),))
    literal = Literal(member.data, "data-file", 1, 1, len(member.data))
    payload = peel(literal, budget=budget, look_inside=_look_inside)
    facts = replace(facts, analysed=True, notes=_budget_notes(member, budget))
    if payload is None or (payload.final in _PLAIN_FINALS and not payload.children):
        return facts
    payload = _with_kinds(payload)
    names = ("data.encoded", f"payload.{payload.final}") if payload.layers else (f"payload.{payload.final}",)
    return replace(facts, signals=tuple(Signal(name, member.path, 1, 1, payload=payload) for name in names))


def _called_by_pickle(member: Member) -> tuple[str, ...]:
    """Return what unpickling a data file calls that runs code; of text, only files that are called pickles are read."""
    data = member.data
    binary = data[:1] == b"\x80" and data[1:2] in _PICKLE_PROTOCOLS
    if not binary and not (
        data[-4:].rstrip()[-1:] == b"." and PurePosixPath(member.path).suffix.lower() in _PICKLE_SUFFIXES
    ):
        return ()
    try:
        return runs_code(read_pickle(data))
    except PickleError:
        return ()


_PICKLE_PROTOCOLS: Final = (b"\x01", b"\x02", b"\x03", b"\x04", b"\x05")
_PICKLE_SUFFIXES: Final = frozenset((".pkl", ".pickle", ".p", ".pck", ".joblib", ".sav", ".model", ".dat", ".bin"))
_MAX_CALLED: Final = 4


def _format(member: Member) -> str:
    found = binary_format(member.data)
    return found[0] if found is not None else ""


def _is_bytecode(member: Member) -> bool:
    return member.path.endswith((".pyc", ".pyo"))


def _metadata_text(member: Member) -> str:
    name = PurePosixPath(member.path).name
    return member.data[:_MAX_METADATA].decode("utf-8", "replace") if name in _METADATA_NAMES else ""


def _analyse_code(data: bytes, path: str, budget: Budget, *, depth: int, linked: Linked | None = None) -> _Code:
    source = read_source(data)
    lines = tuple(source.text.split("\n"))
    evaluation: Evaluation | None = None
    sightings: list[Sighting] = []
    if source.tree is not None:
        evaluation = evaluate(source.tree, source.text, linked=linked)
        sightings += walk(source.tree, View(lines, evaluation), DETECTORS)
    stray = comment_literals(lines) if not source.error else _stray_literals(lines, sightings)
    sightings += (Sighting("literal.encoded", s.line, s.column, literal=s) for s in stray)
    if source.error:
        sightings.append(Sighting("source.unparsed", 1, 1, evidence=(source.error,)))
    return _Code(_peel_all(sightings, path, budget, depth), evaluation, source.error)


def _stray_literals(lines: tuple[str, ...], sightings: Sequence[Sighting]) -> Iterator[Literal]:
    """Yield what the walk over a recovered tree did not see."""
    seen = {(s.line, s.column) for s in sightings}
    for literal in (*comment_literals(lines), *quoted_literals(lines)):
        if (literal.line, literal.column) not in seen:
            yield literal


def _peel_all(sightings: Sequence[Sighting], path: str, budget: Budget, depth: int) -> tuple[Signal, ...]:
    """Peel the sightings' literals, each once, and return them all as signals."""
    peeled: dict[object, Payload | None] = {}
    by_place: dict[tuple[int, int], Payload] = {}

    def payload_of(literal: Literal) -> Payload | None:
        key = (literal.value, literal.layers)
        if key not in peeled:
            found = peel(literal, budget=budget, look_inside=_look_inside, depth=depth)
            peeled[key] = _with_kinds(found) if found is not None else None
        found = peeled[key]
        if found is not None and (found.line, found.column, found.form) != (literal.line, literal.column, literal.form):
            return replace(found, line=literal.line, column=literal.column, form=literal.form, length=literal.length)
        return found

    # what the code itself decodes tells more than what a literal looks like, so it is peeled first
    for sighting in sorted(sightings, key=lambda s: s.literal is None or not s.literal.layers):
        if sighting.literal is None:
            continue
        place = (sighting.literal.line, sighting.literal.column)
        known = by_place.get(place)
        if known is None or known.final in _PLAIN_FINALS:
            found = payload_of(sighting.literal)
            if found is not None:
                by_place[place] = found
    signals: dict[tuple[str, int, int], Signal] = {}
    for sighting in sightings:
        payload = by_place.get((sighting.literal.line, sighting.literal.column)) if sighting.literal else None
        if sighting.name == "literal.encoded":
            if payload is None:
                continue
            if not payload.layers:
                sighting = replace(sighting, name="literal.source")
        for signal in _signals_of(sighting, payload, path):
            key = (signal.name, signal.line, signal.column)
            signals[key] = _merge(signals[key], signal) if key in signals else signal
    return tuple(signals.values())


def _signals_of(sighting: Sighting, payload: Payload | None, path: str) -> Iterator[Signal]:
    names = [sighting.name]
    if payload is not None:
        names.append(f"payload.{payload.final}")
        if payload.layers:
            kinds = {indicator.kind for indicator in payload.indicators}
            names += [f"payload.with-{kind}" for kind in _TELLING_INDICATORS if kind in kinds]
    for name in names:
        yield Signal(
            name=name,
            file=path,
            line=sighting.line,
            column=sighting.column,
            function=sighting.function,
            roots=sighting.roots,
            evidence=sighting.evidence if name == sighting.name else (),
            payload=payload,
        )


_TELLING_INDICATORS: Final = ("url", "webhook")
"""Indicators whose being hidden says something by itself."""


def _merge(one: Signal, other: Signal) -> Signal:
    evidence = tuple(dict.fromkeys((*one.evidence, *other.evidence)))
    return replace(one, roots=one.roots | other.roots, evidence=evidence, payload=one.payload or other.payload)


def _look_inside(content: bytes, budget: Budget, depth: int) -> Inside:
    """Analyse Python that a payload holds, as a file of its own."""
    code = _analyse_code(content, "", budget, depth=depth)
    children: dict[tuple[int, int, str], Payload] = {}
    for signal in code.signals:
        if signal.payload is not None:
            children.setdefault((signal.payload.line, signal.payload.column, signal.payload.sha256), signal.payload)
    names = {signal.name for signal in code.signals}.union(*(child.signals for child in children.values()))
    ordered = sorted(children.values(), key=lambda child: (child.line, child.column))
    return Inside(tuple(ordered), frozenset(names))


def _with_kinds(payload: Payload) -> Payload:
    """Return a payload whose signals name the kinds of all that is nested in it, and what compiled code in it does."""
    return replace(payload, signals=payload.signals.union(_nested_kinds(payload), _compiled_signals(payload)))


def _compiled_signals(payload: Payload) -> Iterator[str]:
    """Yield what compiled code or a pickle does, as signals, by the names in it: it has no source to follow."""
    if payload.final in _COMPILED:
        for indicator in payload.indicators:
            if indicator.kind in _COMPILED_SIGNALS:
                yield _COMPILED_SIGNALS[indicator.kind]


_COMPILED: Final = frozenset(("pickle", "marshal", "python-bytecode"))
_COMPILED_SIGNALS: Final = {"exec": "exec.dynamic", "process": "process.start", "network": "network.request"}


def _nested_kinds(payload: Payload) -> Iterator[str]:
    for child in payload.children:
        yield f"payload.{child.final}"
        yield from child.signals
        yield from _compiled_signals(child)
        yield from _nested_kinds(child)
