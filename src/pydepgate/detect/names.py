"""Names of distributions: which are like that of a popular one, and which are like nothing that a person would say.

`data/popular.txt` holds the most downloaded projects of PyPI, most downloaded first (hugovk/top-pypi-packages). The
ways of going wrong follow Vu et al., "Typosquatting and Combosquatting Attacks on the Python Ecosystem" (2020), and
Taylor et al., "SpellBound" (2020).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from math import log2
from pathlib import Path
from typing import Final

from pydepgate.regex import regex

MIN_TARGET: Final = 4
"""Letters of a popular name from which being like it means something: short names are all like each other."""

TOP: Final = 1_000
"""Names up to this rank are those that a squatter waits beside."""

_MIN_FAR: Final = 8
"""Letters from which two edits still leave a name recognisable."""
_FAR_TOP: Final = 300

_POPULAR: Final = Path(__file__).parents[1] / "data" / "popular.txt"
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz0123456789-"
_SEPARATORS: Final = regex(r"[-_.]+")
_LOOKALIKES: Final = (
    ("rn", "m"), ("vv", "w"), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"), ("3", "e"), ("4", "a"), ("ph", "f"),
    ("z", "s"), ("ck", "k"), ("y", "l"),
)  # fmt: skip
"""What is read, or heard, as something else."""

_AFFIXES: Final = frozenset(
    """python python2 python3 py py2 py3 lib libs sdk dev devel api apis cli client util utils tool tools helper helpers
    core base common plus pro lite new next ng ex x extra extras ext addon addons plugin plugins module modules package
    pkg project beta alpha test tests testing fix fixed patch patched upgrade upgraded update updated updater latest
    fast simple easy better modern official original fork async sync proxy proxies server service wrapper manager
    handler
    support secure security safe free v2 v3 v4 v5 the my get go js node bin binary stable nightly demo example
    kit framework connector adapter connect auth login""".split()
)
"""Words that are put before or after a name to make one that sounds as if it belonged to it."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a name is like. `how`: `edit`, `number`, `far-edit`, `separator`, `look-alike`, `order`, `affix`, `word`."""

    target: str
    rank: int
    how: str

    @property
    def is_typo(self) -> bool:
        """Whether it is what somebody may type, or read, who means the other one."""
        slip = self.how in ("edit", "separator", "look-alike")
        return slip and self.rank < TOP and len(self.target) > MIN_TARGET


def normalised(name: str, /) -> str:
    """Return the one form of a name (PEP 503)."""
    return _SEPARATORS.sub("-", name.strip().lower()).strip("-")


def popularity(name: str, /) -> int | None:
    """Return the rank of a name among the popular ones, 0 for the most downloaded; None if it is not one."""
    return _ranks().get(normalised(name))


