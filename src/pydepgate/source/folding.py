"""Constant folding: Python's operators, string methods and builtins on constants, within bounds.

Only values that the evaluator made itself come in, and only plain data goes out: `str`, `bytes`, `int`,
`float`, `bool`, `None`, and lists, tuples and dicts of them; a `bytearray` is kept as `bytes`, a set as a sorted
list. Whatever could grow is measured first, and all work is counted. Every function returns `UNKNOWN` where it cannot
or will not fold.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pydepgate.source.bounds import (
    MAX_ARITHMETIC_BITS,
    MAX_DIGITS,
    MAX_ITEMS,
    Work,
    encoded_fits,
    format_fits,
    length,
    percent_fits,
    repr_fits,
    spec_width,
    surely_light,
    text_fits,
    translate_fits,
    weight,
)
from pydepgate.source.values import UNKNOWN

_MAX_POWER_MODULUS_BITS: Final = 4_096
_MAX_COMPARED: Final = 65_536
"""Characters, as `bounds.weight` counts them, of a container that is compared or searched."""

_EXPECTED_ERRORS: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    MemoryError,
    RecursionError,
    Warning,  # where the caller has turned warnings into errors
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
_CASE_METHODS: Final = frozenset("capitalize casefold lower swapcase title upper".split())
_SPLITTERS: Final = frozenset("split rsplit splitlines".split())


def binary(op: ast.operator, left: object, right: object, /, *, work: Work) -> object:
    """Fold `left op right`."""
    function = _OPERATORS.get(type(op))
    if function is None or not work.allows(left, right) or not _binary_fits(op, left, right, work.limit):
        return UNKNOWN
    return _call(function, left, right, work=work)


def _binary_fits(op: ast.operator, left: Any, right: Any, limit: int) -> bool:
    if isinstance(left, int) and isinstance(right, int):
        return _integers_fit(op, left, right, 8 * limit)
    match op:
        case ast.Add():
            return length(left) + length(right) <= limit
        case ast.Mult():
            times, what = (left, right) if isinstance(left, int) else (right, left)
            return not isinstance(times, int) or length(what) * max(times, 0) <= limit
        case ast.Mod() if isinstance(left, str | bytes):
            return percent_fits(left, right, limit)
    return True


def _integers_fit(op: ast.operator, left: int, right: int, max_bits: int) -> bool:
    bits = max(left.bit_length(), right.bit_length())
    match op:
        case ast.LShift():
            return left.bit_length() + right <= max_bits
        case ast.Pow():
            return left.bit_length() * abs(right) <= MAX_ARITHMETIC_BITS
        case ast.Mult() | ast.Div() | ast.FloorDiv() | ast.Mod():
            return bits <= MAX_ARITHMETIC_BITS
    return bits <= max_bits


def unary(op: ast.unaryop, operand: object, /, *, work: Work) -> object:
    """Fold a unary operator."""
    return _call(_UNARY[type(op)], operand, work=work) if work.allows(operand) else UNKNOWN


def compare(op: ast.cmpop, left: object, right: object, /, *, work: Work) -> object:
    """Fold one comparison; `is` only with `None`, `True` and `False`, for others it depends on the interpreter."""
    if isinstance(op, ast.Is | ast.IsNot):
        singles = (None, True, False)
        if not any(left is one or right is one for one in singles):
            return UNKNOWN
        return (left is right) is isinstance(op, ast.Is)
    if not work.allows(left, right) or not (_comparable(left) and _comparable(right)):
        return UNKNOWN
    return _call(_COMPARISONS[type(op)], left, right, work=work)


def _comparable(value: object) -> bool:
    if not isinstance(value, list | tuple | dict):
        return True
    return surely_light(value, _MAX_COMPARED) or weight(value, _MAX_COMPARED) <= _MAX_COMPARED


def subscript(value: object, index: object, /, *, work: Work) -> object:
    """Fold `value[index]`; a slice comes as a `slice` of constants."""
    return _call(operator.getitem, value, index, work=work)


def method(receiver: object, name: str, args: Sequence[Any], keywords: Mapping[str, Any], /, *, work: Work) -> object:
    """Fold `receiver.name(*args, **keywords)` for methods that neither change the receiver nor grow without bound."""
    if not work.allows(receiver, *args, *keywords.values()):
        return UNKNOWN

    def fold() -> object:
        if _method_fits(receiver, name, args, keywords, work.limit):
            return getattr(receiver, name)(*args, **keywords)
        return UNKNOWN

    return _call(fold, work=work)


def _method_fits(receiver: object, name: str, args: Sequence[Any], keywords: Mapping[str, Any], limit: int) -> bool:
    if isinstance(receiver, str | bytes):
        return name in _STRING_METHODS and _string_method_fits(receiver, name, args, keywords, limit)
    if isinstance(receiver, list | tuple | dict):
        return name in _CONTAINER_METHODS and (name not in ("count", "index") or _comparable(receiver))
    if isinstance(receiver, int):
        return name in _INT_METHODS and all(isinstance(a, str) or a <= limit for a in (*args, *keywords.values()))
    return False


def _string_method_fits(
    receiver: str | bytes, name: str, args: Sequence[Any], keywords: Mapping[str, Any], limit: int
) -> bool:
    if name == "replace":
        if len(args) < 2 or not all(isinstance(a, type(receiver)) for a in args[:2]):
            return False
        old, new = args[0], args[1]
        times = receiver.count(old) if old else len(receiver) + 1
        return times * len(new) + len(receiver) <= limit
    if name == "join":
        parts = args[0] if args else ()
        total = sum(map(length, parts)) if isinstance(parts, list | tuple) else length(parts)
        return total + len(receiver) * length(parts) <= limit
    if name in ("format", "format_map"):
        values = args[0].values() if name == "format_map" and args and isinstance(args[0], dict) else args
        return isinstance(receiver, str) and format_fits(receiver, (*values, *keywords.values()), limit)
    if name == "translate":
        return translate_fits(receiver, args[0] if args else keywords.get("table"), limit)
    if name in ("encode", "decode"):
        codec = args[0] if args else keywords.get("encoding", "utf-8")
        errors = args[1] if len(args) > 1 else keywords.get("errors", "strict")
        return is_text_codec(codec) and errors in _ERROR_HANDLERS and encoded_fits(receiver, codec, errors, limit)
    if name in _CASE_METHODS:
        return len(receiver) * (1 if receiver.isascii() else 3) <= limit
    if name in _SPLITTERS:
        return len(receiver) <= MAX_ITEMS
    return name != "hex" or 3 * len(receiver) <= limit


_ERROR_HANDLERS: Final = frozenset("strict ignore replace surrogateescape surrogatepass backslashreplace".split())
_TEXT_CODECS: Final = frozenset(
    """utf-8 utf8 u8 ascii us-ascii latin-1 latin1 iso-8859-1 iso8859-1 l1 cp1252 cp437 utf-16 utf16 utf-16le utf-16-le
    utf-16be utf-16-be utf-32 utf32 utf-8-sig unicode-escape raw-unicode-escape utf-7 utf7""".split()
)


def is_text_codec(name: object, /) -> bool:
    """Whether `str.encode` and `bytes.decode` may be folded with this codec: those that a payload's text is in."""
    return isinstance(name, str) and name.lower().replace("_", "-") in _TEXT_CODECS


