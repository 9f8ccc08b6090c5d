"""Reads `.pyc` files and marshalled code objects without loading them: names and constants only.

Format: the interpreter's `Python/marshal.c`, versions 0 to 5 (Python 2.7 to 3.15), and PEP 3147, PEP 552 for the header
of a `.pyc` file. Nothing is executed, and no code object is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_OBJECTS = 400_000
"""Objects that are read."""

MAX_DEPTH = 120
"""Nesting that is followed."""

MAX_COUNT = 1 << 28
"""Counts and flags of a code object are smaller."""

MAX_STRINGS = 20_000
"""Strings, names and byte strings each that are kept."""

_PY2_MAGIC = {62131: "2.5", 62161: "2.6", 62171: "2.7", 62181: "2.7", 62191: "2.7", 62201: "2.7", 62211: "2.7"}
_PY3_MAGIC: tuple[tuple[int, int, str], ...] = (
    (3000, 3131, "3.0"), (3141, 3151, "3.1"), (3160, 3180, "3.2"), (3190, 3230, "3.3"), (3250, 3310, "3.4"),
    (3320, 3351, "3.5"), (3360, 3379, "3.6"), (3390, 3394, "3.7"), (3400, 3413, "3.8"), (3420, 3425, "3.9"),
    (3430, 3449, "3.10"), (3450, 3499, "3.11"), (3500, 3549, "3.12"), (3550, 3599, "3.13"), (3600, 3649, "3.14"),
    (3650, 3699, "3.15"),
)  # fmt: skip
"""First and last magic number of each version (`Lib/importlib/_bootstrap_external.py`)."""


class BytecodeError(ValueError):
    """The bytes are no code object that can be read."""


@dataclass(frozen=True, slots=True)
class Bytecode:
    """What a code object holds. `version` is `CPython 3.11`, or for bare marshal data the range that its layout
    belongs to (`CPython 3.8-3.10`); `names` are those it uses or defines, nested code included; `strings` and
    `blobs` are its constants, all with the byte offset of their first place in the data, in its order; `truncated`
    says that it was not read to its end."""

    version: str
    names: Mapping[str, int]
    strings: Mapping[str, int]
    blobs: Mapping[bytes, int]
    truncated: bool


_LAYOUTS: tuple[tuple[str, str], ...] = (
    ("3.11-3.15", "iiiiibcnn--nni--"),
    ("3.8-3.10", "iiiiiibcnnnn-ni-"),
    ("3.0-3.7", "iiiiibcnnnn-ni-"),
    ("2.7", "iiiibcnnnn-ni-"),
)
"""The versions that share a layout of the code object, and its fields in order: `i` is an int32, the others are
objects: `b` the instructions, `c` the constants, `n` a name or tuple of names, `-` a file name or table."""


def python_version(data: bytes, /) -> str:
    """Return the version that the `.pyc` header of `data` names (`CPython 3.11`), or an empty string.

    A code object has to follow it: two bytes before a line end may be anything.
    """
    if len(data) < 9 or data[2:4] != b"\r\n":
        return ""
    magic = int.from_bytes(data[:2], "little")
    version = _PY2_MAGIC.get(magic) or next((v for low, high, v in _PY3_MAGIC if low <= magic <= high), "")
    if not version:
        return ""
    version = f"CPython {version}"
    start = _header_size(data, version)
    return version if data[start : start + 1] in (b"c", b"\xe3") else ""


def read_bytecode(data: bytes, /) -> Bytecode:
    """Read a `.pyc` file or a marshalled code object; raises `BytecodeError` if it is neither."""
    version = python_version(data)
    if version:
        start = _header_size(data, version)
        layouts = [_layout_of(version)]
    else:
        start = 0
        layouts = list(_LAYOUTS)
    best: tuple[str, _Reader] | None = None
    for label, fields in layouts:
        reader = _Reader(data, start, fields)
        complete = reader.run()
        if complete:
            return _result(version or f"CPython {label}", reader, truncated=False)
        # What was cut short belongs to the layout that got furthest.
        if reader.started and (best is None or reader.position > best[1].position):
            best = label, reader
    if best is None:
        raise BytecodeError("not a marshalled code object")
    return _result(version or f"CPython {best[0]}", best[1], truncated=True)


def _result(version: str, reader: _Reader, *, truncated: bool) -> Bytecode:
    return Bytecode(version, reader.names, reader.strings, reader.blobs, truncated)


def _minor(version: str) -> tuple[int, int]:
    major, _, minor = version.removeprefix("CPython ").partition(".")
    return int(major), int(minor)


def _header_size(data: bytes, version: str) -> int:
    """8 bytes up to 3.2 (magic, time), 12 up to 3.6 (and size), 16 since 3.7 (and flags, PEP 552)."""
    number = _minor(version)
    if number < (3, 3):
        return 8
    return 12 if number < (3, 7) else 16


def _layout_of(version: str) -> tuple[str, str]:
    number = _minor(version)
    if number >= (3, 11):
        return _LAYOUTS[0]
    if number >= (3, 8):
        return _LAYOUTS[1]
    return _LAYOUTS[2] if number >= (3, 0) else _LAYOUTS[3]


class _Stop(Exception):
    """The data ends, breaks the format, or exceeds a bound."""


class _Code:
    """Stands for a code object that was read."""


_Value = str | bytes | tuple[Any, ...] | _Code | None


@dataclass(slots=True)
class _Reader:
    """One pass over marshal data. What it finds on the way stays found when the data turns out to be cut."""

    data: bytes
    position: int
    fields: str
    names: dict[str, int] = field(default_factory=dict)
    strings: dict[str, int] = field(default_factory=dict)
    blobs: dict[bytes, int] = field(default_factory=dict)
    started: bool = False
    _text_at: int = 0
    _refs: list[_Value] = field(default_factory=list)
    _interned: list[_Value] = field(default_factory=list)
    _objects: int = 0

    def run(self) -> bool:
        """Read one code object; False if that ended early. `started` says whether it looked like one."""
        try:
            if self.data[self.position] & 0x7F != ord("c"):
                return False
            self._read("c", 0)
        except (_Stop, IndexError, RecursionError):
            return False
        return True

    def _read(self, role: str, depth: int) -> _Value:
        self._objects += 1
        if self._objects > MAX_OBJECTS or depth > MAX_DEPTH:
            raise _Stop
        code = self._take(1)[0]
        letter = chr(code & 0x7F)
        slot = -1
        if code & 0x80:  # a later `r` refers to this object by its place, given before what is inside it
            slot = len(self._refs)
            self._refs.append(None)
        value = self._value(letter, role, depth)
        if slot >= 0:
            self._refs[slot] = value
        self._keep(value, role)
        return value

    def _value(self, letter: str, role: str, depth: int) -> _Value:
        if letter in _SIZES:
            self._take(_SIZES[letter])
            return None
        if letter in "saAut":
            return self._text(letter, self._take(self._length()))
        if letter in "zZ":
            return self._text(letter, self._take(self._take(1)[0]))
        if letter in "(<>[":
            return self._items(self._length(), role, depth)
        if letter == ")":
            return self._items(self._take(1)[0], role, depth)
        if letter == "c":
            return self._code(depth)
        if letter == "r":
            return self._referred(self._refs)
        if letter == "R":
            return self._referred(self._interned)
        if letter == "{":
            while self.data[self.position] != ord("0"):
                self._read(role, depth + 1)
                self._read(role, depth + 1)
            self._take(1)
        elif letter == ":":
            self._items(3, role, depth)
        elif letter == "l":
            self._take(abs(self._int()) * 2)
        elif letter == "f":
            self._take(self._take(1)[0])
        elif letter == "x":
            self._take(self._take(1)[0])
            self._take(self._take(1)[0])
        else:
            raise _Stop
        return None

    def _code(self, depth: int) -> _Code:
        instructions = False
        for kind in self.fields:
            if kind == "i":
                # Counts and flags: text that starts with a `c` shows itself here.
                if not 0 <= self._int() <= MAX_COUNT and not instructions:
                    raise _Stop
                continue
            value = self._read(kind, depth + 1)
            if not _fits(kind, value):
                raise _Stop
            if kind == "b":
                instructions = self.started = True
        return _Code()

    def _items(self, count: int, role: str, depth: int) -> _Value:
        if count > len(self.data) - self.position:  # an item takes at least one byte
            raise _Stop
        return tuple([self._read(role, depth + 1) for _ in range(count)])

    def _text(self, letter: str, raw: bytes) -> _Value:
        old = self.fields == _LAYOUTS[-1][1]
        self._text_at = self.position - len(raw)
        if letter == "s" or (letter == "t" and old):
            # In Python 2 names and text are byte strings too.
            value: _Value = raw.decode("ascii") if old and raw.isascii() and raw.decode().isprintable() else raw
        else:
            value = raw.decode("latin-1" if letter in "aAzZ" else "utf-8", "replace")
        if letter == "t":
            self._interned.append(value)
        return value

    def _keep(self, value: _Value, role: str) -> None:
        if role == "n" and isinstance(value, str):
            kept: dict[Any, int] = self.names
        elif role == "c" and isinstance(value, str):
            kept = self.strings
        elif role == "c" and isinstance(value, bytes):
            kept = self.blobs
        else:
            return
        if value and len(kept) < MAX_STRINGS:
            kept.setdefault(value, self._text_at)

    def _referred(self, table: list[_Value]) -> _Value:
        index = self._int()
        if not 0 <= index < len(table):
            raise _Stop
        self._text_at = self.position - 4
        value = table[index]
        if isinstance(value, tuple):  # its items are looked at again
            self._objects += len(value)
        return value

    def _take(self, count: int) -> bytes:
        end = self.position + count
        if end > len(self.data):
            raise _Stop
        taken = self.data[self.position : end]
        self.position = end
        return taken

    def _int(self) -> int:
        return int.from_bytes(self._take(4), "little", signed=True)

    def _length(self) -> int:
        length = self._int()
        if length < 0:
            raise _Stop
        return length


_SIZES = {"N": 0, "F": 0, "T": 0, "S": 0, ".": 0, "i": 4, "I": 8, "g": 8, "y": 16}
"""Bytes of the singletons and fixed-size numbers, which are of no interest."""


def _fits(kind: str, value: _Value) -> bool:
    """Whether a field holds what it should: a wrong layout shows here at once."""
    match kind:
        case "b":
            return isinstance(value, str | bytes)
        case "c":
            return isinstance(value, tuple)
        case "n":
            return all(isinstance(name, str | bytes) for name in (value if isinstance(value, tuple) else (value,)))
    return isinstance(value, str | bytes | tuple)
