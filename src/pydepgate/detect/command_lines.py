"""What a command line consists of: the single commands in it, their programs and arguments.

Both what POSIX shells and what `cmd` take is split the same way; it is read to be judged, not to be run, so that
being roughly right for both is enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pydepgate.detect.texts import HOLE
from pydepgate.regex import regex

_MAX_NESTED: Final = 4
_MAX_COMMANDS: Final = 64

SHELLS: Final = frozenset("sh bash zsh dash ksh ash fish busybox".split())
POWERSHELLS: Final = frozenset(("powershell", "pwsh"))
INTERPRETERS: Final = frozenset("perl ruby node php lua osascript deno bun".split())
_WRAPPERS: Final = frozenset("sudo env nohup setsid nice time exec command call doas xvfb-run stdbuf ionice".split())


@dataclass(frozen=True, slots=True)
class Command:
    """One command: `program` is its base name in lower case without `.exe`, `HOLE` where it is not known; `path` is
    as written. `piped`: it reads what the one before writes. `background`: nobody waits for it. `writes`: the
    files that its output goes to. `wrappers`: what it is started through (`sudo`, `nohup`, `start`)."""

    program: str
    path: str
    arguments: tuple[str, ...] = ()
    piped: bool = False
    background: bool = False
    writes: tuple[str, ...] = ()
    wrappers: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The command in one line."""
        return " ".join((self.path, *self.arguments))


def commands_in(text: str, /) -> tuple[Command, ...]:
    """Return the commands of a line that a shell is given, those that it hands to other shells included."""
    return tuple(_expand(_split(text), 0))[:_MAX_COMMANDS]


def command_of(words: Sequence[str], /) -> tuple[Command, ...]:
    """Return the command of an argument vector, and those in a line that it hands to a shell."""
    return tuple(_expand([_Part(list(words))], 0))[:_MAX_COMMANDS]


@dataclass(slots=True)
class _Part:
    words: list[str]
    piped: bool = False
    background: bool = False
    writes: tuple[str, ...] = ()


_TOKEN: Final = regex(
    r"""(?P<space>[ \t\r]+)|(?P<operator>&&|\|\||\|&|[;\n|&])|(?P<redirect>\d?(?:>>|>|<<<|<<|<)(?:&\d)?)
    |(?P<word>(?:"(?:[^"\\]|\\.)*"|'[^']*'|\$\([^()]*\)|`[^`]*`|\\[ "'$`\\]|[^\s;&|<>"'])+)|(?P<other>.)""",
    re.X | re.S,
)


def _split(text: str) -> list[_Part]:
    """Split a line at the operators of shells; redirections become `writes`."""
    parts: list[_Part] = []
    current = _Part([])
    redirect = ""
    for token in _TOKEN.finditer(text):
        kind, piece = token.lastgroup, token[0]
        if kind == "operator":
            if current.words or current.writes:
                current.background = piece == "&"
                parts.append(current)
            current = _Part([], piped=piece.startswith("|") and piece != "||")
            redirect = ""
        elif kind == "redirect":
            redirect = "" if "&" in piece else piece
        elif kind in ("word", "other"):
            word = _unquoted(piece)
            if redirect:
                current.writes += (word,) if ">" in redirect else ()
                redirect = ""
            else:
                current.words.append(word)
    if current.words or current.writes:
        parts.append(current)
    return parts[:_MAX_COMMANDS]


def _unquoted(word: str) -> str:
    if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'":
        inner = word[1:-1]
        return inner.replace('\\"', '"') if word[0] == '"' else inner
    return re.sub(r"(?<!\\)[\"']", "", word).replace("\\ ", " ").replace('\\"', '"')


_SUBSTITUTION: Final = regex(r"\$\(([^()]+)\)|`([^`]+)`")


def _expand(parts: Sequence[_Part], depth: int) -> Iterator[Command]:
    for part in parts:
        command = _command(part)
        if command is None:
            continue
        nested = _nested_line(command)
        if nested is not None and depth < _MAX_NESTED:
            yield replace(command, arguments=command.arguments[:1])
            for inner in _expand(_split(nested), depth + 1):
                yield replace(
                    inner,
                    background=inner.background or command.background,
                    wrappers=(*command.wrappers, *inner.wrappers),
                )
        else:
            yield command
        if depth < _MAX_NESTED:
            for found in _SUBSTITUTION.finditer(" ".join(part.words)):
                yield from _expand(_split(found[1] or found[2]), depth + 1)


def _command(part: _Part) -> Command | None:
    words = part.words
    wrappers: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        name = base_name(word)
        if re.fullmatch(r"\w+=.*", word, re.S) or word in ("(", ")", "{", "}", "!", "if", "then", "do", "else", "@"):
            at += 1
        elif name == "start" and at + 1 < len(words):
            wrappers.append(name)
            at += 1
            at += _start_options(words[at:])
        elif name in _WRAPPERS and at + 1 < len(words):
            wrappers.append(name)
            at += 1
            while at < len(words) - 1 and words[at].startswith("-"):
                at += 1
        else:
            break
    if at >= len(words):
        return Command("", "", writes=part.writes) if part.writes else None
    background = part.background or any(name in ("start", "nohup", "setsid") for name in wrappers)
    return Command(
        base_name(words[at]),
        words[at].strip("()@"),
        tuple(words[at + 1 :]),
        part.piped,
        background,
        part.writes,
        tuple(wrappers),
    )


def _start_options(words: Sequence[str]) -> int:
    """Return how many words the title and options of `start` take."""
    count = 0
    while count < len(words) - 1 and (not words[count] or re.fullmatch(r"/[a-zA-Z]+", words[count])):
        count += 1
    return count


def base_name(path: str, /) -> str:
    """Return the name of a program without folders and without what Windows appends to it."""
    name = re.split(r"[/\\]", path.strip("()@\"' "))[-1].lower()
    return HOLE if HOLE in name or _VARIABLE.fullmatch(name) else name.removesuffix(".exe")


_VARIABLE: Final = regex(r"%[^%]*%|\$\{?\w+\}?")
"""A program that a variable of the environment names."""


def _nested_line(command: Command) -> str | None:
    """Return the line that a command hands to a shell, if it does."""
    arguments = command.arguments
    if command.program in SHELLS:
        for at, argument in enumerate(arguments[:-1]):
            if re.fullmatch(r"-\w*c", argument):
                return arguments[at + 1]
    if command.program == "cmd":
        for at, argument in enumerate(arguments[:-1]):
            if argument.lower() in ("/c", "/k", "/r"):
                rest = arguments[at + 1 :]
                return rest[0] if len(rest) == 1 else " ".join(f'"{word}"' if " " in word else word for word in rest)
    return None
