"""Constant folding: Python's operators, string methods and builtins on constants, within bounds.

Only values that the evaluator made itself come in, and only plain data goes out: `str`, `bytes`, `int`,
`float`, `bool`, `None`, and lists, tuples and dicts of them. Whatever could grow is measured first.
Every function returns `UNKNOWN` where it cannot or will not fold.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pydepgate.limits import FOLD_BYTES
from pydepgate.source.values import UNKNOWN

_MAX_INT_BITS: Final = 8 * FOLD_BYTES
_MAX_INT_DIGITS: Final = 4000
_MAX_ITEMS: Final = 262_144

_EXPECTED_ERRORS: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    MemoryError,
    RecursionError,
)

_OPERATORS: Final[Mapping[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.BitXor: operator.xor,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.Pow: operator.pow,
}

_COMPARISONS: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
    ast.Is: lambda a, b: a is b,
    ast.IsNot: lambda a, b: a is not b,
}

_UNARY: Final[Mapping[type[ast.unaryop], Callable[[Any], Any]]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
}

_STRING_METHODS: Final = frozenset(
    """capitalize casefold count decode encode endswith find format format_map hex index isalnum isalpha isascii
    isdecimal isdigit isidentifier islower isnumeric isspace isupper join lower lstrip partition removeprefix
    removesuffix replace rfind rindex rpartition rsplit rstrip split splitlines startswith strip swapcase title
    translate upper""".split()
)
_CONTAINER_METHODS: Final = frozenset("count index get keys values items copy".split())
_INT_METHODS: Final = frozenset(("to_bytes", "bit_length"))


def binary(op: ast.operator, left: object, right: object, /) -> object:
    """Fold `left op right`."""
    function = _OPERATORS.get(type(op))
    if function is None or not _binary_fits(op, left, right):
        return UNKNOWN
    return _call(function, left, right)


def _binary_fits(op: ast.operator, left: Any, right: Any) -> bool:
    match op:
        case ast.Add():
            return size(left) + size(right) <= FOLD_BYTES
        case ast.Mult():
            if isinstance(left, int) and isinstance(right, int):
                return left.bit_length() + right.bit_length() <= _MAX_INT_BITS
            times, what = (left, right) if isinstance(left, int) else (right, left)
            return not isinstance(times, int) or size(what) * max(times, 0) <= FOLD_BYTES
        case ast.LShift():
            return isinstance(right, int) and isinstance(left, int) and left.bit_length() + right <= _MAX_INT_BITS
        case ast.Pow():
            if isinstance(left, int) and isinstance(right, int):
                return left.bit_length() * abs(right) <= 65_536
            return isinstance(left, float) or isinstance(right, float)
        case ast.Mod() if isinstance(left, str | bytes):
            return _percent_fits(left, right)
    return True


def _percent_fits(template: str | bytes, values: object) -> bool:
    text = template if isinstance(template, str) else template.decode("latin-1")
    # a width or precision of five digits or more is no honest formatting; "*" takes it from the values
    return "*" not in text and not _has_long_number(text) and size(text) + size(values) <= FOLD_BYTES


def _has_long_number(text: str, /) -> bool:
    run = 0
    for character in text:
        run = run + 1 if character.isdigit() else 0
        if run > 4:
            return True
    return False


def unary(op: ast.unaryop, operand: object, /) -> object:
    """Fold a unary operator."""
    return _call(_UNARY[type(op)], operand)


def compare(op: ast.cmpop, left: object, right: object, /) -> object:
    """Fold one comparison."""
    return _call(_COMPARISONS[type(op)], left, right)


def subscript(value: object, index: object, /) -> object:
    """Fold `value[index]`; a slice comes as a `slice` of constants."""
    return _call(operator.getitem, value, index)


def method(receiver: object, name: str, args: Sequence[Any], keywords: Mapping[str, Any], /) -> object:
    """Fold `receiver.name(*args, **keywords)` for methods that neither change the receiver nor grow without bound."""
    if isinstance(receiver, str | bytes):
        allowed, fits = name in _STRING_METHODS, _string_method_fits
    elif isinstance(receiver, list | tuple | dict):
        allowed, fits = name in _CONTAINER_METHODS, _always
    elif isinstance(receiver, int):
        allowed, fits = name in _INT_METHODS and args[:1] != [] and _small(args[0] if args else 0), _always
    else:
        return UNKNOWN
    if not allowed or not fits(receiver, name, args):
        return UNKNOWN
    return plain(_call(lambda: getattr(receiver, name)(*args, **keywords)))


def _always(receiver: object, name: str, args: Sequence[Any]) -> bool:
    return True


def _small(number: object) -> bool:
    return isinstance(number, int) and number <= FOLD_BYTES


def _string_method_fits(receiver: Any, name: str, args: Sequence[Any]) -> bool:
    if name == "replace" and len(args) >= 2:
        old, new = args[0], args[1]
        if not isinstance(old, str | bytes) or not isinstance(new, str | bytes):
            return False
        return (receiver.count(old) if old else len(receiver) + 1) * len(new) + len(receiver) <= FOLD_BYTES
    if name == "join":
        parts = args[0] if args else ()
        if isinstance(parts, list | tuple):
            return sum(map(size, parts)) + len(receiver) * len(parts) <= FOLD_BYTES
        return isinstance(parts, str | bytes) and size(parts) * (len(receiver) + 1) <= FOLD_BYTES
    if name in ("format", "format_map"):
        return isinstance(receiver, str) and not _has_long_number(receiver) and _format_is_plain(receiver)
    if name == "translate":
        table = args[0] if args else None
        if isinstance(table, dict):
            widest = max((size(v) for v in table.values()), default=1)
            return len(receiver) * max(widest, 1) <= FOLD_BYTES
        return isinstance(table, str | bytes)
    if name in ("encode", "decode"):
        return all(isinstance(a, str) for a in args) and (not args or is_text_codec(args[0]))
    return True


def _format_is_plain(template: str) -> bool:
    # `{0.attribute}` reaches further than plain data; a nested field takes its width from the values
    depth = 0
    for character in template.replace("{{", "").replace("}}", ""):
        depth += (character == "{") - (character == "}")
        if depth > 1 or (depth and character in ".["):
            return False
    return True


_TEXT_CODECS: Final = frozenset(
    """utf-8 utf8 u8 ascii us-ascii latin-1 latin1 iso-8859-1 iso8859-1 l1 cp1252 cp437 utf-16 utf16 utf-16le utf-16-le utf-16be
    utf-16-be utf-32 utf32 utf-8-sig unicode_escape unicode-escape raw_unicode_escape raw-unicode-escape utf-7 utf7""".split()
)


def is_text_codec(name: str, /) -> bool:
    """Whether `str.encode` and `bytes.decode` may be folded with this codec: those without tables to load."""
    return name.lower().replace("_", "-") in _TEXT_CODECS or name.lower() in _TEXT_CODECS


def _int(text: Any = 0, base: Any = None) -> object:
    if size(text) > _MAX_INT_DIGITS and base not in (2, 4, 8, 16, 32):
        return UNKNOWN
    return int(text) if base is None else int(text, base)


def _str(value: Any = "", encoding: Any = "utf-8", errors: Any = "strict") -> object:
    if isinstance(value, bytes):
        return value.decode(encoding, errors) if is_text_codec(encoding) else UNKNOWN
    if isinstance(value, int) and value.bit_length() > 3 * _MAX_INT_DIGITS:
        return UNKNOWN
    return str(value)


def _bytes(value: Any = b"", encoding: Any = "utf-8", errors: Any = "strict") -> object:
    if isinstance(value, str):
        return value.encode(encoding, errors) if is_text_codec(encoding) else UNKNOWN
    if isinstance(value, int):
        return bytes(value) if 0 <= value <= FOLD_BYTES else UNKNOWN
    return bytes(value)


def _range(*bounds: Any) -> object:
    numbers = range(*bounds)
    return list(numbers) if len(numbers) <= _MAX_ITEMS else UNKNOWN


def _number_text(function: Callable[[int], str]) -> Callable[[Any], object]:
    def fold(number: Any) -> object:
        return function(number) if isinstance(number, int) and number.bit_length() <= _MAX_INT_BITS else UNKNOWN

    return fold


def _pow(base: Any, exponent: Any, modulus: Any = None) -> object:
    if modulus is None:
        return binary(ast.Pow(), base, exponent)
    if max(base.bit_length(), exponent.bit_length(), modulus.bit_length()) > 16_384:
        return UNKNOWN
    return pow(base, exponent, modulus)


def _format(value: Any, spec: Any = "") -> object:
    return format(value, spec) if isinstance(spec, str) and not _has_long_number(spec) else UNKNOWN


def _zip(*columns: Any) -> object:
    return list(zip(*columns, strict=False))


def _enumerate(values: Any, start: Any = 0) -> object:
    return list(enumerate(values, start))


def _maketrans(*args: Any) -> object:
    return dict(str.maketrans(*args)) if not isinstance(args[0], bytes) else bytes.maketrans(*args)


def _from_bytes(data: Any, byteorder: Any = "big", signed: Any = False) -> object:
    return int.from_bytes(data, byteorder, signed=signed) if size(data) <= _MAX_INT_BITS // 8 else UNKNOWN


_BUILTINS: Final[Mapping[str, Callable[..., object]]] = {
    "abs": abs,
    "all": all,
    "any": any,
    "ascii": ascii,
    "bin": _number_text(bin),
    "bool": bool,
    "bytearray": _bytes,
    "bytes": _bytes,
    "bytes.maketrans": _maketrans,
    "chr": chr,
    "dict": dict,
    "divmod": divmod,
    "enumerate": _enumerate,
    "float": float,
    "format": _format,
    "frozenset": lambda values=(): sorted(set(values)),
    "hex": _number_text(hex),
    "int": _int,
    "int.from_bytes": _from_bytes,
    "iter": lambda values: list(values),
    "len": len,
    "list": lambda values=(): list(values),
    "max": max,
    "memoryview": bytes,
    "min": min,
    "oct": _number_text(oct),
    "ord": ord,
    "pow": _pow,
    "range": _range,
    "repr": repr,
    "reversed": lambda values: list(reversed(values)),
    "round": round,
    "set": lambda values=(): sorted(set(values)),
    "sorted": lambda values, reverse=False: sorted(values, reverse=bool(reverse)),
    "str": _str,
    "str.maketrans": _maketrans,
    "sum": lambda values, start=0: sum(values, start) if not isinstance(start, str) else UNKNOWN,
    "tuple": lambda values=(): tuple(values),
    "zip": _zip,
}


def is_builtin(name: str, /) -> bool:
    """Whether a resolved name is one of the builtins that are folded, which no detector asks for."""
    return name.startswith("builtins.") and name[len("builtins.") :] in _BUILTINS


def builtin(name: str, args: Sequence[Any], keywords: Mapping[str, Any], /) -> object:
    """Fold a call of the builtin of that name (without `builtins.`)."""
    function = _BUILTINS.get(name)
    if function is None or any(size(a) > FOLD_BYTES for a in args):
        return UNKNOWN
    if (
        name in ("repr", "ascii", "str")
        and args
        and isinstance(args[0], list | tuple | dict)
        and size(args[0]) > 65_536
    ):
        return UNKNOWN
    return plain(_call(function, *args, **keywords))


def format_value(value: object, conversion: int, spec: str, /) -> object:
    """Fold one replacement field of an f-string; `conversion` as in `ast.FormattedValue`."""
    if _has_long_number(spec):
        return UNKNOWN
    converters: Mapping[int, Callable[[object], str]] = {ord("s"): str, ord("r"): repr, ord("a"): ascii}
    convert = converters.get(conversion)
    return _call(lambda: format(convert(value) if convert else value, spec))


def iterate(value: object, /) -> Sequence[object] | None:
    """Return the elements of a constant that can be iterated over, or None."""
    if isinstance(value, str | bytes | list | tuple) and len(value) <= _MAX_ITEMS:
        return value
    return list(value) if isinstance(value, dict) else None


def size(value: object, /) -> int:
    """Return how much a constant holds: characters, bytes or items, those of nested lists included one level deep."""
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, list | tuple):
        return len(value) + sum(len(item) for item in value if isinstance(item, str | bytes | list | tuple))
    if isinstance(value, dict):
        return len(value) + size(list(value.values()))
    return 8


def plain(value: object, /) -> object:
    """Return the value if it is plain data (views of a dict as lists), else `UNKNOWN`."""
    if isinstance(value, bytearray):
        return bytes(value)
    if value is None or isinstance(value, str | bytes | int | float | list | tuple | dict):
        return value
    if isinstance(value, type({}.keys()) | type({}.values()) | type({}.items())):
        return list(value)
    return UNKNOWN


def _call(function: Callable[..., Any], *args: Any, **keywords: Any) -> object:
    try:
        result = function(*args, **keywords)
    except _EXPECTED_ERRORS:
        return UNKNOWN
    except BytesWarning:  # `python -bb` turns a comparison of str and bytes into an error
        return UNKNOWN
    if isinstance(result, int) and result.bit_length() > _MAX_INT_BITS:
        return UNKNOWN
    return result
