"""Finds the telling pieces of a content, each with its offset: imports, processes, addresses, paths, secrets."""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate, chain

from pydepgate.limits import MAX_INDICATORS
from pydepgate.model import Indicator
from pydepgate.payload.bytecode import BytecodeError, read_bytecode
from pydepgate.payload.classify import Kind
from pydepgate.payload.entropy import base64_like
from pydepgate.payload.keys import pem_blocks
from pydepgate.payload.patterns import (
    DOMAIN_BARE,
    DOMAIN_QUOTED,
    ENCODED,
    ENCODED_ESCAPES,
    ENCODED_INTEGERS,
    FETCH,
    PATTERNS,
    PYTHON_MODULES,
    Pattern,
)
from pydepgate.payload.pickles import Pickle, PickleError, read_pickle
from pydepgate.regex import regex

HEAD_BYTES = 3 * 1024 * 1024
"""Bytes at the start of a content that are searched."""

TAIL_BYTES = 1024 * 1024
"""Bytes at its end that are searched too: padding in front must not hide what follows."""

MAX_VALUE = 200
"""Characters of a value that are kept."""

_PROGRAM_TEXT = frozenset({"python-source", "javascript", "powershell", "batch", "css"})
_COMMAND_TEXT = frozenset({"python-source", "shell-script", "powershell", "batch", "text", "javascript"})
_TEXT = _COMMAND_TEXT | {"json", "xml", "html", "svg", "css"}
_BROWSER_TEXT = frozenset({"javascript", "html", "svg"})
_LOADED = frozenset({"python-bytecode", "marshal", "pickle"})
_NATIVE = frozenset({"pe", "elf", "mach-o", "binary", "pdf", "wasm", "java-class", "sqlite"})

_MODULE = rb"[A-Za-z_]\w*+(?:\.[A-Za-z_]\w*+)*+"
_AS = rb"(?:[ \t]++as[ \t]++[A-Za-z_]\w*+)?"
_STATEMENT_END = rb"[ \t]*+(?=$|[;#\\\"'\r)])"
_IMPORT = regex(
    rb"(?:^[ \t]*+(?:>>>[ \t]*+)?|[;:\"'][ \t]*+|\\n[ \t]*+)(?:import[ \t]++("
    + _MODULE + _AS + rb"(?:[ \t]*+,[ \t]*+" + _MODULE + _AS + rb")*+)" + _STATEMENT_END
    + rb"|from[ \t]++(\.*+(?:" + _MODULE + rb")?)[ \t]++import[ \t]*+[\w(*\\])",
    re.MULTILINE,
)  # fmt: skip
_IMPORT_CALL = regex(
    rb"(?:__import__|import_module)[ \t]*+\([ \t\r\n]*+b?[\"'](" + _MODULE + rb")[\"']"
)  # fmt: skip
_ALIASED = regex(rb"(" + _MODULE + rb")" + _AS + rb"[ \t]*+(?:,[ \t]*+|$)")

_VERSION_CONTEXT = regex(rb"(?i)(?:version|release|v|[=<>~!]=|oid)[\s\"':=(_]*+$")
_CALL_NAMES = {
    "exec": frozenset("exec eval compile execfile __import__".split()),
    "process": frozenset(
        "system popen Popen check_output check_call getoutput execv execve spawn startfile create_subprocess_exec "
        "create_subprocess_shell CreateProcess ShellExecuteW".split()
    ),
    "network": frozenset(
        "urlopen urlretrieve create_connection HTTPSConnection HTTPConnection SMTP ClientSession gethostbyname".split()
    ),
}
"""Names that tell by themselves in a bytecode's list of names."""


def indicators(data: bytes, kind: Kind, /) -> tuple[Indicator, ...]:
    """Return the indicators of a content of that kind, by offset, each kind and value once, at most `MAX_INDICATORS`.

    No kind of indicator can crowd out another: each keeps a share of the places, its first and its last ones.
    """
    first: dict[tuple[str, str], Indicator] = {}
    for found in _found(data, kind):
        key = found.kind, found.value
        kept = first.get(key)
        if kept is None or found.offset < kept.offset:
            first[key] = found
    return _fair_share(sorted(first.values(), key=lambda one: (one.offset, one.kind, one.value)))


def _found(data: bytes, kind: Kind) -> Iterator[Indicator]:
    if kind.name in _LOADED:
        yield from _loaded(data, kind)
    elif kind.name in _TEXT or kind.name in _NATIVE:
        for start, window in _windows(data):
            yield from _searched(window, start, kind)
    if kind.name not in _LOADED:
        yield from _pem(data[: HEAD_BYTES + TAIL_BYTES], 0)


def _windows(data: bytes) -> Iterator[tuple[int, bytes]]:
    yield 0, data[:HEAD_BYTES]
    if len(data) > HEAD_BYTES:
        start = max(HEAD_BYTES, len(data) - TAIL_BYTES)
        yield start, data[start:]


def _searched(data: bytes, start: int, kind: Kind) -> Iterator[Indicator]:
    native = kind.name in _NATIVE
    lower = data.lower()
    for pattern in PATTERNS:
        if (pattern.binary or not native) and pattern.possible(lower):
            yield from _matches(pattern, data, start, pattern.places(lower))
    if native:
        return
    yield from _matches(DOMAIN_QUOTED if kind.name in _PROGRAM_TEXT else DOMAIN_BARE, data, start, [(0, len(data))])
    if kind.name in _BROWSER_TEXT and FETCH.possible(lower):
        yield from _matches(FETCH, data, start, FETCH.places(lower))
    if kind.name in _COMMAND_TEXT:
        yield from _imports(data, start)
    yield from _encodings(data, start)


