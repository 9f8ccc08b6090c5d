"""What a call does: calls of the file's own functions and classes, of library functions that are modelled, and
of the functions that reach others by name (`getattr`, `__import__`, `globals()`)."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pydepgate.limits import FOLD_BYTES
from pydepgate.regex import regex
from pydepgate.source import folding
from pydepgate.source.callbacks import call_back, serve
from pydepgate.source.exposure import follow
from pydepgate.source.files import has_fixed_address, open_result
from pydepgate.source.hooks import note_queue
from pydepgate.source.host import brought_in
from pydepgate.source.library import decode_call, might_decode
from pydepgate.source.network import is_network_call
from pydepgate.source.objects import (
    MAX_BYTEARRAY,
    MAX_PARTS,
    absorb,
    bytes_of,
    method_of,
    named,
    parts_of,
    spread_of,
    store_element,
    taken_from,
    turned,
)
from pydepgate.source.reflection import SPECIAL
from pydepgate.source.secrets import KEY_PAIR, KEY_PARAMETER, KEYS, SECRET, is_key_material, makes_public
from pydepgate.source.texts import format_text, joined_text, library_text, method_text, shape_of
from pydepgate.source.values import (
    ENVIRON,
    FIXED,
    GIVEN,
    NETWORK,
    NOTHING,
    UNKNOWN,
    Scope,
    Step,
    Value,
    derive,
    join,
    rebuild,
    same_constant,
    written_out,
)

if TYPE_CHECKING:
    from pydepgate.source.interpreter import Interpreter


@dataclass(slots=True, eq=False)
class CallSite:
    """A call as it was reached: what is called, with what, from where.

    `name` is the dotted name that the callee resolves to, empty if it does not. `disguised`: the source does not
    show that name. `receiver` is what stands in front of the last dot. `function` is the qualified name of the
    function around it, `roots` on whose behalf it runs (see `model.Signal`).
    """

    node: ast.Call
    name: str
    args: tuple[Value, ...]
    keywords: Mapping[str, Value]
    receiver: Value | None
    disguised: bool
    function: str
    roots: set[str]

    def same_call(self, other: CallSite, /) -> bool:
        """Whether nothing that a detector looks at differs."""
        return (
            self.name == other.name
            and len(self.args) == len(other.args)
            and all(map(_alike, self.args, other.args))
            and self.keywords.keys() == other.keywords.keys()
            and all(_alike(value, other.keywords[key]) for key, value in self.keywords.items())
        )

    def argument(self, index: int, keyword: str = "", /) -> Value:
        """Return an argument by position or by keyword; the empty value if it is not given."""
        if index < len(self.args):
            return self.args[index]
        return self.keywords.get(keyword, NOTHING)


def _alike(one: Value, other: Value) -> bool:
    return one is other or (
        same_constant(one.const, other.const)
        and one.name == other.name
        and one.taints == other.taints
        and one.origin == other.origin
        and (one.items is None) == (other.items is None)
        and (one.pieces == other.pieces or shape_of(one) == shape_of(other))
    )


def evaluate_call(run: Interpreter, node: ast.Call, scope: Scope) -> Value:
    """Evaluate a call: its parts, what it is recorded as, and what it gives."""
    receiver: Value | None = None
    if isinstance(node.func, ast.Attribute):
        stored = (
            scope.lookup(f"{node.func.value.id}.{node.func.attr}") if isinstance(node.func.value, ast.Name) else None
        )
        receiver = run.value(node.func.value, scope)
        callee = stored or run.attribute(receiver, node.func.attr, scope)
    else:
        callee = run.value(node.func, scope)
    args: list[Value] = []
    for arg in node.args:
        if isinstance(arg, ast.Starred):
            spread = run.value(arg.value, scope)
            args.extend(parts_of(spread) or ([spread] if spread.taints else ()))
        else:
            args.append(run.value(arg, scope))
    keywords: dict[str, Value] = {}
    for keyword in node.keywords:
        value = run.value(keyword.value, scope)
        if keyword.arg is not None:
            keywords[keyword.arg] = value
        else:
            keywords.update(_named_parts(value))
    if (owner := owner_of(callee)) is not None:
        receiver = owner
    elif callee.bound and callee.name:
        args = [*callee.bound, *args]
    site = CallSite(
        node=node,
        name=callee.name,
        args=tuple(args),
        keywords=keywords,
        receiver=receiver,
        disguised=_is_disguised(node.func, callee.name),
        function=_function_name(scope),
        roots={run.root},
    )
    if callee.name and not (receiver is not None and receiver.known) and not folding.is_builtin(callee.name):
        run.record(site)
    elif not callee.name and GIVEN in callee.taints and callee.function is None:
        run.callers.add(site.function)
    return result_of(run, site, callee, scope)


def _named_parts(value: Value) -> dict[str, Value]:
    """Return what `**value` passes; under `**` itself what is not known by name but came from somewhere."""
    parts = {str(key): part for key, part in spread_of(value).items()}
    if not value.known and value.taints and not any(value.taints <= part.taints for part in parts.values()):
        parts.setdefault("**", value)
    return parts


def owner_of(callee: Value, /) -> Value | None:
    """Return the constant whose method a value is (`join = "".join`), or None for all else."""
    owner = callee.bound[0] if len(callee.bound) == 1 else NOTHING
    return owner if owner.known and callee.name.startswith(f"{type(owner.const).__name__}.") else None


def _function_name(scope: Scope) -> str:
    while scope.is_class and scope.parent is not None:
        scope = scope.parent
    return scope.qualname


def _is_disguised(func: ast.expr, name: str) -> bool:
    shown = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
    return bool(name) and shown != name.rpartition(".")[2]


def result_of(run: Interpreter, site: CallSite, callee: Value, scope: Scope, /) -> Value:
    """Return what a call gives."""
    name, args, keywords, receiver = site.name, site.args, site.keywords, site.receiver
    if callee.function is not None:
        return run.call_local(callee.function, args, keywords)
    if callee.cls is not None:
        made = _instantiate(run, callee, args, keywords)
        if any(base.name.startswith("importlib.") for base in callee.cls.foreign_bases()):
            _load(run, site, made)
        return made
    if callee.instance_of is not None and (method := method_of(callee, "__call__")) is not None:
        return run.call_local(method, args, keywords)
    if receiver is not None and receiver.known:
        folded = _fold_method(run, name.rpartition(".")[2], receiver, args, keywords)
        if folded is not None:
            return folded
    if name == "importlib.util.spec_from_loader":
        _load(run, site, site.argument(1, "loader"))
    if (special := SPECIAL.get(name)) is not None and (found := special(run, site, scope)) is not None:
        return found
    opened = open_result(name, receiver, args, keywords) or run.files.read(site)
    if opened is not None:
        return opened
    if might_decode(name):
        given = (receiver, *args) if name.endswith(".decrypt") and receiver else args
        decoded = decode_call(name, given, keywords, site.node.lineno, work=run.work)
        if decoded is not None:
            if not decoded.known and decoded.made_with is None:
                decoded.made_with = dict(enumerate(args))
            return decoded
    if name in _TAKES_KEY and "key" in keywords:
        call_back(run, site, scope)
    if name.startswith("builtins."):
        folded = _fold_builtin(run, name.removeprefix("builtins."), args, keywords)
        if folded is not None:
            return folded
    text = library_text(name, receiver, args)
    if text is None and receiver is not None and isinstance(site.node.func, ast.Attribute):
        text = method_text(receiver, site.node.func.attr, args)
    if text is not None:
        text.taints = text.taints | (callee.taints - {ENVIRON}) | brought_in(site) | follow(run, site)
        return text
    if receiver is not None and isinstance(site.node.func, ast.Attribute):
        if (taken := taken_from(receiver, site.node.func.attr, args)) is not None:
            return taken
        _change_container(site.node.func.attr, receiver, args)
        note_queue(run, site)
        if args and name.endswith((".connect", ".connect_async")) and receiver.name:
            # what is sent later goes there
            receiver.made_with = {0: args[0]}
    call_back(run, site, scope)
    if run.handlers:
        serve(run, name)
    sources = (receiver, *args) if receiver is not None else args
    value = derive(*sources, *keywords.values())
    brought = brought_in(site)
    if name and (added := brought | follow(run, site)):
        value.taints = value.taints | added
    if name in _REBUILDERS or name.rpartition(".")[2] in _REBUILDING_TAILS:
        rebuild(value, *sources)
    if (NETWORK in brought or is_network_call(name)) and has_fixed_address((*args[:2], *keywords.values())):
        value.taints |= {FIXED}
    if value.taints & KEYS and not _keeps_key(name):
        # what a library makes of a key (an address, a signature) is not the key
        value.taints -= KEYS
    if not name or name.startswith("?"):
        return value
    result = named(f"{name}()", value, *((callee,) if callee.taints else ()))
    result.made_with = callee.made_with
    if args or keywords:
        made_with: dict[int | str, Value] = dict(enumerate(args))
        made_with.update(keywords)
        result.made_with = made_with
    if result.taints:
        step = Step(name.removeprefix("builtins."), site.node.lineno)
        result.trail = value.trail if _is_plumbing(name) else derive(value, step=step).trail
    return result


_TO_BYTES: Final = frozenset(("str", "bytes", "bytearray", "list", "tuple"))
_PASS_ON: Final = (
    """? builtins. str. bytes. json. ujson. orjson. simplejson. base64. base58. binascii. urllib. codecs. email. io.
    zlib. gzip. bz2. lzma. queue. asyncio. threading. concurrent. functools. copy. itertools. collections. re. string.
    struct. pickle. msgpack. pprint. textwrap. dataclasses. operator. requests. httpx. aiohttp. http."""
).split()
_KEEPING_TAILS: Final = frozenset(
    "encrypt dumps encode b58encode hexlify pack b64encode Request str join format".split()
)


_CARRIES: Final = regex(r"\.(?:\w*Instruction|Message\w*|Transaction|VersionedTransaction|\w*[Mm]emo\w*)$")
"""What is put into a transaction, for everybody to read."""


def _keeps_key(name: str) -> bool:
    """Whether what a call gives may still hold the key that it was given."""
    if makes_public(name.rpartition(".")[2]):
        return False
    return (
        not name
        or name.startswith(tuple(_PASS_ON))
        or name.rpartition(".")[2] in _KEEPING_TAILS
        or _CARRIES.search(name) is not None
        or is_network_call(name)
        or is_key_material(f"{name}()")
    )


_TAKES_KEY: Final = frozenset(("builtins.sorted", "builtins.min", "builtins.max"))
_REBUILDERS: Final = frozenset(
    """builtins.chr builtins.int builtins.bin builtins.int.from_bytes builtins.int.to_bytes struct.pack
    array.array""".split()
)
_REBUILDING_TAILS: Final = frozenset("translate to_bytes tobytes getdata getpixel readframes".split())
"""Functions and methods that make numbers of text, text of numbers, or other characters of characters."""


def _load(run: Interpreter, site: CallSite, loader: Value) -> None:
    """Record that what a loader of the file's own gives for a module's source is executed."""
    for name in ("get_source", "get_data", "get_code"):
        if (method := method_of(loader, name)) is not None:
            source = run.call_local(method, (), {})
            run.record(replace(site, name="builtins.exec", args=(source,), keywords={}, receiver=None, disguised=False))


def _is_plumbing(name: str) -> bool:
    return name.rpartition(".")[2] in ("read", "decode", "encode", "strip", "text", "content", "str", "bytes")


def _fold_method(
    run: Interpreter,
    method: str,
    receiver: Value,
    args: Sequence[Value],
    keywords: Mapping[str, Value],
) -> Value | None:
    if _change_container(method, receiver, args):
        return Value(const=None)
    sources = (receiver, *args, *keywords.values())
    if method == "join" and args and args[0].items is not None:
        value = derive(receiver, *args[0].items, args[0])
        if isinstance(receiver.const, str):
            value.pieces = joined_text(receiver.const, args[0].items).pieces
        return value
    if not all(value.known for value in sources):
        # an unknown part makes an unknown whole, but what is known of it still came from somewhere
        value = derive(*sources)
        if method == "format" and isinstance(receiver.const, str):
            text = format_text(receiver.const, args, keywords)
            value.pieces = text.pieces if text is not None else ()
        return value if isinstance(receiver.const, str | bytes) else None
    const = folding.method(
        receiver.const,
        method,
        [a.const for a in args],
        {k: v.const for k, v in keywords.items()},
        work=run.work,
    )
    if method == "format" and not _AS_CHARACTER.search(str(receiver.const)):
        sources = tuple(map(written_out, sources))
    return derive(*sources, const=const, transform=_transform(method, args) if const is not UNKNOWN else "")


_AS_CHARACTER: Final = regex(r"c[!}]")
"""A format that writes a number as the character that it stands for."""


def _transform(method: str, args: Sequence[Value]) -> str:
    """Return which transformation a string's method is, for the name of a layer; empty for those that hide nothing."""
    first = args[0].const if args else None
    if method == "join" and isinstance(first, list | tuple):
        return "char-list" if len(first) >= _MIN_CHARS and all(len(piece) <= 1 for piece in first) else ""
    if method == "decode" and isinstance(first, str):
        codec = first.lower().replace("_", "").replace("-", "")
        return "utf-16" if codec.startswith(("utf16", "utf32", "utf7")) else ""
    return {"translate": "alphabet", "replace": "replace"}.get(method, "")


