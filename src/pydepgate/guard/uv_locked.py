"""Projects of uv that have a lock: what it names comes through the guard, and the lock stays as it is.

`uv sync --frozen` goes straight to the addresses in `uv.lock`. So the lock is exported to requirements with hashes,
these are installed through the local index, and `uv sync --frozen` then finds all of them in place.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydepgate.guard.asked import Asked, RefusedCommand
from pydepgate.guard.clients_uv import INDEX_OPTIONS
from pydepgate.guard.requirements import Files
from pydepgate.guard.uv_words import UvWords
from pydepgate.guard.words import Word, written

_SELECTING = frozenset(
    (
        *("--extra", "--all-extras", "--no-extra", "--no-dev", "--only-dev", "--dev", "--group", "--no-group"),
        *("--no-default-groups", "--only-group", "--all-groups", "--package", "--all-packages"),
    )
)
_PYTHON = frozenset(("-p", "--python"))
_CHECKING = _PYTHON | INDEX_OPTIONS.keys()
_UNLOCKED = frozenset(("-U", "--upgrade", "-P", "--upgrade-package", "--upgrade-group", "--active", "--script"))


@dataclass(frozen=True, slots=True)
class Locked:
    """How to run a command from a lock: `steps` come first, each of which has to succeed, then `command`."""

    steps: tuple[tuple[str, ...], ...]
    words: UvWords


def locked_project(folder: Path, /) -> Path | None:
    """Return the folder of the project or workspace that a folder belongs to, None if there is none.

    It is the one with a lock, or else the nearest with a `pyproject.toml`.
    """
    places = [place for place in (folder, *folder.parents) if (place / "pyproject.toml").is_file()]
    return next((place for place in places if (place / "uv.lock").is_file()), places[0] if places else None)


def needs_lock(words: UvWords, folder: Path, environment: Mapping[str, str], /) -> bool:
    """Whether a command reads or writes the lock of a project, and installs from it."""
    if words.command == ("sync",):
        return True
    if words.command != ("run",) or words.has("--no-project", "--no-sync"):
        return False
    if environment.get("UV_NO_SYNC") or environment.get("UV_NO_PROJECT") or _is_script(words, folder):
        return False
    return locked_project(folder) is not None


def from_lock(
    uv: Sequence[str], words: UvWords, asked: Asked, files: Files, /, *, folder: Path, environment: Mapping[str, str]
) -> Locked:
    """Return how to run `uv sync` or `uv run` from the lock of the project in a folder.

    `uv`: the words that start uv. uv is run to check and to export the lock, without a network. Raises RefusedCommand.
    """
    command = " ".join(("uv", *words.command))
    for word in words.words:
        if word.option in _UNLOCKED:
            raise RefusedCommand(f"'{command} {word.option}' is not supported by the guard")
    project = locked_project(folder)
    if project is None or not (project / "uv.lock").is_file():
        raise RefusedCommand(
            f"{command!r} would write a lock that names the guard; make it first, without the guard: "
            "uv lock --no-build; then what is locked is scanned before it is installed"
        )
    options = [word for word in words.words if word.option in _PYTHON]
    if not words.has("--frozen") and not environment.get("UV_FROZEN"):
        checking = written([word for word in words.words if word.option in _CHECKING])
        _check(uv, checking, folder=folder, environment=environment)
    asked.scratch.mkdir(parents=True, exist_ok=True)
    exported = asked.scratch / "locked.txt"
    selected = [word for word in words.words if word.option in _SELECTING or word.option in _PYTHON]
    arguments = ("--frozen", "--no-header", "--no-emit-workspace", "--format", "requirements-txt", "-o", str(exported))
    _ask((*uv, "export", "-q", "--offline", *arguments, *written(selected)), folder=folder, environment=environment)
    requirements = files.use(str(exported))
    target = Path(environment.get("UV_PROJECT_ENVIRONMENT") or ".venv")
    target = project / target
    steps: list[tuple[str, ...]] = []
    if not (target / "pyvenv.cfg").is_file():
        steps.append((*uv, "venv", "-q", *written(options), str(target)))
    install = ("pip", "install", "--no-deps", "--require-hashes", "--index-strategy", "unsafe-best-match")
    steps.append((*uv, *install, "--python", str(target), "-r", requirements))
    frozen = [] if words.has("--frozen") else [Word("--frozen", None, ("--frozen",))]
    after = [word for word in words.after if word.option not in ("--locked", "--check")]
    return Locked(tuple(steps), replace(words, after=(*frozen, *after)))


def _check(uv: Sequence[str], options: Sequence[str], /, *, folder: Path, environment: Mapping[str, str]) -> None:
    try:
        _ask((*uv, "lock", "--check", "--offline", "-q", *options), folder=folder, environment=environment)
    except RefusedCommand as error:
        raise RefusedCommand(
            "uv.lock is not known to be up to date, and the guard does not change it; run without the guard: "
            f"uv lock --no-build; or give --frozen to install what it says\n{error}"
        ) from None


def _ask(command: Sequence[str], /, *, folder: Path, environment: Mapping[str, str]) -> None:
    """Run uv as the user has configured it, but without network and cache."""
    variables = {name: value for name, value in environment.items() if name not in ("UV_FROZEN", "UV_LOCKED")}
    variables |= {"UV_NO_CACHE": "1", "UV_OFFLINE": "1"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=variables, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError as error:
        raise RefusedCommand(f"{command[0]} cannot be started: {error}") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise RefusedCommand(f"'{' '.join(command[: len(command) and 4])}' failed:\n{said}")


def _is_script(words: UvWords, folder: Path) -> bool:
    """Whether what is to be run is a script that brings its own metadata (PEP 723)."""
    if words.has("--script", "-s"):
        return True
    name = next((piece for piece in words.rest if piece != "--"), "")
    try:
        path = folder / name
        if not name.endswith(".py") or not path.is_file():
            return False
        with path.open("rb") as stream:
            return b"# /// script" in stream.read(65_536)
    except OSError:
        return False


def refuse_locked_script(words: UvWords, folder: Path, /) -> None:
    """Raise RefusedCommand for a script that has a lock of its own."""
    name = next((piece for piece in words.rest if piece != "--"), "")
    if name and os.path.lexists(folder / f"{name}.lock"):
        raise RefusedCommand(f"{name}.lock names the addresses of its files, which lead past the guard")
