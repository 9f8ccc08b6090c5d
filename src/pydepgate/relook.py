"""The second look: files that use what another file of the artifact gives are followed once more, with that one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from pydepgate.ahead import look_over
from pydepgate.artifact.artifact import Artifact, Found, Place, itself
from pydepgate.limits import Limits
from pydepgate.model import FileFacts, Member, Note, Signal
from pydepgate.workers import Crew, Job

if TYPE_CHECKING:
    from pydepgate.reach.again import Again


def look_again(
    artifact: Artifact, found: Sequence[Found[FileFacts]], crew: Crew, /, *, limits: Limits, keep_content: bool
) -> tuple[list[FileFacts], list[Note]]:
    """Return the facts of all files, with the signals that show only where files are followed into others, and a note
    if more of them could be."""
    files = [each.made for each in found]
    if not any(facts.links.takes for facts in files):
        return files, []
    from pydepgate.reach.again import to_follow_again  # brings in part of the evaluator

    plan, left = to_follow_again(artifact.info, files)
    message = f"uses values of other files in {left} more files than are followed together with those others"
    notes = [Note("files.linked", message)] if left else []
    if not plan:
        return files, notes
    members = _read_again(artifact, found, plan, crew)
    waiting = [
        crew.submit(_job(again, members, limits=limits, keep_content=keep_content), [members[again.path]])
        for again in plan
        if again.path in members
    ]
    more: dict[str, list[Signal]] = {}
    for results in waiting:
        for seen in results():
            for signal in seen.made or ():
                more.setdefault(signal.file, []).append(signal)
    return [_with_signals(facts, more.pop(facts.path, ())) for facts in files], notes


def _read_again(
    artifact: Artifact, found: Sequence[Found[FileFacts]], plan: Sequence[Again], crew: Crew
) -> dict[str, Member]:
    wanted = {path for again in plan for path in (again.path, *(module for module, _ in again.modules))}
    places: dict[str, tuple[Place, int]] = {}
    for each in found:
        if each.made.path in wanted:
            places.setdefault(each.made.path, (each.place, each.ceiling))
    again = dict(places.values())
    read = look_over(artifact, Job(itself, _lost_member), crew, again=again)
    return {each.made.path: each.made for each in read if not isinstance(each, Note) and each.place in again}


def _job(again: Again, members: Mapping[str, Member], *, limits: Limits, keep_content: bool) -> Job[tuple[Signal, ...]]:
    make = partial(
        _signals,
        main=(again.name, again.path),
        modules=tuple((name, path, members[path].data) for path, name in again.modules if path in members),
        limits=limits,
        keep_content=keep_content,
    )
    return Job(make, _no_signals)


def _signals(
    member: Member,
    /,
    *,
    main: tuple[str, str],
    modules: Sequence[tuple[str, str, bytes]],
    limits: Limits,
    keep_content: bool,
) -> tuple[Signal, ...]:
    from pydepgate.analyse import analyse_linked
    from pydepgate.source.modules import Module

    others = [Module(*each) for each in modules]
    return analyse_linked(member, Module(*main), others, limits=limits, keep_content=keep_content)


def _with_signals(facts: FileFacts, more: Sequence[Signal]) -> FileFacts:
    if not more:
        return facts
    from pydepgate.analyse import with_signals

    return with_signals(facts, more)


def _lost_member(path: str, size: int, /) -> Member:
    return Member(path, b"", size)


def _no_signals(path: str, size: int, /) -> tuple[Signal, ...]:
    return ()
