"""What an artifact shows as a whole: its name and metadata, and what it is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Final

from pydepgate.detect.contents import contents_signals
from pydepgate.detect.file_kinds import file_signals
from pydepgate.detect.metadata import metadata_signals
from pydepgate.metadata import read_metadata
from pydepgate.model import ArtifactInfo, FileFacts, Runs, Signal

_ARCHIVES: Final = frozenset(("wheel", "sdist", "egg", "zip", "tar"))


def package_signals(
    info: ArtifactInfo, files: Sequence[FileFacts], seen: Sequence[tuple[Signal, Runs]], /
) -> Iterator[Signal]:
    """Yield what the whole shows; a folder or a file that does not say that it is a package is none."""
    base = top_folder(info, files)
    metadata = read_metadata(files, base=base)
    if info.kind not in _ARCHIVES and not (info.name or metadata.first("name")):
        return
    file_name = PurePosixPath(info.path).name if info.kind in _ARCHIVES else ""
    yield from metadata_signals(info, metadata, file_name)
    yield from file_signals(info, files, base)
    yield from contents_signals(info, files, metadata, seen, base, file_name=file_name)


def top_folder(info: ArtifactInfo, files: Sequence[FileFacts], /) -> str:
    """Return the one folder that holds all of a source archive, with its slash; empty if there is none."""
    tops = {facts.path.partition("/")[0] for facts in files}
    alone = len(tops) == 1 and all("/" in facts.path for facts in files)
    return f"{tops.pop()}/" if alone and info.kind in ("sdist", "tar", "zip") else ""
