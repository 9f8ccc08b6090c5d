"""uv's command line as far as the guard has to understand it (uv 0.13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydepgate.guard.words import Grammar, Word, read_words

_VALUED = (
    *("--allow-insecure-host", "--annotation-style", "--bounds", "--branch", "--build-constraint"),
    *("--build-constraints", "--cache-dir", "--cert", "--color", "--config-file", "--config-setting"),
    *("--config-settings", "--config-settings-package", "--constraint", "--constraints", "--custom-compile-command"),
    *("--default-index", "--directory", "--editable", "--env-file", "--exclude-newer", "--exclude-newer-package"),
    *("--excludes", "--extra", "--extra-index-url", "--find-links", "--fork-strategy", "--format", "--from"),
    *("--group", "--index", "--index-strategy", "--index-url", "--keyring-provider", "--link-mode", "--marker"),
    *("--no-binary-package", "--no-build-isolation-package", "--no-build-package", "--no-editable-package"),
    *("--no-emit-package", "--no-extra", "--no-group", "--no-install-package", "--no-sources-package"),
    *("--only-binary", "--only-group", "--optional", "--out-dir", "--output-file", "--output-format", "--override"),
    *("--overrides", "--package", "--prefix", "--prerelease", "--prerelease-package", "--project", "--prompt"),
    *("--python", "--python-platform", "--python-version", "--refresh-package", "--reinstall-package"),
    *("--requirement", "--requirements", "--resolution", "--rev", "--script", "--tag", "--target"),
    *("--torch-backend", "--trusted-host", "--upgrade-group", "--upgrade-package", "--with", "--with-editable"),
    *("--with-executables-from", "--with-requirements", "--preview-features"),
    *("-C", "-P", "-b", "-c", "-e", "-f", "-i", "-o", "-p", "-r", "-t", "-w"),
)
_PIP_VALUED = frozenset((*_VALUED, "--no-binary"))
_GLOBAL = Grammar(frozenset(_VALUED), stops=True)
_GRAMMAR = Grammar(frozenset(_VALUED))

_GROUPS = frozenset(("pip", "tool", "python", "cache", "self", "auth", "workspace"))
_RUNNING = frozenset((("run",), ("tool", "run")))


@dataclass(frozen=True, slots=True)
class UvWords:
    """A command line of uv. `command`: its subcommand, such as `("pip", "install")`. `before` are the words up to its
    end, `after` those behind it; where a command is to be run, `rest` is that, as it was written."""

    command: tuple[str, ...]
    before: tuple[Word, ...]
    after: tuple[Word, ...]
    rest: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[Word, ...]:
        """All words that are uv's own."""
        return (*self.before, *self.after)

    def has(self, *options: str) -> bool:
        """Whether one of these options is there."""
        return any(word.option in options for word in self.words)

    def values(self, *options: str) -> list[str]:
        """The values of options, in their order."""
        return [word.value for word in self.words if word.option in options and word.value is not None]


def read_uv(arguments: Sequence[str], /, *, as_uvx: bool = False) -> UvWords:
    """Read uv's arguments, or uvx's."""
    before: list[Word] = []
    rest: tuple[str, ...] = tuple(arguments)
    command: tuple[str, ...] = ("tool", "run") if as_uvx else ()
    while not as_uvx and rest and (not command or (len(command) == 1 and command[0] in _GROUPS)):
        options, word, rest = _until_word(rest)
        before += options
        if word is None:
            break
        before.append(Word("", word, (word,)))
        command = (*command, word)
    if command in _RUNNING:
        options, word, left = _until_word(rest)
        return UvWords(command, tuple(before), tuple(options), left if word is None else (word, *left))
    grammar = Grammar(_PIP_VALUED) if command[:1] == ("pip",) else _GRAMMAR
    return UvWords(command, tuple(before), tuple(read_words(rest, grammar)))


def _until_word(arguments: Sequence[str], /) -> tuple[list[Word], str | None, tuple[str, ...]]:
    """Split into options, the first word that is none, and what follows."""
    options: list[Word] = []
    words = list(read_words(arguments, _GLOBAL))
    for place, word in enumerate(words):
        if not word.option:
            following = [piece for later in words[place + 1 :] for piece in later.raw]
            return options, word.value, tuple(following)
        if word.option == "--":
            return options, None, ("--", *(piece for later in words[place + 1 :] for piece in later.raw))
        options.append(word)
    return options, None, ()
