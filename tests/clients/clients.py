"""The real clients, in environments of their own, and the places in which tests run them."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.guard.packages import MARKER
from tests.guard.upstream import Index

OLD_PIP = "23.2.1"
SECONDS = 60
"""After which a client is taken to hang."""


@dataclass(frozen=True, slots=True)
class Clients:
    """Where the clients are: environments with an old pip, with the newest one, and with all others."""

    folder: Path

    def python(self, environment: str, /) -> str:
        """Return the interpreter of an environment: `old`, `new` or `tools`."""
        return str(self.folder / environment / "bin" / "python")

    def tool(self, name: str, /) -> str:
        """Return the path of uv, pipx, hatch or pyproject-build."""
        return str(self.folder / "tools" / "bin" / name)


def install_clients(folder: Path, /) -> Clients:
    """Install the clients below the folder, from the index that this machine has; those that are there stay.

    Raises CalledProcessError where there is none.
    """
    clients = Clients(folder)
    if (folder / "complete").exists():
        return clients
    venv.create(folder / "tools", with_pip=True, symlinks=True)
    tools = clients.python("tools")
    _quietly(tools, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv")
    uv = clients.tool("uv")
    for environment, packages in {
        "old": (f"pip=={OLD_PIP}", "setuptools<70", "wheel<0.44"),
        "new": ("pip",),
        "tools": ("build", "hatch", "pipx"),
    }.items():
        if environment != "tools":
            venv.create(folder / environment, with_pip=False, symlinks=True)
        _quietly(uv, "pip", "install", "--quiet", "--python", clients.python(environment), *packages)
    (folder / "complete").touch()
    return clients


def _quietly(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300)


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that ended: its exit status and what it wrote to both streams."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class Place:
    """A user's machine in a folder: home, settings, caches and temporary files, and a trap that stands where a
    proxy of the network would."""

    folder: Path
    clients: Clients
    trap: Index

    @property
    def target(self) -> Path:
        """Where packages are installed."""
        return self.folder / "target"

    @property
    def marker(self) -> Path:
        """What the malicious `setup.py` writes."""
        return self.folder / "marker"

    @property
    def temporary(self) -> Path:
        """The folder of temporary files."""
        return self.folder / "tmp"

    @property
    def work(self) -> Path:
        """The current folder of what is run."""
        return self.folder / "work"

    def environment(self) -> dict[str, str]:
        """Return the variables of a user's shell."""
        path = [str(self.clients.folder / "tools" / "bin"), os.environ.get("PATH", os.defpath)]
        return {
            "PATH": os.pathsep.join(path),
            "LANG": "C.UTF-8",
            "HOME": str(self.folder / "home"),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_CONFIG_DIRS": str(self.folder / "etc"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "XDG_DATA_HOME": str(self.folder / "data"),
            "TMPDIR": str(self.temporary),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_PYTHON_DOWNLOADS": "never",
            "HTTP_PROXY": self.trap.root,
            "HTTPS_PROXY": self.trap.root,
            "ALL_PROXY": self.trap.root,
            "NO_PROXY": "127.0.0.1,localhost",
            MARKER: str(self.marker),
        }

    def write(self, path: str, text: str, /) -> Path:
        """Write a file below the user's folder and return its path."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def lay(self, path: str, files: Mapping[str, bytes], /) -> Path:
        """Write a tree of files below the user's folder and return its path."""
        for name, data in files.items():
            file = self.folder / path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        return self.folder / path

    def configure(self, *urls: str) -> None:
        """Make these the indexes of pip and uv, in the user's own settings of both."""
        first, *more = urls
        lines = ["[global]", f"index-url = {first}"]
        if more:
            lines.append("extra-index-url =" + "".join(f"\n    {url}" for url in more))
        self.write("config/pip/pip.conf", "\n".join(lines) + "\n")
        # of uv's indexes the first has priority, and the default comes last
        tables = [f'[[index]]\nurl = "{url}"\n' for url in urls]
        tables[-1] += "default = true\n"
        self.write("config/uv/uv.toml", "\n".join(tables))

    def run(self, *command: str, **variables: str) -> Ended:
        """Run a command there, without a terminal."""
        result = subprocess.run(
            command,
            env=self.environment() | variables,
            cwd=self.work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
        )
        return Ended(result.returncode, result.stdout)

    def start(self, *command: str, new_session: bool = False) -> subprocess.Popen[str]:
        """Start a command there, without a terminal; what it writes goes to its standard output."""
        return subprocess.Popen(
            command,
            env=self.environment(),
            cwd=self.work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=new_session,
        )

    def guard(self, *words: str, **variables: str) -> Ended:
        """Run `pydepgate guard` with these words: options, then the command."""
        return self.run(*guard_command(*words), **variables)

    def install(self, client: str, *words: str, target: Path | None = None) -> list[str]:
        """Return the command by which a client (`old` or `new`, for pip, or `uv`) installs into a folder, `target` of
        the place if none is given."""
        if client == "uv":
            start = [self.clients.tool("uv"), "pip", "install", "--python", self.clients.python("new")]
        else:
            start = [self.clients.python(client), "-m", "pip", "install"]
        return [*start, "--target", str(target or self.target), *words]

    def imports(self, name: str, /) -> bool:
        """Say whether what was installed there can be imported."""
        return self.run(self.clients.python("new"), "-c", f"import {name}", PYTHONPATH=str(self.target)).status == 0

    def installed(self) -> set[str]:
        """Return the names of the files and folders that were installed, without those that clients lock with."""
        entries = self.target.iterdir() if self.target.exists() else ()
        return {path.name for path in entries if not path.name.startswith(".")}


def guard_command(*words: str) -> Sequence[str]:
    """Return the command that is `pydepgate guard` with these words."""
    return [sys.executable, "-m", "pydepgate", "guard", *words]
