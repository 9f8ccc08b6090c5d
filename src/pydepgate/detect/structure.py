"""What the archive itself says: members that cannot be read, that readers disagree about, that lead elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from pydepgate.model import ArtifactInfo, Note, Signal

SIGNALS: Final = {
    "archive.damaged": "the archive breaks its format",
    "archive.polyglot": "the archive is two archives at once, and readers see one or the other",
    "archive.trailing": "data or members follow the end of the archive, where only some readers see them",
    "archive.truncated": "the archive is cut short",
    "archive.unreadable": "the archive could not be read to its end",
    "limit.artifact-bytes": "the artifact is larger than the limit, and what is beyond it was not read",
    "limit.member-bytes": "a member is larger than the limit, and what is beyond it was not read",
    "limit.members": "there are more members than the limit, and the rest was not read",
    "limit.nesting": "an archive inside archives is deeper than the limit, and was not opened",
    "limit.peek-budget": "literals of a file decode to more than the limit, and the rest was not decoded",
    "limit.ratio": "something expands by more than the limit, and was not read to its end",
    "member.crc": "a member's checksum is wrong",
    "member.duplicate": "two members have the same path",
    "member.encrypted": "a member is encrypted and could not be read",
    "member.mismatch": "the two headers of a zip member disagree",
    "member.path": "a member's name leads out of the tree, or holds characters that no name needs",
    "member.size": "a member's size is not what its header says",
    "member.unlisted": "a zip member is not in the zip's directory, where installers look",
    "member.unreadable": "a member could not be read",
    "worker.died": "a member ended the process that analysed it, and was not checked",
}

_ARCHIVES: Final = frozenset(("wheel", "sdist", "egg", "zip", "tar"))


def structure_signals(info: ArtifactInfo, notes: Iterable[Note], /) -> Iterator[Signal]:
    """Yield the notes that are signals too: what was not looked at always, the rest in archives: in folders it is not
    unusual."""
    for note in notes:
        if note.code in SIGNALS and (info.kind in _ARCHIVES or note.code.startswith(("limit.", "worker."))):
            yield Signal(note.code, note.file, 1, 1, evidence=(f"{note.file or 'the artifact'} {note.message}",))
