"""Texts that are not wholly known: their pieces in a row, how they show, and what library functions make of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from string import Formatter
from typing import Final

from pydepgate.regex import regex
from pydepgate.source.values import UNKNOWN, Value, content_taints, derive

MAX_SHAPE: Final = 8_192
"""Characters of a shape; what is longer is cut."""
HOLE: Final = "{}"
"""What stands in a shape for what is not known and has no name."""

_MAX_PIECES: Final = 64
_MAX_TEMPLATE: Final = 65_536
_MAX_NUMBER: Final = 10**18
_PERCENT: Final = regex(r"%(?:\((?P<key>[^()]*)\))?[-#0 +]*(?:\*|\d+)?(?:\.(?:\*|\d+))?[hlL]?(?P<kind>[a-zA-Z%])")
_VARIABLE: Final = regex(r"%(\w+(?:\(x86\))?)%|\$\{(\w+)\}|\$(\w+)")


def text_of(parts: Iterable[Value], /, *, name: str = "", whole: Value | None = None) -> Value:
    """Return the text that values make in a row; `whole` is what is known of it otherwise (its taints, its way)."""
    given = list(parts)
    value = derive(*given) if whole is None else whole
    pieces = [piece for part in given for piece in (part.pieces or (part,)) if piece.const != ""]
    if len(pieces) > _MAX_PIECES:
        pieces = [*pieces[: _MAX_PIECES - 1], Value()]
    value.pieces = tuple(pieces) or (Value(const=""),)
    if name:
        value.name = name
    return value


def is_text(value: Value, /) -> bool:
    """Whether something of a value's text is known."""
    return isinstance(value.const, str) or bool(value.pieces)


def shape_of(value: Value, /) -> str:
    """Return a value as text: what is constant as it is, what has a name as `{os.environ[APPDATA]}`, `{}` for the rest.

    It is empty for what is no text, such as a list. It is bounded, and tells paths, commands and
    addresses by their constant parts: `{os.environ[APPDATA]}/x/y.exe`.
    """
    texts: list[str] = []
    room = MAX_SHAPE
    for piece in value.pieces or (value,):
        text = _shown(piece)[:room]
        texts.append(text)
        room -= len(text)
        if room <= 0:
            break
    return "".join(texts)


def _shown(piece: Value) -> str:
    const = piece.const
    if isinstance(const, str):
        return const[:MAX_SHAPE]
    if isinstance(const, bytes):
        return const[:MAX_SHAPE].decode("utf-8", "replace")
    if isinstance(const, int | float) and abs(const) < _MAX_NUMBER:
        return str(const)
    if piece.items is not None or piece.mapping is not None or isinstance(const, list | tuple | dict):
        return ""
    name = piece.name.removeprefix("builtins.")
    return HOLE if piece.known or not name or name.startswith("?") else f"{{{name}}}"


def percent_text(template: str, values: Value, /) -> Value | None:
    """Return `template % values` piece by piece, or None where it is not understood."""
    if len(template) > _MAX_TEMPLATE:
        return None
    given = _positional(values)
    parts: list[Value] = []
    end = number = 0
    for match in _PERCENT.finditer(template):
        parts.append(Value(const=template[end : match.start()]))
        end = match.end()
        if match["kind"] == "%":
            parts.append(Value(const="%"))
        elif match["key"] is not None:
            parts.append(_entry(values, match["key"]))
        else:
            parts.append(given[number] if number < len(given) else Value())
            number += 1
        if len(parts) >= 2 * _MAX_PIECES:
            break
    return text_of([*parts, Value(const=template[end:])])


def _positional(values: Value) -> Sequence[Value]:
    if values.items is not None:
        return values.items
    if isinstance(values.const, tuple):
        return [Value(const=item) for item in values.const[:_MAX_PIECES]]
    return (values,)


def _entry(values: Value, key: str) -> Value:
    if values.mapping is not None and key in values.mapping:
        return values.mapping[key]
    if isinstance(values.const, dict) and key in values.const:
        return Value(const=values.const[key])
    return Value()


