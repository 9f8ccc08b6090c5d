"""Disguises that need no key and leave no mark: rot13 and reversal.

Neither can be told by its alphabet, so each is believed only when undoing it shows something that was not there before.
"""

from __future__ import annotations

from pydepgate.payload.codecs import base
from pydepgate.payload.codecs.codec import Codec, within
from pydepgate.payload.codecs.looks import HEAD, promises

_SHOWN = 0.88
_POSSIBLE = 0.26
_ENCODED = 0.7
_LONG = 96

_UPPER = bytes(range(ord("A"), ord("Z") + 1))
_LETTERS = _UPPER + _UPPER.lower()
_ROTATED = _UPPER[13:] + _UPPER[:13]
_ROT13 = bytes.maketrans(_LETTERS, _ROTATED + _ROTATED.lower())


def _sure(undone: bytes, given: bytes, *, length: int) -> float:
    """How sure a disguise is from two heads: what undoing it shows, and what shows as it is. A long encoded text may be
    disguised even if neither shows anything; it is worth a try, the last one."""
    if promises(undone):
        return _POSSIBLE if promises(given) else _SHOWN
    if length < _LONG:
        return 0.0
    encoded = max(handles(undone) for handles in (base.base64_handles, base.ascii85_handles, base.base85_handles))
    return _POSSIBLE if encoded >= _ENCODED else 0.0


def rot13_handles(data: bytes, /) -> float:
    """How sure it is that `data` is rot13: whether its rotated head shows what its head does not."""
    head = data[:HEAD]
    if len(data) < 12 or len(head.translate(None, _LETTERS)) == len(head):
        return 0.0
    return _sure(head.translate(_ROT13), head, length=len(data))


def rot13_decode(data: bytes, limit: int, /) -> bytes:
    """Rotate ASCII letters by 13 places; all else stays."""
    return within(data.translate(_ROT13), limit)


def reverse_handles(data: bytes, /) -> float:
    """How sure it is that `data` is reversed: base-N padding in front, or a reversed end that shows
    what the head does not."""
    if len(data) < 12:
        return 0.0
    if data.startswith(b"=") and base.base64_handles(data[HEAD::-1]) >= _ENCODED - 0.3:
        return _SHOWN
    return _sure(data[: -HEAD - 1 : -1], data[:HEAD], length=len(data))


def reverse_decode(data: bytes, limit: int, /) -> bytes:
    """Reverse the bytes, or the characters where only that gives valid UTF-8 again."""
    out = data[::-1]
    if not data.isascii() and not _is_utf8(out) and _is_utf8(data):
        out = data.decode("utf-8")[::-1].encode("utf-8")
    return within(out, limit)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


ROT13 = Codec("rot13", rot13_handles, rot13_decode)
REVERSE = Codec("reverse", reverse_handles, reverse_decode)