def _matches(pattern: Pattern, data: bytes, start: int, places: list[tuple[int, int]]) -> Iterator[Indicator]:
    for match in chain.from_iterable(pattern.regex.finditer(data, low, high) for low, high in places):
        group = match.lastindex or 0
        value = match[group].decode("ascii", "replace").strip()
        if pattern.kind == "url":
            value = value.rstrip(".,;:)]}\\`|*")
        if _plausible(pattern.kind, value, data, match.start(group)):
            yield Indicator(pattern.kind, value[:MAX_VALUE], start + match.start(group))


def _plausible(kind: str, value: str, data: bytes, position: int) -> bool:
    match kind:
        case "ip" if ":" in value:
            return _is_ipv6(value)
        case "ip":
            return not _VERSION_CONTEXT.search(data, max(0, position - 24), position)
        case "port":
            return 0 < int(value) < 65536
        case "url":
            return len(value.partition("://")[2]) >= 3
        case "exec" | "process" | "network":
            return not data[max(0, position - 4) : position].endswith((b"def ", b"ion "))
    return bool(value)


def _is_ipv6(value: str) -> bool:
    try:
        ipaddress.IPv6Address(value)
    except ValueError:
        return False
    return True


def _imports(data: bytes, start: int) -> Iterator[Indicator]:
    for match in _IMPORT.finditer(data):
        if match[1] is None:
            yield Indicator("import", match[2].decode("ascii", "replace"), start + match.start(2))
            continue
        for module in _ALIASED.finditer(match[1]):
            yield Indicator("import", module[1].decode("ascii", "replace"), start + match.start(1) + module.start(1))
    for match in _IMPORT_CALL.finditer(data):
        yield Indicator("import", match[1].decode("ascii", "replace"), start + match.start(1))


def _encodings(data: bytes, start: int) -> Iterator[Indicator]:
    covered = [(block.offset, block.offset + block.der_size * 4 // 3 + 60) for block in pem_blocks(data)]
    for match in ENCODED.finditer(data):
        run = match[0]
        if any(low <= match.start() < high for low, high in covered):
            continue
        if not run.translate(None, b"0123456789abcdefABCDEF") and len(set(run)) > 5:
            yield Indicator("encoding", f"hex, {len(run)} characters", start + match.start())
        elif base64_like(run):
            yield Indicator("encoding", f"base64, {len(run)} characters", start + match.start())
    for encoded, name in ((ENCODED_ESCAPES, "escape"), (ENCODED_INTEGERS, "int-list")):
        for match in encoded.finditer(data):
            yield Indicator("encoding", f"{name}, {len(match[0])} characters", start + match.start())


def _pem(data: bytes, start: int) -> Iterator[Indicator]:
    for block in pem_blocks(data):
        bits = f"{block.bits} bits, " if block.bits else ""
        yield Indicator("pem", f"{block.kind}, {bits}{block.der_size} bytes DER", start + block.offset)


def _loaded(data: bytes, kind: Kind) -> Iterator[Indicator]:
    """The names and constants of bytecode, or the globals and strings of a pickle."""
    try:
        held = read_pickle(data) if kind.name == "pickle" else read_bytecode(data)
    except (BytecodeError, PickleError):
        return
    if isinstance(held, Pickle):
        yield from _globals(held)
    else:
        for name, place in held.names.items():
            yield from _named(name, place)
    yield from _constants(
        [*((text.encode("utf-8", "replace"), at) for text, at in held.strings.items()), *held.blobs.items()]
    )


def _constants(texts: list[tuple[bytes, int]]) -> Iterator[Indicator]:
    """Search constants, given with their places, as one text: one by one would take long for thousands."""
    together = b"\n".join(text for text, _ in texts)
    starts = list(accumulate((len(text) + 1 for text, _ in texts), initial=0))
    for start, window in _windows(together):
        for found in chain(_searched(window, start, Kind("text")), _pem(window, start)):
            index = bisect_right(starts, found.offset) - 1
            yield Indicator(found.kind, found.value, texts[index][1] + found.offset - starts[index])


def _globals(pickle: Pickle) -> Iterator[Indicator]:
    for name, place in pickle.globals.items():
        module, _, attribute = name.rpartition(".")
        yield Indicator("import", module[:MAX_VALUE], place)
        yield from _calls(attribute, name, place)
        for found in _searched(name.encode("utf-8", "replace"), 0, Kind("text")):
            if found.kind in ("process", "network", "exec"):
                yield Indicator(found.kind, found.value, place)


def _named(name: str, place: int) -> Iterator[Indicator]:
    if name.partition(".")[0] in PYTHON_MODULES:
        yield Indicator("import", name[:MAX_VALUE], place)
    yield from _calls(name, name, place)


def _calls(attribute: str, name: str, place: int) -> Iterator[Indicator]:
    for kind, known in _CALL_NAMES.items():
        if attribute in known:
            yield Indicator(kind, name[:MAX_VALUE], place)


def _fair_share(found: list[Indicator]) -> tuple[Indicator, ...]:
    if len(found) <= MAX_INDICATORS:
        return tuple(found)
    by_kind: dict[str, list[Indicator]] = {}
    for one in found:
        by_kind.setdefault(one.kind, []).append(one)
    left = MAX_INDICATORS
    kept: list[Indicator] = []
    # The smallest group first, so that what it leaves of its share goes to the larger ones.
    for number, group in enumerate(sorted(by_kind.values(), key=lambda one: (len(one), one[0].offset))):
        share = min(len(group), left // (len(by_kind) - number))
        kept += group[: share - share // 2] + group[len(group) - share // 2 :]
        left -= share
    return tuple(sorted(kept, key=lambda one: (one.offset, one.kind, one.value)))
