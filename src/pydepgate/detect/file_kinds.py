"""Members that no package of Python needs, or that are something else than their name says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Final

from pydepgate.model import ArtifactInfo, FileFacts, Signal
from pydepgate.regex import regex

SIGNALS: Final = {
    "file.bytecode-only": "a compiled module stands without its source",
    "file.executable": "a package of no platform holds a program for one",
    "file.native-in-source": "a source distribution holds a compiled extension module",
    "file.native-in-pure": "a wheel of no platform holds a compiled library",
    "file.archive": "an archive stands inside the package",
    "file.disguised": "a file is something else than its name says",
    "file.script": "a script for the Windows script host or a shortcut stands in the package",
    "file.batch": "a batch or PowerShell script stands in the package",
    "file.odd-extension": "the name of a file ends in two kinds, of which the last is a program",
}

_PROGRAMS: Final = frozenset(("pe", "elf", "mach-o"))
_ARCHIVES: Final = frozenset(("zip", "tar", "gzip", "bzip2", "xz", "7z", "rar", "zstd"))
_LIBRARY: Final = regex(r"\.(?:so|pyd|dylib|dll|lib|a|o|node)(?:\.[\d.]+)?$", re.I)
_NO_PROGRAM: Final = frozenset(
    """png jpg jpeg gif bmp ico webp svg tif tiff mp3 mp4 wav ogg avi mov ttf otf woff woff2 txt md rst csv tsv json xml
    html htm css js ts yml yaml toml ini cfg conf log crt pem cer key pub pdf lock py pyi sql tmpl""".split()
)
"""Suffixes of what is neither a program nor an archive."""
_HOST_SCRIPTS: Final = frozenset("vbs vbe jse wsf wsh hta lnk scr com pif".split())
_BATCH: Final = frozenset("bat cmd ps1 psm1".split())
_ARCHIVE_SUFFIXES: Final = frozenset("zip tar gz tgz bz2 xz 7z rar whl egg jar".split())
_TWICE: Final = regex(
    r"\.(?:png|jpe?g|gif|pdf|docx?|xlsx?|txt|csv|mp[34])"
    r"\.(?:exe|scr|bat|cmd|vbs|js|lnk|py|pyw|ps1)$",
    re.I,
)
_MAX_EACH: Final = 20
_NOT_SHIPPED: Final = frozenset("test tests testing doc docs example examples testdata fixtures data_test".split())


def file_signals(info: ArtifactInfo, files: Sequence[FileFacts], base: str, /) -> Iterator[Signal]:
    """Yield what the kinds of the members show, each so many times at most; tests and documents are left out."""
    name = PurePosixPath(info.path).name
    pure = name.endswith("-none-any.whl") or info.kind in ("sdist", "directory") or "-py3-none-any" in name
    sources = {facts.path for facts in files if facts.kind == "python"}
    counts: dict[str, int] = {}
    for facts in files:
        path = PurePosixPath(facts.path.removeprefix(base))
        if facts.kind == "python" and not _TWICE.search(path.name):
            continue
        if not _NOT_SHIPPED.isdisjoint(map(str.lower, path.parts[:-1])):
            continue
        for signal, evidence in _of_file(facts, path, pure, info, sources):
            counts[signal] = counts.get(signal, 0) + 1
            if counts[signal] <= _MAX_EACH:
                yield Signal(signal, facts.path, 1, 1, evidence=(evidence,))


def _of_file(
    facts: FileFacts, path: PurePosixPath, pure: bool, info: ArtifactInfo, sources: set[str]
) -> Iterator[tuple[str, str]]:
    suffix = path.suffix.lower().removeprefix(".")
    if suffix in ("pyc", "pyo") and not _has_source(facts.path, sources):
        yield "file.bytecode-only", f"{path} has no source beside it"
    if facts.format in _PROGRAMS and pure:
        if not _LIBRARY.search(path.name):
            yield "file.executable", f"{path} is a program ({facts.format})"
        elif info.kind == "wheel":
            yield "file.native-in-pure", f"{path} is a library ({facts.format})"
        elif suffix in ("so", "pyd"):
            yield "file.native-in-source", f"{path} is compiled ({facts.format})"
    if facts.format in _ARCHIVES or suffix in _ARCHIVE_SUFFIXES:
        yield "file.archive", f"{path} is an archive"
    if suffix in _NO_PROGRAM and (facts.format in _PROGRAMS or (facts.format in _ARCHIVES and facts.format != "gzip")):
        yield "file.disguised", f"{path} is {facts.format}"
    if suffix in _HOST_SCRIPTS:
        yield "file.script", str(path)
    elif suffix in _BATCH:
        yield "file.batch", str(path)
    if _TWICE.search(path.name):
        yield "file.odd-extension", str(path)


def _has_source(path: str, sources: set[str]) -> bool:
    folder, _, name = path.rpartition("/")
    stem = name.partition(".")[0]
    folder = folder.removesuffix("__pycache__").rstrip("/")
    return f"{folder}/{stem}.py".lstrip("/") in sources
