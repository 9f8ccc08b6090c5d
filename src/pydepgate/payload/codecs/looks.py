"""Whether the start of some bytes promises a program, a known format or an encoding of one.

For codecs that leave no mark (rot13, reversal, unknown alphabets): they are believed for what comes out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from pydepgate.payload.bytecode import python_version
from pydepgate.payload.codecs import base, compression, escapes, numbers, uu, wide
from pydepgate.payload.codecs.codec import CodecError, printable
from pydepgate.payload.magic import TAR_BLOCK, is_tar
from pydepgate.regex import regex

HEAD = 160
"""Bytes that are looked at."""

_WORDS = regex(
    rb"""(?<![\w.])(?:
        import\s+[a-z_]\w*[\s,;.] | from\s+[\w.]+\s+import\s | def\s+\w+\( | class\s+\w+[:(]
      | (?:exec|eval|print|open|compile|__import__|getattr|globals)\( | lambda\s*[\w,\s]*:
      | return\s+[\w(] | subprocess\. | os\.(?:system|popen|environ)
      | https?://[\w.-]+\.\w | powershell | cmd(?:\.exe)?\s+/c | curl\s+-\w | \#!/(?:usr/)?bin/
    ) | -----BEGIN\s""",
    re.VERBOSE,
)
_MAGIC = (
    b"\x7fELF",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"c\0\0\0\0",
    b"\xe3\0\0\0\0",
    b"\x80\x04\x95",
    b"\x80\x05\x95",
    b"PK\x03\x04",
    b"\x1f\x8b\x08",
    b"BZh91AY&SY",
    b"\xfd7zXZ\x00",
    b"\x89PNG\r\n",
    b"\xff\xd8\xff\xe0",
    b"GIF89a",
    b"%PDF-",
    b"Rar!\x1a\x07",
    b"7z\xbc\xaf\x27\x1c",
)
_FEWEST = 24
_TAR_TEXT = 4 * -(-TAR_BLOCK // 3)

_DECODERS: tuple[Callable[[bytes, int], bytes], ...] = (
    base.hex_decode,
    base.base32_decode,
    base.base64_decode,
    base.ascii85_decode,
    base.base85_decode,
)
_MARKED: tuple[Callable[[bytes], float], ...] = (
    wide.utf16_handles,
    uu.uu_handles,
    numbers.numbers_handles,
    escapes.escape_handles,
    escapes.percent_handles,
    escapes.quoted_printable_handles,
)
_SURE = 0.85


def speaks(head: bytes, /) -> bool:
    """Whether a program, a script or a file format is recognised in `head`."""
    return bool(has_signature(head) or _WORDS.search(head) or compression.zlib_handles(head))


def has_signature(head: bytes, /) -> bool:
    """Whether `head` starts a file of a known binary format."""
    if head.startswith(_MAGIC) or python_version(head):
        return True
    return head.startswith(b"MZ") and b"\x00" in head[2:8]


def promises(head: bytes, /) -> bool:
    """Whether `head` speaks for itself, is in an encoding that leaves a mark, or is the start of base-N text that
    speaks, or that is text."""
    head = head[:HEAD]
    if speaks(head) or any(handles(head) >= _SURE for handles in _MARKED):
        return True
    return any(speaks(out) or (len(out) >= _FEWEST and printable(out)) for out in _decoded(head))


def opens_known_format(text: bytes, /) -> bool:
    """Whether `text`, which has no white space, is the start of base-N text of a file of a known binary format."""
    return any(map(has_signature, _decoded(text[:HEAD]))) or _opens_tar(text)


def _opens_tar(text: bytes) -> bool:
    """Whether `text` is base64 of a tar, whose only sure mark is the checksum of its first block."""
    try:
        return len(text) > _TAR_TEXT and is_tar(base.base64_decode(text[:_TAR_TEXT], _TAR_TEXT))
    except CodecError:
        return False


def _decoded(head: bytes) -> Iterator[bytes]:
    """What the start of base-N text gives in each alphabet that it fits."""
    # All five take groups of 8, 4, 5 or 2 characters; 80 is a multiple of each.
    body = head.translate(None, b" \t\r\n")[:80].rstrip(b"=")
    if len(body) < _FEWEST:
        return
    for decode in _DECODERS:
        try:
            yield decode(body[: len(body) // 40 * 40 or len(body)], HEAD)
        except CodecError:
            continue
