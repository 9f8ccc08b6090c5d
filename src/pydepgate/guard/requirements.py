"""Requirements and constraints files: read as pip and uv do, and rewritten where they go around the guard.

Source: pip's reference, "Requirements File Format". Options of indexes in such a file beat the environment, so they
are taken out, into the guard's own settings; a file without any stays as it is.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydepgate.guard.asked import Asked, RefusedCommand
from pydepgate.guard.named import is_address
from pydepgate.guard.words import Grammar, read_words, written
from pydepgate.regex import regex

MAX_DEPTH = 20
MAX_BYTES = 16 * 1024 * 1024

INDEX_OPTIONS: Mapping[str, str] = {
    "-i": "--index-url",
    "--index-url": "--index-url",
    "--pypi-url": "--index-url",
    "--extra-index-url": "--extra-index-url",
    "-f": "--find-links",
    "--find-links": "--find-links",
    "--no-index": "--no-index",
    "--trusted-host": "--trusted-host",
}
"""Options of indexes that pip and uv share, with the name that is passed on."""

_FILES = frozenset(("-r", "--requirement", "--requirements", "-c", "--constraint", "--constraints"))
_EDITABLES = frozenset(("-e", "--editable"))
_GRAMMAR = Grammar(
    frozenset((*INDEX_OPTIONS, *_FILES, *_EDITABLES, "--no-binary", "--only-binary", "--use-feature")) - {"--no-index"}
)
_COMMENT = regex(r"(^|\s+)#.*$")
_VARIABLE = regex(r"\$\{(?P<name>[A-Z0-9_]+)\}")
_OPTIONS = regex(r"\s--?[a-z]", re.IGNORECASE)
_CODING = regex(r"^[ \t\f]*#.*?coding[:=][ \t]*(?P<name>[-\w.]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Files:
    """Reads requirements files for a command; `environment` is what `${NAME}` in them refers to."""

    asked: Asked
    environment: Mapping[str, str]

    def use(self, name: str, /, *, base: Path | None = None, depth: int = 0) -> str:
        """Return the file to give to the client instead of `name`: the same, or a rewritten copy.

        `base` is where a relative name starts. Raises RefusedCommand and OSError.
        """
        if is_address(name):
            if not name.lower().startswith("file:///"):
                raise RefusedCommand(f"the requirements file {name!r} is not on this machine: fetch it first")
            name = name[len("file://") :]
        if name == "-":
            raise RefusedCommand("requirements from standard input are not supported: write them into a file")
        path = Path(os.path.abspath((base or self.asked.folder) / name))  # noqa: PTH100  links stay as they are
        if path.name.startswith("pylock") and path.suffix == ".toml":
            raise RefusedCommand(f"{name} names the addresses of its files, which lead past the guard")
        if path.suffix in (".toml", ".cfg", ".py"):
            if path.name in ("setup.py", "setup.cfg", "pyproject.toml"):
                self.asked.scan_first += [path] if path.name == "setup.py" else []
            return name if base is None else str(path)
        if path in self.asked.copies:
            known = self.asked.copies[path]
            if known is None:
                raise RefusedCommand(f"{name} refers to itself")
            return name if known == path and base is None else str(known)
        if depth > MAX_DEPTH:
            raise RefusedCommand(f"{name}: requirements files refer to each other too deeply")
        self.asked.copies[path] = None
        try:
            text = _decoded(path)
        except FileNotFoundError:
            self.asked.copies[path] = path
            return name if base is None else str(path)  # the client says that it is not there
        lines = list(self._lines(text, path.parent, depth))
        if path.is_file() and not any(changed for _, changed in lines):
            self.asked.copies[path] = path
            return name if base is None else str(path)
        copy = self.asked.new_copy(path.name)
        copy.write_text("# coding: utf-8\n" + "".join(f"{line}\n" for line, _ in lines), encoding="utf-8")
        self.asked.copies[path] = copy
        return str(copy)

    def _lines(self, text: str, base: Path, depth: int) -> Iterator[tuple[str, bool]]:
        """Yield each line as a copy that lies elsewhere needs it, and whether a copy is needed for its sake."""
        for line in _logical_lines(text):
            bare = _COMMENT.sub("", line).strip()
            bare = _VARIABLE.sub(lambda found: self.environment.get(found["name"]) or found[0], bare)
            if not bare:
                continue
            if bare.startswith("-"):
                yield self._option_line(bare, base, depth)
            else:
                new = self._requirement(bare)
                yield line if new is None else new, new is not None

    def _requirement(self, line: str) -> str | None:
        found = _OPTIONS.search(line)
        end = found.start() if found else len(line)
        bare, semicolon, marker = line[:end].partition(" ;")
        new = self.asked.requirement(bare)
        return None if new is None else f"{new}{semicolon}{marker}{line[end:]}"

    def _option_line(self, line: str, base: Path, depth: int) -> tuple[str, bool]:
        try:
            words = list(read_words(shlex.split(line), _GRAMMAR))
        except ValueError as error:
            raise RefusedCommand(f"a requirements file has a line that cannot be read: {line!r} ({error})") from None
        kept, changed = [], False
        for word in words:
            _refuse_abbreviation(word.option)
            if (option := INDEX_OPTIONS.get(word.option)) is not None:
                self.asked.index_option(option, _from(base, word.value) if option == "--find-links" else word.value)
                changed = True
            elif word.option in _FILES and word.value is not None:
                name = self.use(word.value, base=base, depth=depth + 1)
                changed = changed or Path(name).parent == self.asked.scratch
                kept.append(word.with_value(name))
            elif word.option in _EDITABLES and word.value is not None:
                new = self.asked.requirement(word.value, editable=True)
                changed = changed or new is not None
                kept.append(word if new is None else word.with_value(new))
            else:
                kept.append(word)
        return shlex.join(written(kept)), changed


def _refuse_abbreviation(option: str) -> None:
    name = option.partition("=")[0]
    if len(name) > 3 and name not in INDEX_OPTIONS and any(full.startswith(name) for full in INDEX_OPTIONS):
        raise RefusedCommand(f"write the option {name!r} in full")


def _from(base: Path, value: str | None) -> str | None:
    """A folder of links is searched for beside the requirements file first."""
    if value is None or is_address(value) or not (base / value).exists():
        return value
    return str(base / value)


def _logical_lines(text: str) -> Iterator[str]:
    """Join lines that end in a backslash, as pip does; a comment ends what it continues."""
    parts: list[str] = []
    for line in text.splitlines():
        is_comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not is_comment:
            parts.append(line[:-1])
            continue
        if is_comment:
            line = f" {line}"
        yield "".join((*parts, line))
        parts = []
    if parts:
        yield "".join(parts)


def _decoded(path: Path) -> str:
    with path.open("rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise RefusedCommand(f"{path} is too large for a requirements file")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16")
    coding = _CODING.search(data[:400].decode("latin-1"))
    try:
        return data.decode(coding["name"] if coding else "utf-8-sig").removeprefix("\ufeff")
    except (LookupError, UnicodeDecodeError) as error:
        raise RefusedCommand(f"{path} cannot be read: {error}") from None
