"""Reading a client's arguments as the client does: options with values, clusters of short ones, other words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Grammar:
    """What has to be known of a client to read its arguments.

    `valued`: options that take a value, long and short. `stops`: the first word that is no option ends the options, as
    where a command to run follows.
    """

    valued: frozenset[str]
    stops: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """One piece of a command line: an option with or without a value, or (`option` empty) another word.

    `raw` is how it was written, so that what is not changed stays as it was. `attached`: short flags that stood before
    it in one cluster (`-U` of `-Ur file`).
    """

    option: str
    value: str | None
    raw: tuple[str, ...]
    attached: str = ""

    def with_value(self, value: str, /) -> Word:
        """The same with another value."""
        if not self.option:
            return Word("", value, (value,))
        flags = (self.attached,) if self.attached else ()
        written = (f"{self.option}={value}",) if self.option.startswith("--") else (self.option, value)
        return Word(self.option, value, (*flags, *written), self.attached)

    def dropped(self) -> Word:
        """What is left when it is taken out: the flags that were written in one word with it."""
        return Word(self.attached, None, (self.attached,) if self.attached else ())


def read_words(arguments: Sequence[str], grammar: Grammar, /) -> Iterator[Word]:
    """Yield the pieces of a command line in their order."""
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--" or (grammar.stops and not _is_option(word)):
            yield Word("--" if word == "--" else "", None if word == "--" else word, (word,))
            for left in rest:
                yield Word("", left, (left,))
            return
        if not _is_option(word):
            yield Word("", word, (word,))
        elif word.startswith("--"):
            yield _long(word, rest, grammar)
        else:
            yield _short(word, rest, grammar)


def written(words: Sequence[Word], /) -> list[str]:
    """Return the arguments again."""
    return [piece for word in words for piece in word.raw]


def _is_option(word: str) -> bool:
    return word.startswith("-") and word != "-"


def _long(word: str, rest: list[str], grammar: Grammar) -> Word:
    option, equals, value = word.partition("=")
    if equals:
        return Word(option, value, (word,))
    if option in grammar.valued and rest:
        value = rest.pop(0)
        return Word(option, value, (word, value))
    return Word(option, None, (word,))


def _short(word: str, rest: list[str], grammar: Grammar) -> Word:
    """A cluster: flags, and at the end perhaps an option with its value, in the same word or in the next."""
    for place in range(1, len(word)):
        option = f"-{word[place]}"
        if option not in grammar.valued:
            continue
        attached = f"-{word[1:place]}" if place > 1 else ""
        value = word[place + 1 :].removeprefix("=")
        if value:
            return Word(option, value, (word,), attached)
        if rest:
            value = rest.pop(0)
            return Word(option, value, (word, value), attached)
        return Word(option, None, (word,), attached)
    return Word(word, None, (word,))
