"""Code that is shaped so that nobody reads it: by obfuscators, far to the right, with characters that deceive.

What is looked for is the shape that a kind of obfuscator leaves, not the name of one. Sources: Boucher and Anderson,
"Trojan Source" (2021); PEP 672 (Unicode-related security considerations); UTS #39 (confusable characters).
"""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from pydepgate.detect.base import Detector, Sighting, View
from pydepgate.regex import regex
from pydepgate.source.calls import CallSite
from pydepgate.source.python2 import without_strings

SIGNALS: Final = {
    "shape.pyarmor": "the file is a bootstrap of PyArmor, which keeps the code encrypted",
    "shape.lambda-tower": "lambdas are nested many levels deep",
    "shape.many-lambdas": "there are many lambdas for so few statements",
    "shape.obfuscated-names": "many names are made of characters that look alike, or of hexadecimal digits",
    "shape.random-names": "most names are long runs of letters that spell nothing",
    "shape.foreign-names": "many names are of a script that is used for nothing else in the file",
    "shape.far-right": "a statement stands far to the right of what an editor shows",
    "shape.one-line": "the file is one long line of code",
    "shape.long-line-of-code": "a long line holds a call that runs code",
    "shape.many-on-a-line": "many statements stand on one line",
    "shape.bidi": "characters that turn the direction of text stand in the file",
    "shape.invisible": "characters that are not shown carry data",
    "shape.confusable": "a name is written with characters that look like others",
    "shape.confusable-call": "what runs code, imports or opens is written with characters that look like its own",
    "shape.escaped-text": "readable text is written in escapes",
    "import.inline": "a module is imported and used in one expression",
    "import.path-added": "a place is added to where modules are looked for",
    "import.from-archive": "modules are imported from an archive",
    "load.pickle": "a pickle is loaded",
    "load.marshal": "marshalled code is loaded",
    "load.bytecode": "a compiled module is loaded by its path",
    "exec.docstring": "the documentation of a module or function is executed",
}

FAR_RIGHT: Final = 100
"""Blanks after which a statement is out of sight; honest code is never indented by half as many."""
_LONG_LINE: Final = 1_000
_ONE_LINE: Final = 2_000
_MANY_STATEMENTS: Final = 12
_MIN_NAMES: Final = 6
_TOWER: Final = 5
_MANY_LAMBDAS: Final = 25
_MIN_RANDOM: Final = 10
_MAX_READ: Final = 200_000
"""Characters of a file whose names are looked at."""

_BIDI: Final = regex("[\u202a-\u202e\u2066-\u2069]")
_INVISIBLE: Final = regex(
    "[\u200b-\u200d\u2060-\u2064\ufe00-\ufe0e\ufeff]{8,}|[\U000e0100-\U000e01ef]+|[\U000e0001-\U000e007f]{8,}"
    "|[\u3164\uffa0]"
)
"""Zero-width characters and variation selectors in a row, tag characters, and the fillers that are letters."""
_FAR: Final = regex(r"[ \t]{100,};?[ \t]*(?=[^\s#])")
_ESCAPED: Final = regex(r"(?:\\x(?:[2-6][0-9a-fA-F]|7[0-9a-eA-E])){8,}")
_NAME: Final = regex(r"(?<![\w.])[^\W\d]\w{5,}")
_WORD: Final = regex(r"[^\W\d]\w*")
_LOOKS_ALIKE: Final = regex(
    r"[Il1i]{6,}|[O0oQ]{6,}|_{6,}|_?_?0x[0-9a-fA-F]{3,}|(?:[IlO01]){8,}|[xX]{6,}|[SZ25]{7,}|[MN]{8,}|[WVwv]{8,}"
    r"|[DO0o]{8,}|[IJLil]{8,}|_*[oO0]{6,}_*"
)
_LAMBDAS: Final = regex(r"lambda(?:[^\n]{0,400}?lambda){4}")
_RUNS_CODE: Final = regex(r"\b(?:exec|eval|compile|__import__|marshal)\b")
_CYRILLIC_ALIKE: Final = frozenset("аеорсухіјѕԁԛԝһАВЕКМНОРСТУХІЈЅ")
"""Cyrillic letters that are drawn as Latin ones are (UTS #39)."""
_TELLING: Final = frozenset(
    """exec eval compile __import__ import from getattr globals locals vars open os sys subprocess system popen Popen
    base64 b64decode requests urllib urlopen socket builtins __builtins__ marshal loads""".split()
)
_NAMESPACES: Final = frozenset("pkg_resources pkgutil sys os.path".split())

_PYARMOR: Final = regex(
    r"^\s*(?:from\s+(?:[\w.]*pytransform|[\w.]*pyarmor_runtime_\w+)\s+import\s+(?:__pyarmor__|pyarmor_runtime)"
    r"|__pyarmor__\s*\(__name__)",
    re.M,
)

