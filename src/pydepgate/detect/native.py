"""Machine code that is put into memory and run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from pydepgate.detect.base import Detector, Sighting, View, path_of
from pydepgate.detect.texts import argument_text, shown
from pydepgate.regex import regex
from pydepgate.source.calls import CallSite
from pydepgate.source.values import DECODED, NETWORK, OPAQUE, content_taints

SIGNALS: Final = {
    "native.allocates": "memory is taken from Windows directly, or made executable",
    "native.writes-memory": "memory is written past Python, of this or another process",
    "native.starts-thread": "Windows starts a thread at an address",
    "native.other-process": "another process is opened to write into it or to take it over",
    "native.executable-memory": "memory that can be executed is mapped",
    "native.memory-file": "a file is made that exists in memory alone",
    "native.loads-library": "a shared library is loaded whose path is put together",
    "native.from-network": "bytes from the network are given to Windows or to memory",
    "native.from-literal": "decoded or unreadable bytes are given to Windows or to memory",
}

_ALLOCATES: Final = frozenset(
    """VirtualAlloc VirtualAllocEx VirtualProtect VirtualProtectEx HeapCreate NtAllocateVirtualMemory
    NtProtectVirtualMemory mprotect""".split()
)
_WRITES: Final = frozenset(
    """RtlMoveMemory RtlCopyMemory WriteProcessMemory NtWriteVirtualMemory memmove memcpy""".split()
)
_THREADS: Final = frozenset(
    """CreateThread CreateRemoteThread CreateRemoteThreadEx NtCreateThreadEx RtlCreateUserThread QueueUserAPC
    SetThreadContext EnumSystemLocalesA EnumSystemLocalesW EnumFontsW CreateFiber
    CreateTimerQueueTimer""".split()
)
_OTHERS: Final = frozenset(
    """VirtualAllocEx WriteProcessMemory CreateRemoteThread NtUnmapViewOfSection ZwUnmapViewOfSection
    NtWriteVirtualMemory NtCreateThreadEx QueueUserAPC SetThreadContext RtlCreateUserThread""".split()
)
_NATIVE: Final = regex(r"ctypes|windll|cdll|WinDLL|kernel32|ntdll|libc\b|ffi", re.I)


def _concerns(name: str) -> bool:
    tail = name.rpartition(".")[2]
    return tail in _INTERESTING or tail == "memfd_create" or name == "mmap.mmap" or name in _LOADERS


def _look(site: CallSite, view: View) -> Iterator[Sighting]:
    tail = site.name.rpartition(".")[2]
    if tail in _INTERESTING and _NATIVE.search(site.name):
        if tail in _ALLOCATES:
            yield view.at_call("native.allocates", site, site.name)
        if tail in _WRITES:
            yield view.at_call("native.writes-memory", site, site.name)
        if tail in _THREADS:
            yield view.at_call("native.starts-thread", site, site.name)
        if tail in _OTHERS:
            yield view.at_call("native.other-process", site, site.name)
        for value in site.args:
            taints = content_taints(value)
            if NETWORK in taints:
                yield view.at_call("native.from-network", site, path_of(value, site.name))
            if DECODED in taints or OPAQUE in taints:
                yield view.at_call(
                    "native.from-literal", site, path_of(value, site.name), literal=view.literal_of(value, site)
                )
    if site.name == "mmap.mmap" and _is_executable(site):
        yield view.at_call("native.executable-memory", site)
    if site.name == "os.memfd_create" or tail == "memfd_create":
        yield view.at_call("native.memory-file", site, site.name)
    if site.name in _LOADERS and not site.argument(0).known and site.args:
        path = argument_text(site, 0)
        yield view.at_call("native.loads-library", site, f"{site.name}: {shown(path)}")


def _is_executable(site: CallSite) -> bool:
    for keyword in ("prot", "flags", "access"):
        value = site.keywords.get(keyword)
        if value is not None and isinstance(value.const, int) and keyword == "prot" and value.const & 4:
            return True
    return "PROT_EXEC" in _source_names(site)


def _source_names(site: CallSite) -> str:
    return " ".join(child.attr for child in ast.walk(site.node) if isinstance(child, ast.Attribute))


_LOADERS: Final = frozenset(
    """ctypes.CDLL ctypes.WinDLL ctypes.PyDLL ctypes.cdll.LoadLibrary ctypes.windll.LoadLibrary
    ctypes.windll.kernel32.LoadLibraryW ctypes.windll.kernel32.LoadLibraryA""".split()
)
_INTERESTING: Final = _ALLOCATES | _WRITES | _THREADS | _OTHERS

DETECTOR: Final = Detector(
    signals=SIGNALS,
    look_at_call=_look,
    concerns=_concerns,
)