_MIN_CHARS: Final = 16
"""Characters from which a text that is joined of single ones was taken apart to hide it."""


def _fold_builtin(run: Interpreter, name: str, args: Sequence[Value], keywords: Mapping[str, Value]) -> Value | None:
    owner, _, method = name.rpartition(".")
    everything = (*args, *keywords.values())
    if not all(value.known for value in everything):
        if name in _TRANSPARENT:
            value = derive(*everything)
            value.items = args[0].items if args else None
            if KEY_PAIR in value.taints and name in _TO_BYTES:
                value.taints |= {SECRET + KEY_PARAMETER}
            if value.items is not None and name in ("bytes", "bytearray", "reversed"):
                rebuild(value, *args[:1])
            if name in ("str", "bytes", "bytearray") and args:
                value.pieces = args[0].pieces or (args[0],)
            return value
        return None
    consts = [a.const for a in args]
    options = {key: value.const for key, value in keywords.items()}
    const = folding.builtin(name, consts, options, work=run.work)
    if const is UNKNOWN and owner in ("str", "bytes") and consts:
        const = folding.method(consts[0], method, consts[1:], options, work=run.work)
    if const is UNKNOWN and name not in _TRANSPARENT:
        return None
    transform = (
        "int-list" if name in ("bytes", "bytearray") and isinstance(consts[:1] and consts[0], list | tuple) else ""
    )
    if name == "reversed":
        transform = turned(consts[0])
    if name == "str":
        everything = tuple(map(written_out, everything))
    return derive(*everything, const=const, transform=transform)