def _int(work: Work, text: Any = 0, base: Any = None) -> object:
    if length(text) > MAX_DIGITS and (base not in (2, 4, 8, 16, 32) or len(text) > work.limit):
        return UNKNOWN
    return int(text) if base is None else int(text, base)


def _float(work: Work, text: Any = 0) -> object:
    return float(text) if length(text) <= MAX_DIGITS else UNKNOWN


def _str(work: Work, value: Any = "", *codec: Any, **options: Any) -> object:
    if isinstance(value, bytes) and (codec or options):
        return method(value, "decode", codec, options, work=work)
    return str(value) if text_fits(value, work.limit) else UNKNOWN


def _bytes(work: Work, value: Any = b"", *codec: Any, **options: Any) -> object:
    if isinstance(value, str):
        # without a codec Python refuses
        return method(value, "encode", codec, options, work=work) if codec or options else UNKNOWN
    if isinstance(value, int):
        return bytes(value) if value <= work.limit else UNKNOWN
    return bytes(value)


def _range(work: Work, *bounds: Any) -> object:
    numbers = range(*bounds)
    return list(numbers) if len(numbers) <= min(MAX_ITEMS, work.limit) else UNKNOWN


def _radix_text(function: Callable[[int], str]) -> Callable[[Work, int], object]:
    return lambda work, number: function(number) if number.bit_length() <= work.limit else UNKNOWN


def _quoted(function: Callable[[object], str]) -> Callable[[Work, Any], object]:
    return lambda work, value: function(value) if repr_fits(value, work.limit) else UNKNOWN


def _pow(work: Work, base: Any, exponent: Any, modulus: Any = None) -> object:
    if modulus is None:
        return binary(ast.Pow(), base, exponent, work=work)
    fits = max(number.bit_length() for number in (base, exponent, modulus)) <= _MAX_POWER_MODULUS_BITS
    work.left -= _POWER_WORK if fits else 0
    return pow(base, exponent, modulus) if fits and work.left > 0 else UNKNOWN


_POWER_WORK: Final = 1_024
"""What a power with a modulus counts for (see `bounds.Work`)."""


def _divmod(work: Work, left: Any, right: Any) -> object:
    return divmod(left, right) if _binary_fits(ast.FloorDiv(), left, right, work.limit) else UNKNOWN


def _round(work: Work, number: Any, digits: Any = None) -> object:
    return round(number, digits) if digits is None or abs(digits) <= MAX_DIGITS else UNKNOWN


