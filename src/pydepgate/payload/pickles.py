"""Reads a pickle's opcodes without unpickling it: globals, strings, and whether anything is called.

Format: `pickletools` of the standard library, whose `genops` only reads.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydepgate.quiet import ignore_warnings

MAX_OPCODES = 200_000
"""Opcodes that are read."""

MAX_STRINGS = 4096
"""Strings, and as many byte strings, that are kept."""

_CALLS = frozenset({"REDUCE", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "BUILD"})
_TEXTS = frozenset({
    "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"
})  # fmt: skip
_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_GETS = frozenset({"GET", "BINGET", "LONG_BINGET"})


class PickleError(ValueError):
    """The bytes are not a pickle."""


@dataclass(frozen=True, slots=True)
class Pickle:
    """What a pickle holds. `globals` are dotted (`os.system`); they, `strings` and `blobs` come with the byte offset of
    the first opcode that makes them, in its order. `reduces` says whether unpickling it would call something;
    `truncated` that it did not reach its end; `whole` that nothing follows its end."""

    globals: Mapping[str, int]
    strings: Mapping[str, int]
    blobs: Mapping[bytes, int]
    reduces: bool
    truncated: bool
    whole: bool


_RUNS: Final = frozenset(
    """os.system os.popen posix.system posix.popen nt.system nt.popen os.startfile nt.startfile pty.spawn builtins.exec
    builtins.eval builtins.compile builtins.execfile __builtin__.exec __builtin__.eval __builtin__.execfile
    __builtin__.compile importlib.import_module builtins.__import__ __builtin__.__import__ runpy.run_path
    runpy.run_module runpy._run_code code.interact timeit.timeit cProfile.run pdb.run webbrowser.open shutil.rmtree
    commands.getoutput platform.popen types.FunctionType types.CodeType marshal.loads""".split()
)
_RUN_PREFIXES: Final = (
    "subprocess.",
    "os.exec",
    "os.spawn",
    "os.posix_spawn",
    "posix.exec",
    "posix.spawn",
    "nt.spawn",
    "asyncio.subprocess.",
    "socket.",
    "urllib.request.",
    "requests.",
    "http.client.",
    "ctypes.",
    "pip.",
)


def runs_code(pickle: Pickle, /) -> tuple[str, ...]:
    """Return the functions that unpickling calls and no data is made of: they run code, processes or requests."""
    if not pickle.reduces:
        return ()
    return tuple(name for name in pickle.globals if name in _RUNS or name.startswith(_RUN_PREFIXES))


def read_pickle(data: bytes, /) -> Pickle:
    """Read the opcodes of `data`, at most `MAX_OPCODES`; raises `PickleError` if not even the first one is valid."""
    import pickletools  # few payloads look like a pickle

    names: dict[str, int] = {}
    strings: dict[str, int] = {}
    blobs: dict[bytes, int] = {}
    memo: dict[int, str] = {}
    recent: list[str] = ["", ""]  # the last two texts pushed, which STACK_GLOBAL takes
    reduces = False
    stream = io.BytesIO(data)
    count = 0
    last = ""
    ignore_warnings()
    try:
        for opcode, argument, place in pickletools.genops(stream):
            last = opcode.name
            count += 1
            if count > MAX_OPCODES or place is None:
                break
            if last in _CALLS:
                reduces = True
            if last in ("GLOBAL", "INST") and isinstance(argument, str):
                names.setdefault(argument.replace(" ", ".", 1), place)
            elif last == "STACK_GLOBAL":
                names.setdefault(".".join(part for part in recent if part), place)
            elif last in _TEXTS and isinstance(argument, str):
                recent = [recent[1], argument]
                if len(strings) < MAX_STRINGS:
                    strings.setdefault(argument, place)
            elif isinstance(argument, bytes | bytearray):
                if len(blobs) < MAX_STRINGS:
                    blobs.setdefault(bytes(argument), place)
            elif last == "MEMOIZE":
                memo[len(memo)] = recent[1]
            elif last in _PUTS and isinstance(argument, int):
                memo[argument] = recent[1]
            elif last in _GETS and isinstance(argument, int):
                recent = [recent[1], memo.get(argument, "")]
    except (ValueError, IndexError, KeyError, OverflowError, EOFError, MemoryError) as error:
        if not count:
            raise PickleError("not a pickle") from error
    if not count:
        raise PickleError("not a pickle")
    return Pickle(
        globals=names,
        strings=strings,
        blobs=blobs,
        reduces=reduces,
        truncated=last != "STOP",
        whole=last == "STOP" and not data[stream.tell() :].strip(),
    )