def format_text(template: str, args: Sequence[Value], keywords: Mapping[str, Value], /) -> Value | None:
    """Return `template.format(*args, **keywords)` piece by piece, or None where it is not understood."""
    if len(template) > _MAX_TEMPLATE:
        return None
    parts: list[Value] = []
    automatic = 0
    try:
        for literal, name, _, _ in Formatter().parse(template):
            parts.append(Value(const=literal))
            if name is None:
                continue
            field = re.split(r"[.\[]", name, maxsplit=1)[0]
            if field == "":
                field, automatic = str(automatic), automatic + 1
            given = args[int(field)] if field.isdecimal() and int(field) < len(args) else keywords.get(field)
            parts.append(given if given is not None and field in (name, str(automatic - 1)) else Value())
            if len(parts) >= 2 * _MAX_PIECES:
                break
    except ValueError:
        return None
    return text_of(parts)


def joined_text(separator: str, parts: Sequence[Value], /) -> Value:
    """Return `separator.join(parts)` piece by piece."""
    return text_of(_between(parts[:_MAX_PIECES], Value(const=separator)))


def _between(parts: Sequence[Value], separator: Value) -> Iterator[Value]:
    for number, part in enumerate(parts):
        if number:
            yield separator
        yield part


_KEEPING: Final = frozenset("strip lstrip rstrip lower upper encode decode expandtabs casefold as_posix".split())
"""Methods that leave a text, as far as it is looked at here, as it is."""


def method_text(receiver: Value, method: str, args: Sequence[Value], /) -> Value | None:
    """Return what a method makes of a text that is not wholly known, piece by piece; None for most methods."""
    if not receiver.pieces:
        return None
    if method in _KEEPING:
        return text_of((receiver,), whole=derive(receiver, *args))
    if method == "replace" and len(args) > 1 and args[0].text and isinstance(args[1].const, str):
        old, new = args[0].text, args[1].const
        parts = [_replaced(piece, old, new) for piece in receiver.pieces]
        return text_of(parts, whole=derive(receiver, *args))
    return None


def _replaced(piece: Value, old: str, new: str) -> Value:
    text = piece.text
    if not text or len(text) + text.count(old) * len(new) > _MAX_TEMPLATE:
        return piece
    return Value(const=text.replace(old, new))


def path_text(parts: Sequence[Value], /, *, name: str) -> Value:
    """Return the path of these parts, joined as `os.path.join` does it."""
    known: list[Value] = []
    for part in parts[:_MAX_PIECES]:
        first = (part.pieces or (part,))[0].text
        if first.startswith(("/", "\\")) or first[1:3] in (":\\", ":/"):
            known.clear()
        if known and not _ends_in_separator(known[-1]):
            known.append(Value(const="/"))
        known.append(part)
    path = text_of(known, name=name, whole=derive(*parts))
    if name != PATH and all(isinstance(piece.const, str) for piece in path.pieces):
        path.const, path.pieces = shape_of(path), ()
    return path


def _ends_in_separator(part: Value) -> bool:
    return (part.pieces or (part,))[-1].text.endswith(("/", "\\"))


def directory_text(path: Value, /, *, name: str) -> Value:
    """Return what the path of a file is in."""
    pieces = path.pieces or (path,)
    last = pieces[-1].text
    cut = max(last.rfind("/"), last.rfind("\\"))
    if cut >= 0:
        return text_of((*pieces[:-1], Value(const=last[:cut] or last[: cut + 1])), name=name, whole=derive(path))
    return text_of((Value(name=f"os.path.dirname({shape_of(path).strip('{}')[:100]})"),), name=name, whole=derive(path))


def expanded_text(path: Value, /, *, name: str) -> Value:
    """Return a path in which variables of the environment are named (`%APPDATA%`, `$HOME`)."""
    parts: list[Value] = []
    for piece in path.pieces or (path,):
        text, end = piece.text, 0
        if not text or len(text) > _MAX_TEMPLATE:
            parts.append(piece)
            continue
        for match in _VARIABLE.finditer(text):
            parts.append(Value(const=text[end : match.start()]))
            parts.append(variable(match[1] or match[2] or match[3]))
            end = match.end()
        parts.append(Value(const=text[end:]))
    return text_of(parts, name=name, whole=derive(path))


def variable(name: str, /) -> Value:
    """Return the value of a variable of the environment."""
    return Value(name=f"os.environ[{name[:100]}]")