_PICKLES: Final = frozenset(
    """pickle.loads pickle.load cPickle.loads cPickle.load _pickle.loads dill.loads dill.load cloudpickle.loads
    cloudpickle.load joblib.load torch.load pickle.Unpickler().load""".split()
)


_BYTECODE_LOADERS: Final = frozenset(
    """importlib.machinery.SourcelessFileLoader importlib._bootstrap_external.SourcelessFileLoader
    imp.load_compiled""".split()
)


def _look_at_call(site: CallSite, view: View) -> Iterable[Sighting]:
    func = site.node.func
    on_result = isinstance(func, ast.Attribute) and isinstance(func.value, ast.Call)
    return _of_call(site, view) if on_result or _concerns(site.name) else ()


def _concerns(name: str) -> bool:
    return name in _PICKLES or name in _CALLS or name in _BYTECODE_LOADERS or name.startswith("zipimport.")


_CALLS: Final = frozenset(
    """marshal.loads marshal.load sys.path.insert sys.path.append site.addsitedir sys.path.extend builtins.exec
    builtins.eval""".split()
)


def _of_call(site: CallSite, view: View) -> Iterator[Sighting]:
    name = site.name
    if name in _PICKLES:
        yield view.at_call("load.pickle", site, name)
    elif name in ("marshal.loads", "marshal.load"):
        yield view.at_call("load.marshal", site, name)
    elif name in _BYTECODE_LOADERS:
        yield view.at_call("load.bytecode", site, name)
    elif name in ("sys.path.insert", "sys.path.append", "site.addsitedir", "sys.path.extend"):
        words = " ".join(str(value.const) for value in site.args if isinstance(value.const, str))
        yield view.at_call("import.path-added", site, f"{name}: {words}" if words else name)
    elif name.startswith("zipimport."):
        yield view.at_call("import.from-archive", site, name)
    if name in ("builtins.exec", "builtins.eval") and site.node.args:
        yield from _of_documentation(site, view)
    func = site.node.func
    if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Call):
        inner = func.value
        if isinstance(inner.func, ast.Name) and inner.func.id == "__import__" and inner.args:
            module = inner.args[0].value if isinstance(inner.args[0], ast.Constant) else "?"
            if module not in _NAMESPACES:
                yield view.at_call("import.inline", site, f"__import__({module!r}).{func.attr}")


def _of_documentation(site: CallSite, view: View) -> Iterator[Sighting]:
    for node in ast.walk(site.node.args[0]):
        if (isinstance(node, ast.Attribute) and node.attr == "__doc__") or (
            isinstance(node, ast.Name) and node.id == "__doc__"
        ):
            yield view.at_call("exec.docstring", site, "executes __doc__")
            return


def _look_at_module(tree: ast.Module, function: str, view: View) -> Iterator[Sighting]:
    text = "\n".join(view.lines)
    if ("pyarmor" in text or "pytransform" in text) and (match := _PYARMOR.search(text)):
        yield _at("shape.pyarmor", text, match.start(), match[0].strip())
    if "\\x" in text and (match := _ESCAPED.search(text)):
        yield _at("shape.escaped-text", text, match.start(), match[0])
    yield from _of_lines(tree, view)
    yield from _of_lambdas(tree, text, view)
    if not text.isascii():
        yield from _of_characters(view, text)
    yield from _of_names(text)


def _at(name: str, text: str, offset: int, evidence: str) -> Sighting:
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    return Sighting(name, line, column, evidence=(evidence[:160],))


def _of_lines(tree: ast.Module, view: View) -> Iterator[Sighting]:
    long = [number for number, line in enumerate(view.lines, 1) if len(line) > FAR_RIGHT]
    if not long:
        return
    for number in long:
        line = view.lines[number - 1]
        match = _FAR.search(line)
        if match is not None and _is_statement(tree, number, match.end(), line):
            text = line[match.end() :].strip()
            yield Sighting(
                "shape.far-right", number, match.end() + 1, evidence=(f"{len(match[0])} blanks: {text[:100]}",)
            )
        if len(line) > _LONG_LINE:
            bare = without_strings(line)
            if runs := _RUNS_CODE.search(bare):
                yield Sighting(
                    "shape.long-line-of-code", number, runs.start() + 1, evidence=(f"{len(line):,} characters",)
                )
            if bare.count(";") >= _MANY_STATEMENTS:
                yield Sighting("shape.many-on-a-line", number, 1, evidence=(f"{bare.count(';') + 1} statements",))
    written = [line for line in view.lines if line.strip() and not line.lstrip().startswith("#")]
    if len(written) <= 3 and max(map(len, written), default=0) > _ONE_LINE:
        yield Sighting("shape.one-line", 1, 1, evidence=(f"{max(map(len, written)):,} characters",))