def likeness(name: str, /) -> Likeness | None:
    """Return which popular name a name may be taken for; None if it is popular itself or like none."""
    own = normalised(name)
    if own in _ranks() or len(own) < MIN_TARGET:
        return None
    ranks = _ranks()
    found = [Likeness(target, ranks[target], how) for target, how in _candidates(own, ranks)]
    return min(found, key=lambda like: (_ORDER.index(like.how) // 4, like.rank, like.how), default=None)


_ORDER: Final = ("edit", "look-alike", "separator", "order", "number", "affix", "far-edit", "word")
_NUMBERS: Final = regex(r"s?\d*$|\d")
"""What a version of the other, or its plural, differs in."""


def _candidates(own: str, ranks: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    for edited in _edits(own):
        if edited in ranks and len(edited) >= MIN_TARGET:
            yield edited, "number" if _NUMBERS.sub("", own) == _NUMBERS.sub("", edited) else "edit"
    compact = own.replace("-", "")
    yield from ((target, "separator") for target in _on_same_line(compact, _compact_lines()))
    yield from ((target, "look-alike") for target in _on_same_line(_look(compact), _look_lines()))
    words = own.split("-")
    if len(words) > 1:
        yield from ((target, "order") for target in _reordered(words, ranks))
        yield from _without_affixes(words, ranks)
    yield from _unglued(own, ranks)
    if len(own) >= _MIN_FAR:
        yield from ((target, "far-edit") for target in _far(own, ranks))


def _on_same_line(wanted: str, lines: str) -> Iterator[str]:
    """Yield the most popular name whose line says what is wanted; searching text is quicker than making tables."""
    at = -1 if "\n" not in wanted else len(lines)
    while (at := lines.find(f"\n{wanted}\n", at + 1)) >= 0:
        name = _names()[lines.count("\n", 0, at)]
        if len(name) >= MIN_TARGET:
            yield name
            return


def _reordered(words: list[str], ranks: Mapping[str, int]) -> Iterator[str]:
    """Yield the most popular name that is made of the same words."""
    length, ordered = len("-".join(words)), sorted(words)
    same = (name for name in ranks if len(name) == length and sorted(name.split("-")) == ordered)
    yield from islice(same, 1)


def _edits(own: str) -> Iterator[str]:
    """Yield what is one insertion, deletion, exchange or swap away (Damerau, 1964)."""
    for at in range(len(own) + 1):
        head, tail = own[:at], own[at:]
        yield from (head + char + tail for char in _ALPHABET)
        if tail:
            yield head + tail[1:]
            yield from (head + char + tail[1:] for char in _ALPHABET)
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]


def _without_affixes(words: list[str], ranks: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield the popular names that are left without the words that mean little, or of which one word is left."""
    for start in range(len(words)):
        for end in range(start + 1, len(words) + 1):
            core = "-".join(words[start:end])
            rest = words[:start] + words[end:]
            if rest and len(core) >= MIN_TARGET and core in ranks and core not in _AFFIXES:
                if all(word in _AFFIXES or word.isdigit() for word in rest):
                    yield core, "affix"
                elif ranks[core] < TOP and len(core) > MIN_TARGET:
                    yield core, "word"


def _unglued(own: str, ranks: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield the popular names that are left without what is put before or after them, all in one word."""
    for head in ("", *_HEADS):
        if own.startswith(head):
            for tail in ("", *_TAILS):
                core = own[len(head) :].removesuffix(tail) if own.endswith(tail) else ""
                bare = core.rstrip("0123456789") if not tail else core
                if bare != own and len(bare) > MIN_TARGET and ranks.get(bare, TOP) < TOP:
                    yield bare, "affix"


_HEADS: Final = (
    "py",
    "python",
    "python3",
    "lib",
    "easy",
    "my",
    "new",
    "the",
    "i",
    "x",
    "re",
    "fast",
    "simple",
    "multi",
    "super",
    "auto",
    "pro",
    "open",
)
_TAILS: Final = ("py", "python", "lib", "libs", "s", "x", "z", "er", "ing", "tools", "utils", "async", "api")


def _far(own: str, ranks: Mapping[str, int]) -> Iterator[str]:
    """Yield the most popular names that are two edits away."""
    letters = Counter(own)
    for target, rank in ranks.items():
        if rank >= _FAR_TOP:
            return
        if len(target) >= _MIN_FAR and abs(len(target) - len(own)) <= 2 and own[0] == target[0]:
            apart = (letters - Counter(target)).total() + (Counter(target) - letters).total()
            if apart <= 4 and _distance(own, target) <= 2:
                yield target


def _distance(one: str, other: str) -> int:
    """Return the optimal string alignment distance."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, char in enumerate(one, 1):
        older, before, row = before, row, [i]
        for j, wanted in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (char != wanted))
            if i > 1 and j > 1 and char == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]


def _look(compact: str) -> str:
    for seen, meant in _LOOKALIKES:
        compact = compact.replace(seen, meant)
    return re.sub(r"(.)\1+", r"\1", compact)


def is_gibberish(name: str, /) -> bool:
    """Whether a name is made of what no language makes: long runs of consonants, hexadecimal digits, rare pairs."""
    own = normalised(name)
    if own in _ranks() or len(own) < _MIN_GIBBERISH:
        return False
    if _HEX.search(own) or _NOISE.search(own):
        return True
    letters = re.sub(r"[^a-z]", "", own)
    return len(letters) >= _MIN_GIBBERISH and _surprise(letters) > _MAX_SURPRISE


_MIN_GIBBERISH: Final = 6
_MAX_SURPRISE: Final = 6.5
"""Bits a letter; of the names ranked 8,000 to 15,000, which the table was not made from, one in 200 exceeds it."""
_HEX: Final = regex(r"(?<![a-z0-9])(?=[a-f0-9]*\d[a-f]|[a-f0-9]*[a-f]\d)(?=(?:[a-f]*\d){2})[a-f0-9]{8,}(?![a-z0-9])")
_NOISE: Final = regex(r"(?:[a-z]+\d+){3,}[a-z]*|([a-z])\1{3,}|[bcdfghjklmnpqrstvwxz]{7,}|(?:([a-z]{2,3})\2{2,})")


def _surprise(letters: str) -> float:
    return sum(_bits(letters[at : at + 2]) for at in range(len(letters) - 1)) / (len(letters) - 1)


_RAREST: Final = 12.0


@cache
def _bits(pair: str) -> float:
    """Return how surprising a letter is after the one before it, among the popular names, in bits."""
    text = _text()
    count = text.count(pair) if pair[0] != pair[1] else len(re.findall(f"(?={pair})", text))
    return log2((text.count(pair[0], 0, -1) + len(_ALPHABET)) / (count + 1)) if count else _RAREST


@cache
def _names() -> tuple[str, ...]:
    return tuple(_POPULAR.read_text("ascii").split())


@cache
def _ranks() -> Mapping[str, int]:
    return {name: rank for rank, name in enumerate(_names())}


@cache
def _text() -> str:
    return " ".join(_names())


@cache
def _compact_lines() -> str:
    """Return the names without their separators, a line each."""
    return "\n".join(("", *_names(), "")).replace("-", "")


@cache
def _look_lines() -> str:
    """Return what the names up to `TOP` look like, a line each."""
    return _look("\n".join(("", *_names()[:TOP], "")).replace("-", ""))


_TRIAL_WORDS: Final = frozenset(
    """test tests testing tester test1 test2 test3 poc rce demo sample example examples dummy hello foo bar foobar
    malicious malware evil exploit hack hacked hacker hacking pwn pwned payload backdoor stealer grabber rat virus
    victim trojan keylogger spyware dontinstall donotinstall confusion dependencyconfusion depconf bugbounty pentest
    redteam
    research squat squatting typosquat placeholder reserved""".split()
)
_TRIAL: Final = regex(
    r"^(?:my)?test(?!ament|amp|ing$)|do-?no?t-?install|reverse-?shell|(?<![a-z])poc(?![a-z])|malware|stealer"
)


def is_trial(name: str, /) -> bool:
    """Whether a name says that the package is a test, a placeholder, or an attack."""
    own = normalised(name)
    words = re.split(r"[-\d]+", own)
    return own not in _ranks() and (not _TRIAL_WORDS.isdisjoint(words) or bool(_TRIAL.search(own)))