def _sum(work: Work, values: Any, start: Any = 0) -> object:
    numbers = isinstance(start, int | float) and weight(values, work.limit) <= work.limit
    return sum(values, start) if numbers else UNKNOWN


def _format(work: Work, value: Any, spec: Any = "") -> object:
    return format_value(value, -1, spec, work=work)


def _ordered(function: Callable[..., object]) -> Callable[..., object]:
    def fold(work: Work, *values: Any, **options: Any) -> object:
        return function(*values, **options) if weight(values, work.limit) <= work.limit else UNKNOWN

    return fold


def _made(function: Callable[..., object]) -> Callable[..., object]:
    def fold(work: Work, *values: Any, **options: Any) -> object:
        return function(*values, **options) if sum(map(length, values)) <= MAX_ITEMS else UNKNOWN

    return fold


def _simple(function: Callable[..., object]) -> Callable[..., object]:
    return lambda work, *values, **options: function(*values, **options)


def _maketrans(*args: Any) -> object:
    return dict(str.maketrans(*args)) if not isinstance(args[0], bytes) else bytes.maketrans(*args)


_BUILTINS: Final[Mapping[str, Callable[..., object]]] = {
    "abs": _simple(abs),
    "all": _simple(all),
    "any": _simple(any),
    "ascii": _quoted(ascii),
    "bin": _radix_text(bin),
    "bool": _simple(bool),
    "bytearray": _bytes,
    "bytes": _bytes,
    "bytes.maketrans": _made(_maketrans),
    "chr": _simple(chr),
    "dict": _made(dict),
    "divmod": _divmod,
    "enumerate": _made(lambda values, start=0: list(enumerate(values, start))),
    "float": _float,
    "format": _format,
    "frozenset": _ordered(lambda values=(): sorted(set(values))),
    "hex": _radix_text(hex),
    "int": _int,
    "int.from_bytes": _made(int.from_bytes),
    "iter": _made(lambda values: list(values)),
    "len": _simple(len),
    "list": _made(lambda values=(): list(values)),
    "max": _ordered(max),
    "memoryview": _bytes,
    "min": _ordered(min),
    "oct": _radix_text(oct),
    "ord": _simple(ord),
    "pow": _pow,
    "range": _range,
    "repr": _quoted(repr),
    "reversed": _made(lambda values: list(reversed(values))),
    "round": _round,
    "set": _ordered(lambda values=(): sorted(set(values))),
    "sorted": _ordered(lambda values, reverse=False: sorted(values, reverse=bool(reverse))),
    "str": _str,
    "str.maketrans": _made(_maketrans),
    "sum": _sum,
    "tuple": _made(lambda values=(): tuple(values)),
    "zip": _made(lambda *columns: list(zip(*columns, strict=False))),
}


def is_builtin(name: str, /) -> bool:
    """Whether a resolved name is one of the builtins that are folded, which no detector asks for."""
    return name.startswith("builtins.") and name[len("builtins.") :] in _BUILTINS


def builtin(name: str, args: Sequence[Any], keywords: Mapping[str, Any], /, *, work: Work) -> object:
    """Fold a call of the builtin of that name (without `builtins.`)."""
    function = _BUILTINS.get(name)
    if function is None or (name != "len" and not work.allows(*args, *keywords.values())):
        return UNKNOWN
    return _call(lambda: function(work, *args, **keywords), work=work)


def format_value(value: object, conversion: int, spec: object, /, *, work: Work) -> object:
    """Fold one replacement field of an f-string; `conversion` as in `ast.FormattedValue`."""
    width = spec_width(spec) if isinstance(spec, str) else None
    convert = _CONVERTERS.get(conversion)
    fits = repr_fits if conversion in (ord("r"), ord("a")) else text_fits
    if width is None or not work.allows(value) or not fits(value, work.limit - width):
        return UNKNOWN
    return _call(lambda: format(convert(value) if convert else value, str(spec)), work=work)


_CONVERTERS: Final[Mapping[int, Callable[[object], str]]] = {ord("s"): str, ord("r"): repr, ord("a"): ascii}


def iterate(value: object, /) -> Sequence[object] | None:
    """Return the elements of a constant that can be iterated over, or None."""
    if isinstance(value, str | bytes | list | tuple) and len(value) <= MAX_ITEMS:
        return value
    return list(value) if isinstance(value, dict) else None


def _call(function: Callable[..., Any], /, *args: Any, work: Work, **keywords: Any) -> object:
    result: Any
    try:
        result = function(*args, **keywords)
    except _EXPECTED_ERRORS:
        return UNKNOWN
    if isinstance(result, bytearray):
        result = bytes(result)
    elif isinstance(result, _VIEWS):
        result = list(result)
    elif result is not None and not isinstance(result, str | bytes | int | float | list | tuple | dict):
        return UNKNOWN
    work.keep(result)
    return result


_VIEWS: Final[tuple[type[Any], ...]] = (type({}.keys()), type({}.values()), type({}.items()))
