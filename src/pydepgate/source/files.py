"""Files with identity: what is written to which path, so that it can be told when the path is read or started.

A path is known by its key: its shape, normalised, with a number for each part that has no name to know it by. Two
values with the same key are taken for the same path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pydepgate.regex import regex
from pydepgate.source.library import DOWNLOADS
from pydepgate.source.shell import shell_downloads
from pydepgate.source.texts import PATH, shape_of, text_of
from pydepgate.source.values import FILE, FIXED, NETWORK, NOTHING, Step, Value, content_taints, derive, join

if TYPE_CHECKING:
    from pydepgate.source.calls import CallSite

_MAX_FILES: Final = 256
"""Paths written by one file that are kept."""
_MAX_SYMBOLS: Final = 10_000
_PATH_OF_HANDLE: Final = "<path>"
"""Key of `Value.made_with` for the path of a temporary file, which no argument tells."""

_OPENERS: Final = (
    "open()",
    "fdopen()",
    "open_file()",
    "NamedTemporaryFile()",
    "mkstemp()[0]",
    "SpooledTemporaryFile()",
)
_READS: Final = frozenset("read readlines readline read_text read_bytes readall".split())
_NOT_THE_SAME: Final = (
    "random.",
    "uuid.",
    "secrets.",
    "tempfile.mk",
    "tempfile.Temporary",
    "tempfile.NamedTemporary",
    "time.",
)
"""Beginnings of names of what gives another value each time."""
_LOOSE: Final = regex(r"[\"'^]")
_SLASHES: Final = regex(r"[\\/]+")


@dataclass(frozen=True, slots=True)
class Write:
    """That a call writes content to a path, with its key if it is only known by that; `tree` if to files below
    it, `handle` the open file that it goes through."""

    path: Value
    content: Value
    key: str = ""
    tree: bool = False
    handle: Value | None = None


@dataclass(slots=True, eq=False)
class Written:
    """What a path holds, as far as the file that is followed wrote it; `is_data` if it was serialised."""

    key: str
    path: Value
    content: Value
    by: str
    line: int
    tree: bool = False
    handle: Value | None = None
    is_data: bool = False


@dataclass(slots=True, eq=False)
class Files:
    """The paths that a file writes."""

    written: dict[str, Written] = field(default_factory=dict)
    symbols: dict[Value, int] = field(default_factory=dict)

    def key(self, path: Value, /) -> str:
        """Return what a path is known by; empty for what is no path."""
        texts: list[str] = []
        for piece in path.pieces or (path,):
            shape = shape_of(piece)
            hole = not piece.known and shape.startswith("{")
            if hole and (shape == "{}" or piece.name.startswith(_NOT_THE_SAME)):
                if len(self.symbols) >= _MAX_SYMBOLS:
                    return ""
                shape = f"{{#{self.symbols.setdefault(piece, len(self.symbols))}}}"
            texts.append(shape)
        return normal("".join(texts))

    def note(self, site: CallSite, /) -> None:
        """Keep what a call writes."""
        if not might_write(site.name):
            return
        for write in self.writes_of(site):
            key = write.key or self.key(write.path)
            if not key.strip("/.~") and not write.tree:
                continue
            old = self.written.get(key)
            content = derive(write.content, const=write.content.const, step=Step(_said(site.name), site.node.lineno))
            content.pieces = write.content.pieces
            content.taints = content.taints | content_taints(write.content)
            if FILE in content.taints and (copied := self.content_of(write.content)) is not None:
                content = copied
            if old is not None:
                same = write.handle is not None and old.handle is write.handle
                content = text_of((old.content, content)) if same else join(old.content, content)
            elif len(self.written) >= _MAX_FILES:
                continue
            is_data = write.content.name.endswith(_SERIALISED) or site.name.endswith(".dump")
            self.written[key] = Written(
                key, write.path, content, site.name, site.node.lineno, write.tree, write.handle, is_data
            )

    def writes_of(self, site: CallSite, /) -> Iterator[Write]:
        """Yield what a call writes to which paths."""
        name, receiver = site.name, site.receiver
        method = name.rpartition(".")[2]
        if method in _COMMANDS:
            for key, fixed in shell_downloads(self.words(site.argument(0, "args"))):
                taints = frozenset((NETWORK, FIXED)) if fixed else frozenset((NETWORK,))
                yield Write(Value(const=key), Value(taints=taints), key)
        if receiver is not None and method in _METHODS:
            yield from _METHODS[method](site, receiver)
        if name in DOWNLOADS:
            yield from _download(site)
        elif name in _FUNCTIONS:
            yield from _FUNCTIONS[name](site)

    def words(self, command: Value, /) -> list[str]:
        """Return the words of a command, as keys: its elements if it is a list, else all of it as one."""
        if isinstance(command.const, list | tuple):
            return [normal(shape_of(Value(const=part))) for part in command.const[:_MAX_WORDS]]
        parts = command.items if command.items is not None else [command]
        return [self.key(part) for part in parts[:_MAX_WORDS]]

    def content_of(self, path: Value, /) -> Value | None:
        """Return what was written to a path, or to the folder that it is in."""
        key = self.key(path) if self.written else ""
        found = self.written.get(key) or next(
            (each for each in self.written.values() if each.tree and key.startswith(f"{each.key}/")), None
        )
        return found.content if found is not None else None

    def read(self, site: CallSite, /) -> Value | None:
        """Return what reading a path gives that was written before, by a call or by opening it; else None."""
        if not self.written or site.receiver is None or site.name.rpartition(".")[2] not in _READS:
            return None
        path = site.receiver if site.receiver.name == PATH else path_of_handle(site.receiver)
        content = self.content_of(path) if path is not None else None
        # of a structure, what is taken out of it again is not what was put in elsewhere
        if content is None or self.written.get(self.key(path or NOTHING), _NO_DATA).is_data:
            return None
        value = derive(content, site.receiver, const=content.const, name=f"{site.name}()")
        value.pieces = content.pieces
        return value


@lru_cache(maxsize=4096)
def might_write(name: str, /) -> bool:
    """Whether a call of that resolved name may write a file (see `Files.writes_of`)."""
    method = name.rpartition(".")[2]
    return method in _COMMANDS or method in _METHODS or name in DOWNLOADS or name in _FUNCTIONS


def _said(name: str) -> str:
    return name.removeprefix("builtins.")


def normal(path: str, /) -> str:
    """Return a path, or a command, without what makes no difference: quotes, kinds of slashes, case."""
    return _SLASHES.sub("/", _LOOSE.sub("", path)).strip().removeprefix("./").lower()


def path_of_handle(handle: Value, /) -> Value | None:
    """Return the path that an open file was opened with."""
    for _ in range(_MAX_HANDLES):
        made = handle.made_with
        if made is None or not handle.name.endswith(_OPENERS):
            return None
        path = next((made[way] for way in _PATH_ARGUMENTS if way in made), None)
        if path is None or not path.name.endswith(_OPENERS):
            return path
        handle = path
    return None


_MAX_HANDLES: Final = 8
_SERIALISED: Final = ("dumps()", "dump()", "urlencode()")
_NO_DATA: Final = Written("", NOTHING, NOTHING, "", 0)
_PATH_ARGUMENTS: Final = (_PATH_OF_HANDLE, 0, "file", "path", "filename", "name")


def open_result(
    name: str, receiver: Value | None, args: Sequence[Value], keywords: Mapping[str, Value]
) -> Value | None:
    """Return the open file that some functions give, so that it tells its path; None for all others."""
    if name == f"{PATH}.open" and receiver is not None:
        given: dict[int | str, Value] = {0: receiver, **dict(enumerate(args, 1)), **dict(keywords.items())}
        return Value(name="builtins.open()", made_with=given, taints=receiver.taints | {FILE})
    if name in ("tempfile.NamedTemporaryFile", "tempfile.mkstemp", "tempfile.mktemp"):
        first = 0 if name.endswith("mkstemp") else 2 if name.endswith("File") else 0
        suffix = keywords.get("suffix") or (args[first] if len(args) > first else NOTHING)
        folder = keywords.get("dir") or Value(name="tempfile.gettempdir()")
        path = text_of((folder, Value(const="/tmp"), Value(), suffix if suffix is not NOTHING else Value(const="")))
        if name.endswith("mktemp"):
            return path
        handle = Value(name=f"{name}()", made_with={_PATH_OF_HANDLE: path})
        if name.endswith("mkstemp"):
            handle.name += "[0]"
            return Value(items=[handle, path])
        return handle
    return None


def file_attribute(owner: Value, attribute: str, /) -> Value | None:
    """Return the path of an open file."""
    return path_of_handle(owner) if attribute == "name" and owner.made_with else None


_MAX_WORDS: Final = 64
_COMMANDS: Final = frozenset(
    """system popen Popen run call check_call check_output getoutput getstatusoutput create_subprocess_exec
    create_subprocess_shell""".split()
)


def _through_handle(site: CallSite, handle: Value) -> Iterator[Write]:
    path = path_of_handle(handle)
    if path is not None and site.args:
        yield Write(path, site.args[0], handle=handle)


def _to_path(site: CallSite, receiver: Value) -> Iterator[Write]:
    if receiver.name == PATH and site.args:
        yield Write(receiver, site.args[0])


def _extract(site: CallSite, receiver: Value) -> Iterator[Write]:
    made = receiver.made_with or {}
    folder = site.argument(0 if site.name.endswith("all") else 1, "path")
    archive = next((made[way] for way in (0, "file", "name", "fileobj") if way in made), NOTHING)
    if folder is NOTHING:
        folder = Value(const=".")
    yield Write(folder, _same_path(archive, receiver.taints | archive.taints | {FILE}), tree=True)


def _moved_path(site: CallSite, receiver: Value) -> Iterator[Write]:
    if receiver.name == PATH and site.args:
        yield from _copied(receiver, site.args[0])


def _by_callback(site: CallSite, receiver: Value) -> Iterator[Write]:
    callback = site.argument(1, "callback")
    if callback.name.endswith(".write"):
        path = next(iter((callback.made_with or {}).values()), None)
        if path is not None:
            yield Write(path, derive(receiver, Value(taints=frozenset((NETWORK,)))))


_METHODS: Final[Mapping[str, Callable[[CallSite, Value], Iterator[Write]]]] = {
    "write": _through_handle,
    "writelines": _through_handle,
    "write_text": _to_path,
    "write_bytes": _to_path,
    "extractall": _extract,
    "extract": _extract,
    "rename": _moved_path,
    "replace": _moved_path,
    "retrbinary": _by_callback,
}


def _download(site: CallSite) -> Iterator[Write]:
    position, keyword = DOWNLOADS[site.name]
    path = site.argument(position, keyword)
    if path is not NOTHING:
        url = site.argument(0, "url")
        taints = {NETWORK, FIXED} if has_fixed_address((url,)) else {NETWORK}
        yield Write(path, derive(url, Value(taints=frozenset(taints)), step=Step(site.name, site.node.lineno)))


def _copied(source: Value, target: Value) -> Iterator[Write]:
    yield Write(target, _same_path(source, frozenset((FILE,))))


def _same_path(path: Value, taints: frozenset[str]) -> Value:
    """Return what is in a file that is copied: it is known by its path, for `Files.note` to look up."""
    return Value(const=path.const, name=path.name, pieces=path.pieces or (path,), taints=taints)


def _copy(site: CallSite) -> Iterator[Write]:
    if len(site.args) > 1:
        yield from _copied(site.args[0], site.args[1])


def _copy_object(site: CallSite) -> Iterator[Write]:
    source, target = site.argument(0, "fsrc"), site.argument(1, "fdst")
    path = path_of_handle(target)
    if path is not None:
        yield Write(path, source)


def _dump(site: CallSite) -> Iterator[Write]:
    path = path_of_handle(site.argument(1, "fp"))
    if path is not None:
        yield Write(path, derive(site.args[0]))


def _os_write(site: CallSite) -> Iterator[Write]:
    path = path_of_handle(site.argument(0))
    if path is not None and len(site.args) > 1:
        yield Write(path, site.args[1], handle=site.args[0])


def _print(site: CallSite) -> Iterator[Write]:
    path = path_of_handle(site.keywords.get("file", NOTHING))
    if path is not None and site.args:
        yield Write(path, site.args[0], handle=site.keywords["file"])


def _unpack(site: CallSite) -> Iterator[Write]:
    if len(site.args) > 1:
        yield Write(site.args[1], _same_path(site.args[0], frozenset((FILE,))), tree=True)


_FUNCTIONS: Final[Mapping[str, Callable[[CallSite], Iterator[Write]]]] = {
    **dict.fromkeys(("shutil.copy", "shutil.copy2", "shutil.copyfile", "shutil.move"), _copy),
    **dict.fromkeys(("os.rename", "os.replace", "os.link", "os.renames"), _copy),
    "shutil.copyfileobj": _copy_object,
    "shutil.unpack_archive": _unpack,
    "json.dump": _dump,
    "pickle.dump": _dump,
    "marshal.dump": _dump,
    "os.write": _os_write,
    "builtins.print": _print,
}

_ADDRESS: Final = regex(r"\s*(?:https?|ftps?)://(?:[^/@{}\s]*@)?(?:[\w-]+\.)+\w+(?=[:/?#]|$)", re.I)


def has_fixed_address(values: Sequence[Value], /) -> bool:
    """Whether one of the values is an address, or a request made of one, whose host is written in the source."""
    for value in values:
        made = value.made_with or {}
        url = made.get(0) or made.get("url") or made.get("full_url")
        if any(_ADDRESS.match(shape_of(each)) for each in (value, url) if each is not None):
            return True
    return False
