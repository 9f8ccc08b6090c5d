"""What kind of container some bytes are, told by the bytes alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from pydepgate.artifact.disk import read_at
from pydepgate.artifact.entry import Container, Unreadable
from pydepgate.artifact.inflate import EXPAND, MAGIC, Feed, file_chunks
from pydepgate.artifact.tars import BLOCK, TarContainer, parse_header
from pydepgate.artifact.zip_directory import END_MAGIC, LOCAL_MAGIC, MAX_TAIL, find_directory
from pydepgate.artifact.zips import ZipContainer
from pydepgate.limits import Limits

_CODE_SUFFIXES = (".py", ".pyw", ".pth", ".start")
_MACH_O = (
    b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe",
)  # fmt: skip


def find_containers(file: BinaryIO, length: int, /, *, limits: Limits) -> dict[str, Container]:
    """Return every way to read `file` (of `length` bytes) as an archive, the most likely first.

    Keys are `zip` and `tar`. There is more than one where a file was made to mean different things to
    different programs: a zip is found from its end, a tar from its start.
    """
    head = read_at(file, 0, BLOCK)
    found: dict[str, Container] = {}
    codec = compression(head)
    if codec:
        if _is_tar(_expanded_head(file, length, codec, limits)):
            found["tar"] = TarContainer(file, length, codec=codec, limits=limits)
    elif _is_tar(head):
        found["tar"] = TarContainer(file, length, limits=limits)
    if head.startswith(LOCAL_MAGIC) or find_directory(file, length):
        found["zip"] = ZipContainer(file, length, limits=limits)
    return found


def may_be_archive(data: bytes, /) -> bool:
    """Whether `find_containers` could find anything: a cheap question for the many files where it cannot."""
    return data.startswith((LOCAL_MAGIC, *MAGIC.values())) or END_MAGIC in data[-MAX_TAIL:] or _is_tar(data[:BLOCK])


def compression(head: bytes, /) -> str:
    """The name of the compressed format that starts with `head`, empty if none does."""
    return next((name for name, magic in MAGIC.items() if head.startswith(magic)), "")


def _expanded_head(file: BinaryIO, length: int, codec: str, limits: Limits) -> bytes:
    head = b""
    chunks: Iterator[bytes] = EXPAND[codec](Feed(file_chunks(file, 0, length), ratio=limits.ratio))
    try:
        for chunk in chunks:
            head += chunk
            if len(head) >= BLOCK:
                break
    except Unreadable:
        pass
    return head[:BLOCK]


def _is_tar(head: bytes) -> bool:
    return len(head) == BLOCK and bool(head.strip(b"\0")) and parse_header(head) is not None


def is_native(path: str, head: bytes, /) -> bool:
    """Whether `head` starts an ELF, PE or Mach-O file, of which the name and the head are enough.

    The name of a file that Python runs by itself is never enough: `MZ = 1` is Python, too.
    """
    if path.lower().endswith(_CODE_SUFFIXES) or b"\0" not in head:
        return False
    if head.startswith(b"\x7fELF"):
        return head[4:5] in (b"\1", b"\2") and head[5:6] in (b"\1", b"\2")
    if head.startswith(b"MZ"):
        at = int.from_bytes(head[0x3C:0x40], "little")
        return head[at : at + 4] == b"PE\0\0"
    return head.startswith(_MACH_O)
