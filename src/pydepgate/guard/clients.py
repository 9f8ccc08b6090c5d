"""Setting up a client so that all it asks for comes through the local index.

`understand` reads the command: which client it is, what indexes it names, what it would install from elsewhere.
`prepare` then gives it the variables with which it asks the local index alone. Where something leads past both, the
network is left to a proxy that refuses everything.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydepgate.guard.asked import Asked, Fetch, RefusedCommand
from pydepgate.guard.clients_pip import is_pip_variable, pip_environment, pip_files, read_pip
from pydepgate.guard.clients_pipx import read_pipx
from pydepgate.guard.clients_uv import project_folder, read_uv_words, uv_environment, uv_files
from pydepgate.guard.model import Upstream
from pydepgate.guard.recognised import Client, Recognised, recognise
from pydepgate.guard.requirements import Files
from pydepgate.guard.uv_config import uv_settings
from pydepgate.guard.uv_locked import from_lock, needs_lock, refuse_locked_script
from pydepgate.guard.uv_words import UvWords, read_uv
from pydepgate.guard.words import written

__all__ = ["Client", "Indexes", "Prepared", "RefusedCommand", "Understood", "prepare", "understand"]

_PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY")
_NETWORK_VARIABLES = frozenset((*_PROXY_VARIABLES, "NO_PROXY"))


@dataclass(frozen=True, slots=True)
class Understood:
    """A command that was read. `command` is what to run, after `steps`, each of which has to succeed.

    `index_options`: the options of indexes that it and its requirements files gave, which are taken out of both.
    `scan_first`: what lies on disk and would be installed. `folder`: where the client looks for its configuration.
    `configuring`: further words on which its configuration depends. `installs_only`: it does not run programs of the
    user's, which may need servers of their own.
    """

    client: Client
    command: tuple[str, ...]
    folder: Path
    asked: Asked
    files: Files
    steps: tuple[tuple[str, ...], ...] = ()
    isolated: bool = False
    configuring: tuple[str, ...] = ()
    installs_only: bool = False

    @property
    def index_options(self) -> tuple[str, ...]:
        """The options of indexes that were taken out, as arguments."""
        return tuple(self.asked.index_options)

    @property
    def arguments(self) -> tuple[str, ...]:
        """What the indexes that are configured depend on, as arguments of the client."""
        return (*self.configuring, *self.index_options)

    @property
    def scan_first(self) -> tuple[Path, ...]:
        """What lies on disk and would be installed, each once."""
        return tuple(dict.fromkeys(self.asked.scan_first))


@dataclass(frozen=True, slots=True)
class Indexes:
    """The upstreams of each family of clients, in their order, and what pip's configuration files say besides."""

    pip: tuple[Upstream, ...]
    uv: tuple[Upstream, ...]
    pip_settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What to run: `steps` one after the other, then `command`, all with `environment`."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    steps: tuple[tuple[str, ...], ...] = ()
    scan_first: tuple[Path, ...] = ()


def understand(
    command: Sequence[str],
    /,
    *,
    environment: Mapping[str, str],
    folder: Path,
    scratch: Path,
    fetch: Fetch | None = None,
) -> Understood:
    """Read a command that is to be run in a folder.

    `scratch`: where rewritten copies of its files go. `fetch` brings direct addresses here; without it they are
    refused. Raises RefusedCommand, and OSError for files that cannot be read.
    """
    asked = Asked(folder, scratch, fetch)
    files = Files(asked, environment)
    understood = _understood(recognise(command), asked, files, environment)
    # what such files say of indexes has to be known before those are looked up
    if not understood.isolated:
        pip_files(environment, files)
    uv_files(environment, files)
    return understood