_TRANSPARENT: Final = frozenset("str bytes bytearray list tuple set frozenset iter reversed sorted memoryview".split())
"""Builtins whose result is their argument in another shape."""


def _change_container(method: str, receiver: Value, args: Sequence[Value]) -> bool:
    """Do to a list or dict what its method does; return whether it was such a method."""
    const = receiver.const
    if isinstance(const, bytes):
        return _change_bytes(method, receiver, args)
    if method == "write" and args and receiver.name in ("io.BytesIO()", "io.StringIO()"):
        absorb(receiver, args[0])
        return False
    if method in ("append", "add", "insert", "appendleft") and args and _is_list(receiver):
        added = args[-1]
        if isinstance(const, list) and added.known and len(const) < FOLD_BYTES:
            if method == "insert" and isinstance(args[0].const, int):
                const.insert(args[0].const, added.const)
            else:
                const.append(added.const)
        else:
            receiver.items = [*parts_of(receiver), added][:MAX_PARTS]
            receiver.const = UNKNOWN
        absorb(receiver, added)
        return True
    if method == "extend" and args and _is_list(receiver):
        if isinstance(const, list) and isinstance(args[0].const, list | tuple | str | bytes):
            const.extend(args[0].const[:FOLD_BYTES])
        else:
            receiver.items = [*parts_of(receiver), *parts_of(args[0])][:MAX_PARTS]
            receiver.const = UNKNOWN
        absorb(receiver, args[0])
        return True
    if method == "reverse" and isinstance(const, list) and not args:
        const.reverse()
        return True
    if method == "update" and args and (isinstance(const, dict) or receiver.mapping is not None):
        new = args[0].const if isinstance(args[0].const, dict) else {}
        for key, value in {**{k: Value(const=v) for k, v in new.items()}, **(args[0].mapping or {})}.items():
            store_element(receiver, Value(const=key), value)
        absorb(receiver, args[0])
        return True
    return False