PATH: Final = "pathlib.Path()"
"""Name of every path object; its pieces tell which path it is."""
HOME: Final = "~"
"""The home directory, as a path shows it."""

_PATH_TYPES: Final = frozenset(
    """pathlib.Path pathlib.PurePath pathlib.PosixPath pathlib.WindowsPath pathlib.PurePosixPath
    pathlib.PureWindowsPath""".split()
)
_SAME_PATH: Final = frozenset(
    """os.path.abspath os.path.realpath os.path.normpath os.path.normcase os.fspath os.fsencode os.fsdecode
    shlex.quote pipes.quote ntpath.normpath posixpath.normpath""".split()
)
_SAME_OBJECT: Final = frozenset("resolve absolute expanduser as_posix".split())


def library_text(name: str, receiver: Value | None, args: Sequence[Value], /) -> Value | None:
    """Return what functions of the library that make paths and texts give; None for all others."""
    if not _is_known(name):
        return _path_method(name.rpartition(".")[2], receiver, args) if receiver and receiver.name == PATH else None
    if name in _PATH_TYPES:
        return path_text(args, name=PATH) if args else text_of((Value(const="."),), name=PATH)
    if name in _SAME_PATH and args:
        return text_of(args[:1], name=f"{name}()")
    made = _MAKERS.get(name)
    if made is not None:
        return made(args)
    if receiver is not None and receiver.name == PATH:
        return _path_method(name.rpartition(".")[2], receiver, args)
    return None


@lru_cache(maxsize=4096)
def _is_known(name: str) -> bool:
    return name in _PATH_TYPES or name in _SAME_PATH or name in _MAKERS


def _path_method(method: str, path: Value, args: Sequence[Value]) -> Value | None:
    if method in _SAME_OBJECT:
        return text_of((path,), name=PATH)
    if method == "joinpath":
        return path_text((path, *args), name=PATH)
    if method in ("with_name", "with_suffix") and args:
        folder = directory_text(path, name=PATH) if method == "with_name" else path
        return path_text((folder, *args), name=PATH) if method == "with_name" else text_of((folder, *args), name=PATH)
    return None


def _variable_of(args: Sequence[Value]) -> Value | None:
    return derive(*args, name=variable(args[0].text).name) if args and args[0].text else None


_MAKERS: Final[Mapping[str, Callable[[Sequence[Value]], Value | None]]] = {
    "os.path.join": lambda args: path_text(args, name="os.path.join()") if args else None,
    "ntpath.join": lambda args: path_text(args, name="os.path.join()") if args else None,
    "posixpath.join": lambda args: path_text(args, name="os.path.join()") if args else None,
    "os.path.dirname": lambda args: directory_text(args[0], name="os.path.dirname()") if args else None,
    "os.path.expandvars": lambda args: expanded_text(args[0], name="os.path.expandvars()") if args else None,
    "os.path.expanduser": lambda args: text_of(args[:1], name="os.path.expanduser()") if args else None,
    "os.getenv": _variable_of,
    "os.environ.get": _variable_of,
    "os.environ.pop": _variable_of,
    "os.environ.__getitem__": _variable_of,
    "pathlib.Path.home": lambda args: text_of((Value(const=HOME),), name=PATH),
    "pathlib.Path.cwd": lambda args: text_of((Value(name="os.getcwd()"),), name=PATH),
}


def path_attribute(path: Value, attribute: str, /) -> Value | None:
    """Return an attribute of a path object that is a path again."""
    if path.name == PATH and attribute == "parent":
        return directory_text(path, name=PATH)
    return None


def added_text(left: Value, right: Value, whole: Value, /) -> None:
    """Keep in `whole`, which is `left + right`, the pieces of both."""
    if whole.const is UNKNOWN and (is_text(left) or is_text(right)):
        text_of((left, right), whole=whole)


def divided_path(left: Value, right: Value, /) -> Value | None:
    """Return `left / right` where one of them is a path object."""
    return path_text((left, right), name=PATH) if PATH in (left.name, right.name) else None


def formatted_with(template: str, values: Value, whole: Value, /) -> Value:
    """Return `template % values`, of which `whole` is what is known otherwise."""
    text = percent_text(template, values)
    whole.taints = whole.taints | content_taints(values)
    if text is not None:
        whole.pieces = text.pieces
    return whole