def _is_statement(tree: ast.Module, number: int, column: int, line: str) -> bool:
    """Whether a statement begins at a place, not the rest of one."""
    waiting: list[ast.AST] = list(tree.body)
    column = len(line[:column].encode("utf-8", "surrogatepass"))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.stmt):
            if node.lineno == number and node.col_offset == column:
                return True
            if node.lineno > number or (node.end_lineno or number) < number:
                continue
        waiting += [
            child
            for child in ast.iter_child_nodes(node)
            if isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case)
        ]
    return False


def _of_lambdas(tree: ast.Module, text: str, view: View) -> Iterator[Sighting]:
    if not _LAMBDAS.search(text) and text.count("lambda") < _MANY_LAMBDAS:
        return
    waiting: list[tuple[ast.AST, int]] = [(tree, 0)]
    total = 0
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, ast.Lambda):
            total += 1
            depth += 1
            if depth == _TOWER:
                line, column = view.place(node)
                yield Sighting("shape.lambda-tower", line, column, evidence=(f"lambdas {depth} levels deep",))
                return
        waiting += [(child, depth) for child in ast.iter_child_nodes(node)]
    if total >= _MANY_LAMBDAS and total > 2 * len(tree.body):
        yield Sighting("shape.many-lambdas", 1, 1, evidence=(f"{total} lambdas in {len(tree.body)} statements",))


def _of_characters(view: View, text: str) -> Iterator[Sighting]:
    if match := _BIDI.search(text):
        yield _at("shape.bidi", text, match.start(), f"U+{ord(match[0]):04X}")
    if match := _INVISIBLE.search(text):
        yield _at("shape.invisible", text, match.start(), f"{len(match[0])} characters from U+{ord(match[0][0]):04X}")
    yield from _of_confusables(view)


def _of_confusables(view: View) -> Iterator[Sighting]:
    """Yield the first name that is written with other characters, and the first that runs code or the like."""
    missing = {"shape.confusable", "shape.confusable-call"}
    for number, line in enumerate(view.lines, 1):
        for match in _WORD.finditer(without_strings(line)) if not line.isascii() else ():
            if not _is_confusable(match[0]):
                continue
            plain = unicodedata.normalize("NFKC", match[0])
            evidence = f"a name that reads {plain}" if plain.isascii() else f"the name {match[0]} mixes scripts"
            for signal in ("shape.confusable", "shape.confusable-call"):
                if signal in missing and (signal == "shape.confusable" or plain in _TELLING):
                    missing.remove(signal)
                    yield Sighting(signal, number, match.start() + 1, evidence=(evidence,))


def _is_confusable(word: str) -> bool:
    if word.isascii():
        return False
    if unicodedata.normalize("NFKC", word).isascii():
        return any(char.isalpha() and not char.isascii() for char in word)
    return not _CYRILLIC_ALIKE.isdisjoint(word) and any("a" <= char.lower() <= "z" for char in word)


def _of_names(text: str) -> Iterator[Sighting]:
    if not _any_odd(set(_NAME.findall(text[:_MAX_READ]))):
        return
    # now without what only strings and comments say
    names = sorted(set(_NAME.findall(without_strings(text[:_MAX_READ]))))
    kinds = (
        ("shape.obfuscated-names", [name for name in names if _LOOKS_ALIKE.fullmatch(name)], 8),
        ("shape.random-names", [name for name in names if _is_random(name)], 4),
        ("shape.foreign-names", [name for name in names if _is_foreign(name)], 3),
    )
    for signal, odd, share in kinds:
        if len(odd) >= _MIN_NAMES and len(odd) * share > len(names):
            yield Sighting(signal, 1, 1, evidence=(f"{len(odd)} names such as {odd[0][:40]}",))


def _any_odd(names: set[str]) -> bool:
    odd = sum(map(_is_odd, names))
    return odd >= _MIN_NAMES and odd * 12 > len(names)


@lru_cache(maxsize=16_384)
def _is_odd(name: str) -> bool:
    return _LOOKS_ALIKE.fullmatch(name) is not None or _is_random(name) or _is_foreign(name)


def _is_foreign(name: str) -> bool:
    return not name.isascii() and not any("a" <= char.lower() <= "z" for char in name)


_SWITCH: Final = regex(r"[a-z][A-Z]|[A-Z]{2}[a-z]")
_HARD: Final = regex(r"[bcdfghjklmnpqrstvwxz]{6,}")


def _is_random(name: str) -> bool:
    """Whether a name has the case of its letters changed all over, or no vowels where a word has some."""
    plain = name.replace("_", "")
    if len(plain) < _MIN_RANDOM or plain.isupper() or not plain.isascii():
        return False
    return len(_SWITCH.findall(plain)) * 3 >= len(plain) or bool(_HARD.search(plain) and "_" not in name.strip("_"))


DETECTOR: Final = Detector(
    signals=SIGNALS,
    look_at_call=_look_at_call,
    nodes=(ast.Module,),
    look_at_node=_look_at_module,
)
