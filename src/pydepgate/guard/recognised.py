"""Which client a command starts, and where its own arguments begin."""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from pydepgate.guard.asked import RefusedCommand
from pydepgate.regex import regex


class Client(enum.Enum):
    """What has to be understood of a command."""

    PIP = "pip"
    UV = "uv"
    UVX = "uvx"
    PIPX = "pipx"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Recognised:
    """A command: `start` are the words that start the client, `arguments` its own."""

    client: Client
    start: tuple[str, ...]
    arguments: tuple[str, ...]


_PIP = regex(r"pip[0-9.]*(\.pyz)?")
_PYTHON = regex(r"(python|pypy)[0-9.]*[tw]?|py")
_MODULES = {"pip": Client.PIP, "pip.__main__": Client.PIP, "uv": Client.UV, "pipx": Client.PIPX}
_NAMES = {"uv": Client.UV, "uvx": Client.UVX, "pipx": Client.PIPX}
_PYTHON_VALUED = "WXQ"

_POETRY = """\
poetry reads its indexes from pyproject.toml alone. Start 'pydepgate proxy' in another terminal, and put this there:

[[tool.poetry.source]]
name = "pydepgate"
url = "http://127.0.0.1:8765/0/"
priority = "primary"
"""
_PDM = """\
pdm reads its indexes from its own configuration. Start 'pydepgate proxy' in another terminal, and put this into
pyproject.toml:

[[tool.pdm.source]]
name = "pypi"
url = "http://127.0.0.1:8765/0/"
verify_ssl = true
"""
_PIPENV = """\
pipenv reads its indexes from the Pipfile alone. Start 'pydepgate proxy' in another terminal, and give pipenv
--pypi-mirror http://127.0.0.1:8765/0/
"""
_CONDA = "it does not install from Python package indexes, which is all that the guard stands in front of"
_RIGHTS = "it starts its command with other variables, which the guard needs: run 'sudo pydepgate guard ...' instead"
_ENV = "give variables before the guard instead: 'NAME=value pydepgate guard ...'"
_INSIDE = "the guard does not reach into it: run 'pydepgate guard ...' inside"

_REFUSED = {
    "poetry": _POETRY,
    "pdm": _PDM,
    "pipenv": _PIPENV,
    **dict.fromkeys(("conda", "mamba", "micromamba"), _CONDA),
    **dict.fromkeys(("pixi", "rye"), "it reads its indexes from its own files alone; start 'pydepgate proxy' and put"
                    " its address there"),
    **dict.fromkeys(("sudo", "doas", "su", "runuser", "pkexec"), _RIGHTS),
    "env": _ENV,
    **dict.fromkeys(("docker", "podman", "ssh", "cibuildwheel", "wsl"), _INSIDE),
}  # fmt: skip


def recognise(command: Sequence[str], /) -> Recognised:
    """Say which client a command starts; raises RefusedCommand for one that would go around the guard."""
    if not command:
        raise RefusedCommand("no command to run was given")
    name = _name(command[0])
    _refuse(name)
    if name == "pip.pyz" or _PIP.fullmatch(name):
        return Recognised(Client.PIP, (command[0],), tuple(command[1:]))
    if name in _NAMES:
        return Recognised(_NAMES[name], (command[0],), tuple(command[1:]))
    if _PYTHON.fullmatch(name):
        return _of_python(command)
    return Recognised(Client.OTHER, tuple(command), ())


def _of_python(command: Sequence[str]) -> Recognised:
    """Find `-m MODULE`, alone or at the end of a cluster, before the first word that is no option."""
    place = 1
    while place < len(command) and re.match("-[^-]", command[place]):
        word = command[place]
        module_at = next((at for at, letter in enumerate(word) if letter in f"mc{_PYTHON_VALUED}"), None)
        if module_at is None:
            place += 1
            continue
        attached = word[module_at + 1 :]
        if word[module_at] in _PYTHON_VALUED:
            place += 1 if attached else 2
            continue
        if word[module_at] == "c":
            break
        end = place + (1 if attached else 2)
        module = attached or "".join(command[place + 1 : place + 2])
        _refuse(module)
        client = _MODULES.get(module, Client.OTHER)
        if client is Client.OTHER:
            break
        return Recognised(client, tuple(command[:end]), tuple(command[end:]))
    if place < len(command) and PurePath(command[place]).name == "pip.pyz":
        return Recognised(Client.PIP, tuple(command[: place + 1]), tuple(command[place + 1 :]))
    return Recognised(Client.OTHER, tuple(command), ())


def _refuse(name: str) -> None:
    if name in _REFUSED:
        raise RefusedCommand(f"{name} cannot be run under the guard: {_REFUSED[name]}".rstrip())


def _name(word: str) -> str:
    name = PurePath(word.replace("\\", "/")).name.lower()
    return name.removesuffix(".exe").removesuffix(".cmd").removesuffix(".bat")