def _change_bytes(method: str, receiver: Value, args: Sequence[Value]) -> bool:
    """The same for a `bytearray`, which is kept as `bytes`."""
    if method not in ("append", "extend", "reverse") or not isinstance(receiver.const, bytes):
        return False
    if method == "reverse":
        receiver.const = receiver.const[::-1]
        return True
    if len(args) != 1:
        return False
    added = bytes_of(args[0].const, several=method == "extend")
    fits = added is not None and len(receiver.const) + len(added) <= MAX_BYTEARRAY
    receiver.const = receiver.const + added if added is not None and fits else UNKNOWN
    absorb(receiver, args[0])
    return True


def _is_list(value: Value) -> bool:
    return isinstance(value.const, list) or value.items is not None


def _instantiate(run: Interpreter, callee: Value, args: Sequence[Value], keywords: Mapping[str, Value]) -> Value:
    cls = callee.cls
    instance = derive(*args, *keywords.values())
    instance.instance_of = cls
    if (initialiser := method_of(instance, "__init__")) is not None:
        run.call_local(initialiser, args, keywords)
    elif cls is not None:
        for base in cls.foreign_bases():
            run.note_call(base.name)
        # a dataclass or the like: its fields are what they are given, in their order or by name
        for name, value in (*zip(cls.all_fields(), args, strict=False), *keywords.items()):
            cls.attributes[name] = join(cls.attributes.get(name), value)
    # some methods are started by the base class: a thread's `run`, a log handler's `emit`
    for name in sorted(_started_methods(cls.foreign_bases())) if cls is not None else ():
        if (method := method_of(instance, name)) is not None:
            run.call_local(method, (), {})
    return instance


def _started_methods(bases: Iterable[Value]) -> set[str]:
    return {method for base in bases for name, method in _STARTED_METHODS.items() if base.name.startswith(name)}


_STARTED_METHODS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("threading.Thread", "threading.Timer", "multiprocessing.Process"), "run"),
    "logging.": "emit",
}
"""By the beginning of a base class's name, the method that it has called by itself."""
