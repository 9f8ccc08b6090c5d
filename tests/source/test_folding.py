"""What the evaluator folds is what Python computes, and never more than the bound."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pydepgate.limits import FOLD_BYTES
from pydepgate.source import bounds
from pydepgate.source.interpreter import evaluate
from pydepgate.source.values import UNKNOWN

_TEXT = st.text(max_size=12)
_BYTES = st.binary(max_size=12)
_INTS = st.integers(-300, 300)
_CONSTANTS = st.one_of(
    _TEXT, _BYTES, _INTS, st.booleans(), st.none(), st.lists(_INTS, max_size=5), st.lists(_TEXT, max_size=4)
)


def fold(expression: str, setup: str = "") -> Any:
    """Return what the evaluator makes of an expression."""
    source = f"{setup}\nsink({expression})\n"
    sites = [
        site for calls in evaluate(ast.parse(source), source).calls.values() for site in calls if site.name == "sink"
    ]
    return sites[-1].args[0].const


def python(expression: str) -> Any:
    """Return what Python makes of it; `UNKNOWN` for an error."""
    try:
        return eval(expression, {})  # of expressions that this test wrote
    except Exception:
        return UNKNOWN


def same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other


@settings(max_examples=300)
@given(_CONSTANTS, st.sampled_from("+ - * % // / ^ & | < <= == != in".split()), _CONSTANTS)
def test_operators_fold_to_what_python_computes(left: object, operator: str, right: object) -> None:
    expression = f"{left!r} {operator} {right!r}"
    folded = fold(expression)
    assert folded is UNKNOWN or same(folded, python(expression))


@given(_INTS, st.sampled_from(["<<", ">>", "**", "//", "%", "^", "|", "&", "-", "*"]), st.integers(1, 40))
def test_integer_arithmetic_is_always_folded(left: int, operator: str, right: int) -> None:
    expression = f"{left} {operator} {right}"
    assert same(fold(expression), python(expression))


_METHODS = [
    "{0!r}.replace({1!r}, {2!r})",
    "{0!r}.join([{1!r}, {2!r}])",
    "{0!r}.split({1!r} or ' ')",
    "{0!r}.upper() + {1!r}.lower() + {2!r}.title()",
    "{0!r}.translate(str.maketrans({{'a': {1!r}, 'b': None}}))",
    "{0!r}.encode().hex()",
    "bytes.fromhex({0!r}.encode('utf-16-le', 'surrogatepass').hex())",
    "{0!r}.encode('utf-8', 'ignore').decode('latin-1')",
    "''.join(chr(ord(c) ^ 7) for c in {0!r})",
    "''.join(map(chr, [ord(c) + 1 for c in {0!r}]))",
    "''.join(reversed({0!r})) + {1!r}[::-1]",
    "'%s-%r-%5.2s' % ({0!r}, {1!r}, {2!r})",
    "'{{}}-{{!r}}-{{:>7}}'.format({0!r}, {1!r}, {2!r})",
    "'{{1}}{{0}}{{name}}'.format({0!r}, {1!r}, name={2!r})",
    "(lambda a, b, c: f'{{a}}-{{b!r}}-{{c:>9}}')({0!r}, {1!r}, {2!r})",
    "bytes([b ^ 3 for b in {0!r}.encode('utf-8', 'replace')])",
    "[c for c in {0!r} if c != 'a']",
    "dict(zip({0!r}, {1!r}))",
    "[i * len(c) for i, c in enumerate({0!r})]",
    "{0!r}[1:4] + {1!r}[-2:]",
    "{0!r}.zfill(3) if len({0!r}) > 4 else {1!r} + str(len({2!r}))",
    "sorted({0!r}) + list({1!r})",
    "max({0!r} + 'a') + min({1!r} + 'b')",
    "str({0!r}.encode('utf-8', 'replace'), 'utf-8')",
    "int.from_bytes({0!r}.encode('utf-8', 'replace'), 'big')",
    "(len({0!r}), {0!r} < {1!r}, {0!r} == {0!r}, not {2!r})",
    "(lambda s, k=2: s[k:] + s[:k])({0!r})",
]


@pytest.mark.parametrize("template", _METHODS)
@settings(max_examples=25)
@given(st.data())
def test_strings_fold_to_what_python_computes(template: str, data: st.DataObject) -> None:
    expression = template.format(data.draw(_TEXT), data.draw(_TEXT), data.draw(_TEXT))
    folded, expected = fold(expression), python(expression)
    assert folded is UNKNOWN or same(folded, expected)


@pytest.mark.parametrize("template", [t for t in _METHODS if "zfill" not in t])
def test_plain_strings_are_always_folded(template: str) -> None:
    expression = template.format("abcab", "b", "xyz")
    assert same(fold(expression), python(expression))


_HOSTILE = [
    "'x' * 10**9",
    "b'x' * (1 << 40)",
    "[0] * 10**10",
    "'%99999999d' % 1",
    "'%.99999999f' % 1.0",
    "'%*d' % (10**9, 1)",
    "('%9999d' * 1000) % ((1,) * 1000)",
    "'{:>99999999}'.format('x')",
    "'{:{}}'.format('x', 10**9)",
    "'{0:{1}}'.format('x', 10**9)",
    "('{0:9999}' * 1000).format('x')",
    "('{0}' * 10000).format('x' * 1000000)",
    "('%(a)s' * 10000) % {'a': 'x' * 1000000}",
    "('{a}' * 10000).format_map({'a': 'x' * 1000000})",
    "f'{1:{10**9}}'",
    "f'{1:99999999}'",
    "format('x', '>99999999')",
    "1 << 10**9",
    "(1 << 30000000) * (1 << 30000000)",
    "(1 << 30000000) // 3",
    "(1 << 30000000) % 7",
    "divmod(1 << 30000000, 12345)",
    "10 ** 10 ** 8",
    "pow(10, 10 ** 8)",
    "pow(3, 1 << 100000, (1 << 100000) + 1)",
    "round(5, -10**9)",
    "','.join(['x' * 1000000] * 1000)",
    "('x' * 1000000).join(['a'] * 1000000)",
    "('a' * 1000000).replace('', 'x' * 1000)",
    "('a' * 1000000).replace('a', 'x' * 1000)",
    "('a' * 1000000).translate({97: 'x' * 1000})",
    "int('9' * 10**6)",
    "float('9' * 10**6)",
    "str(1 << 10**7)",
    "repr(['x' * 1000000] * 1000)",
    "str([[[[[[0] * 99] * 99] * 99] * 99] * 99] * 99)",
    "[[[[[[0] * 99] * 99] * 99] * 99] * 99] * 99 == [[[[[[0] * 99] * 99] * 99] * 99] * 99] * 98 + [1]",
    "bytes(10 ** 10)",
    "bytearray(10 ** 10)",
    "list(range(10 ** 12))",
    "list('x' * 4000000)",
    "(1).to_bytes(10**10, 'big')",
    "(1).to_bytes(length=10**10, byteorder='big')",
    "sum([[0] * 1000] * 1000, [])",
    "('\\U0001f600' * 1000000).encode('unicode_escape')",
    "('\\xff' * 4000000).encode('utf-8')",
    "('x' * 4000000).encode('utf-32')",
    "('\\u0390' * 4000000).upper()",
    "('x ' * 2000000).split()",
    "'0.__class__ {0.__class__}'.format(1)",
    "'{0[0]}'.format('abc')",
]


@pytest.mark.parametrize("expression", _HOSTILE)
def test_what_would_grow_without_bound_is_not_made(expression: str) -> None:
    assert fold(expression) is UNKNOWN


def test_many_large_values_stop_being_made() -> None:
    source = "".join(f"a{i} = 'x' * 4000000 + '{i}'\n" for i in range(400)) + "sink(a0); sink(a399)\n"
    calls = evaluate(ast.parse(source), source).calls.values()
    first, last = [site.args[0] for sites in calls for site in sites if site.name == "sink"]
    assert len(first.text) == 4_000_001 <= FOLD_BYTES
    assert last.const is UNKNOWN


def test_large_payloads_still_fold() -> None:
    assert fold("bytes(b ^ 5 for b in data)", f"data = {bytes(range(256)) * 100!r}") == bytes(
        b ^ 5 for b in bytes(range(256)) * 100
    )
    assert fold("len('ab' * 1000000)") == 2_000_000


def test_codecs_that_load_modules_are_not_looked_up() -> None:
    assert fold("'x'.encode(encoding='idna')") is UNKNOWN
    assert fold("b'x'.decode('zlib_codec')") is UNKNOWN


def test_lists_that_hold_themselves_are_followed() -> None:
    setup = "l = [1]\nl.append(l)\nm = [1]\nm.append(m)\nd = {}\nd['d'] = d\nx = l == m\ns = repr(l)"
    assert fold("len(l)", setup) == 2


_ITEMS = st.lists(st.text(max_size=30)) | st.lists(st.integers() | st.booleans()) | st.lists(st.none() | st.floats())


@given(_ITEMS | _ITEMS.map(tuple) | st.dictionaries(st.text(max_size=9), st.integers()), st.integers(0, 500))
def test_what_is_surely_light_is_light(value: list[object] | tuple[object, ...] | dict[str, int], cap: int) -> None:
    if bounds.surely_light(value, cap):
        assert bounds.weight(value, cap) <= cap