def _understood(found: Recognised, asked: Asked, files: Files, environment: Mapping[str, str]) -> Understood:
    folder = asked.folder
    match found.client:
        case Client.PIP:
            pip = read_pip(found.arguments, asked, files)
            command = (*found.start, *pip.arguments)
            return Understood(
                found.client,
                command,
                folder,
                asked,
                files,
                isolated=pip.isolated,
                configuring=command,
                installs_only=True,
            )
        case Client.UV | Client.UVX:
            return _understand_uv(found, asked, files, environment)
        case Client.PIPX:
            arguments = read_pipx(found.arguments, asked, files)
            return Understood(found.client, (*found.start, *arguments), folder, asked, files)
        case _:
            return Understood(found.client, (*found.start, *found.arguments), folder, asked, files)


def prepare(
    understood: Understood,
    /,
    *,
    environment: Mapping[str, str],
    index: Callable[[str], str],
    indexes: Indexes,
    root: str,
    refusing_proxy: str,
) -> Prepared:
    """Return the command with all variables set. `index` gives the local address of an upstream by its name; `root` is
    that of the index's server, which refuses what is asked of it as of a proxy, as `refusing_proxy` does.

    Raises RefusedCommand and OSError.
    """
    kept = {
        name: value
        for name, value in environment.items()
        if not is_pip_variable(name) and not name.startswith("UV_") and name.upper() not in _NETWORK_VARIABLES
    }
    asked, files = understood.asked, understood.files
    kept |= pip_environment(
        environment,
        indexes.pip,
        index=index,
        settings=indexes.pip_settings,
        files=files,
        isolated=understood.isolated,
    )
    kept |= uv_environment(
        environment, indexes.uv, index=index, settings=_settings(understood, environment), files=files
    )
    kept |= _network(root, refusing_proxy, strict=understood.installs_only)
    asked.scratch.mkdir(parents=True, exist_ok=True)
    return Prepared(understood.command, kept, understood.steps, understood.scan_first)


def _understand_uv(found: Recognised, asked: Asked, files: Files, environment: Mapping[str, str]) -> Understood:
    words = read_uv(found.arguments, as_uvx=found.client is Client.UVX)
    folder = project_folder(words, asked.folder, environment)
    working = asked.folder
    for name in words.values("--directory")[-1:]:
        working = working / name
    asked.folder = working
    steps: tuple[tuple[str, ...], ...] = ()
    if words.command == ("run",):
        refuse_locked_script(words, working)
    if needs_lock(words, folder, environment):
        locked = from_lock(found.start, words, asked, files, folder=folder, environment=environment)
        steps, words = locked.steps, locked.words
    elif words.command in (("export",), ("tree",), ("version",), ("audit",), ("check",)) and not words.has("--frozen"):
        raise RefusedCommand(f"'uv {words.command[0]}' may write a lock that names the guard: give it --frozen")
    words = read_uv_words(words, asked, files)
    configuring = (*found.start[:1], *words.command)
    return Understood(
        found.client,
        (*found.start, *_written(words)),
        folder,
        asked,
        files,
        steps,
        configuring=configuring,
        installs_only=words.command[-1:] != ("run",),
    )


def _written(words: UvWords) -> list[str]:
    return [*written(words.before), *written(words.after), *words.rest]


def _settings(understood: Understood, environment: Mapping[str, str]) -> Mapping[str, object]:
    options = understood.index_options if understood.client in (Client.UV, Client.UVX) else ()
    file = options[options.index("--config-file") + 1] if "--config-file" in options else None
    return uv_settings(environment, folder=understood.folder, file=file, no_config="--no-config" in options)


def _network(index: str, refusing_proxy: str, *, strict: bool) -> dict[str, str]:
    """All goes to the refusing proxy, but for the index. A client that runs no program of the user's has the index for
    its proxy too, so that nothing else on the machine's own addresses is reached either."""
    variables = dict.fromkeys(_PROXY_VARIABLES, refusing_proxy)
    if strict:
        variables |= {"HTTP_PROXY": index}
    else:
        variables |= {"NO_PROXY": "127.0.0.1,localhost,::1"}
    if os.name != "nt":  # where variables have no case
        variables |= {name.lower(): value for name, value in variables.items()}
    # git reaches hosts by ssh and by its own protocol as well, which know no proxy
    return variables | {"GIT_ALLOW_PROTOCOL": "http:https", "GIT_TERMINAL_PROMPT": "0"}
