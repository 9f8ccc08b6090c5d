"""pipx under the guard: it hands its environment on to pip or uv, but keeps some settings and caches of its own."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from pydepgate.guard.asked import Asked, RefusedCommand
from pydepgate.guard.clients_pip import read_pip
from pydepgate.guard.requirements import Files
from pydepgate.guard.words import Grammar, Word, read_words, written

_VALUED = (
    *("--python", "--suffix", "--index-url", "-i", "--pip-args", "--fetch-python", "--upgrade-strategy"),
    *("--preinstall", "--app", "--lock", "--cooldown", "--backend", "--output", "--spec", "--with", "--python-args"),
    *("--include-resources-from", "--requirement", "-r"),
)
_GRAMMAR = Grammar(frozenset(_VALUED))
_RUN_GRAMMAR = Grammar(frozenset(_VALUED), stops=True)
_REQUIREMENTS = frozenset(("--spec", "--with", "--preinstall"))
_INSTALLING = frozenset(("install", "inject", "install-all"))


def read_pipx(arguments: Sequence[str], asked: Asked, files: Files, /) -> list[str]:
    """Return pipx's arguments without what would go around the guard; `asked` gets what they ask for.

    Raises RefusedCommand.
    """
    first = list(read_words(arguments, _RUN_GRAMMAR))
    place = next((at for at, word in enumerate(first) if not word.option), None)
    if place is None:
        return list(arguments)
    command = first[place].value or ""
    rest = [piece for word in first[place + 1 :] for piece in word.raw]
    if command == "runpip" and rest:
        inner = read_pip(rest[1:], asked, files)
        return [*written(first[: place + 1]), rest[0], *inner.arguments]
    if command == "manifest":
        raise RefusedCommand("'pipx manifest' is not supported by the guard: use 'pipx install'")
    words = list(read_words(rest, _RUN_GRAMMAR if command == "run" else _GRAMMAR))
    kept = [_word(word, asked, files) for word in words]
    if command == "run":
        # environments of earlier runs are used again without asking an index
        fresh = [] if any(word.option == "--no-cache" for word in words) else ["--no-cache"]
        return [*written(first[: place + 1]), *fresh, *_with_requirements(kept, asked, one=True)]
    if command in _INSTALLING:
        return [*written(first[: place + 1]), *_with_requirements(kept, asked, one=False)]
    return [*written(first[: place + 1]), *written(kept)]


def _word(word: Word, asked: Asked, files: Files) -> Word:
    match word.option:
        case "-i" | "--index-url":
            asked.index_option("--index-url", word.value)
            return word.dropped()
        case "--lock":
            raise RefusedCommand("--lock names the addresses of its files, which lead past the guard")
        case "--pip-args" if word.value is not None:
            arguments = shlex.split(word.value)
            inner = list(read_pip(["install", *arguments], asked, files).arguments[1:])
            return word if inner == arguments else word.with_value(shlex.join(inner))
        case "-r" | "--requirement" if word.value is not None:
            return word.with_value(files.use(word.value))
        case option if option in _REQUIREMENTS and word.value is not None:
            new = asked.requirement(word.value)
            return word if new is None else word.with_value(new)
        case _:
            return word


def _with_requirements(words: Sequence[Word], asked: Asked, *, one: bool) -> list[str]:
    """Read the words that are no options as requirements, or just the first of them."""
    kept: list[Word] = []
    for word in words:
        is_first = not any(not each.option for each in kept)
        new = None
        if not word.option and word.value is not None and (is_first or not one):
            new = asked.requirement(word.value)
        kept.append(word if new is None else word.with_value(new))
    return written(kept)
