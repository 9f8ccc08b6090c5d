"""Direct addresses (`--allow-direct`): archives and git repositories that no index lists, fetched to be scanned."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from pydepgate.guard.addresses import shown
from pydepgate.guard.asked import Fetch, RefusedCommand
from pydepgate.guard.gate import MAX_FILE_BYTES
from pydepgate.guard.hashes import STRONG, Hashing
from pydepgate.guard.logins import read_logins
from pydepgate.guard.model import RemoteFile
from pydepgate.guard.names import ARCHIVES, is_filename
from pydepgate.guard.upstreams import fetcher_for, upstream

_GIT = ("git+https", "git+http", "git+ssh", "git+file", "git+git")


def direct_fetch(environment: Mapping[str, str], /, *, folder: Path, scratch: Path) -> Fetch:
    """Return what brings a direct address into a folder of its own below `scratch`.

    It raises RefusedCommand for what it does not know, and UpstreamError.
    """

    def fetch(address: str) -> Path:
        scratch.mkdir(parents=True, exist_ok=True)
        place = scratch / str(len(list(scratch.iterdir())))
        place.mkdir()
        scheme = address.partition("://")[0].lower()
        if scheme in _GIT:
            return _cloned(address, place, environment)
        if scheme in ("http", "https"):
            return _downloaded(address, place, environment, folder)
        raise RefusedCommand(f"{_shown(address)}: only http, https and git addresses can be fetched and scanned")

    return fetch


def _downloaded(address: str, place: Path, environment: Mapping[str, str], folder: Path) -> Path:
    parts = urlsplit(address)
    told = parse_qs(parts.fragment)
    name = unquote(parts.path.rpartition("/")[2])
    if not is_filename(name) or not name.lower().endswith(ARCHIVES):
        raise RefusedCommand(f"{_shown(address)} is the address of no archive that installers take")
    if "subdirectory" in told:
        raise RefusedCommand(f"{_shown(address)}: a folder inside an archive is not supported")
    place = place / name
    made = upstream(parts._replace(fragment="").geturl(), name="direct", logins=read_logins(environment))
    hashing = Hashing({name: values[0] for name, values in told.items() if name in STRONG})
    with fetcher_for(environment, folder=folder) as fetcher, place.open("w+b") as stream:
        fetcher.download(RemoteFile(name, made.url), made, to=stream, limit=MAX_FILE_BYTES)
        stream.seek(0)
        hashing.read(stream)
    if algorithm := hashing.wrong():
        raise RefusedCommand(f"{_shown(address)}: what came does not have the {algorithm} that is given")
    return place


def _cloned(address: str, place: Path, environment: Mapping[str, str]) -> Path:
    """Clone a repository with its history, which some builds read versions from, at the revision that is asked for."""
    url, _, fragment = address[len("git+") :].partition("#")
    start, slash, path = url.partition("://")
    host, between, rest = path.partition("/")
    rest, at, revision = rest.rpartition("@") if "@" in rest else (rest, "", "HEAD")
    url = f"{start}{slash}{host}{between}{rest}"
    subdirectory = parse_qs(fragment).get("subdirectory", [""])[0]
    name = re.sub(r"[^A-Za-z0-9._-]", "-", rest.rstrip("/").rpartition("/")[2].removesuffix(".git")) or "repository"
    target = place / name
    if revision.startswith("-") or (not at and revision != "HEAD"):
        raise RefusedCommand(f"{_shown(address)}: {revision!r} is no revision")
    for arguments in (
        ("clone", "--quiet", "--no-checkout", "--", url, str(target)),
        ("-C", str(target), "checkout", "--quiet", revision, "--"),
        ("-C", str(target), "submodule", "--quiet", "update", "--init", "--recursive"),
    ):
        _git(arguments, address, environment)
    inside = (target / subdirectory).resolve()
    if not inside.is_relative_to(target.resolve()) or not inside.is_dir():
        raise RefusedCommand(f"{_shown(address)}: there is no folder {subdirectory!r} in it")
    return inside


def _git(arguments: tuple[str, ...], address: str, environment: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(
            ("git", *arguments), env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError as error:
        raise RefusedCommand(f"git cannot be started: {error}") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise RefusedCommand(f"{_shown(address)} cannot be fetched: {said}")


def _shown(address: str) -> str:
    try:
        return shown(address)
    except ValueError:
        return "an address"
