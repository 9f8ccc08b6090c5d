"""The wheels that are scanned, and where they come from."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fixtures.inert import GUARD
from fixtures.litellm_shape import PROXY_PATH, PTH_PATH, stage_one, startup_line
from tests.bench.measure import BenchError, say

LIST: Final = Path(__file__).with_name("wheels.txt")
"""One `name==version` a line. All of them are pure Python, so every machine gets the same files."""

LITELLM: Final = "litellm==1.82.6"
"""The last version before the attack."""

_ANY_MACHINE: Final = ("--no-deps", "--only-binary", ":all:", "--platform", "any", "--python-version", "3.11")


@dataclass(frozen=True, slots=True)
class Corpus:
    """Wheels, the folder with what is in them (one folder a wheel), and how much Python that is."""

    wheels: tuple[Path, ...]
    unpacked: Path
    files: int
    bytes: int
    largest: Path

    def __str__(self) -> str:
        return f"{len(self.wheels)} wheels, {self.files:,} Python files, {self.bytes / 1e6:.1f} MB of Python"


def cache_folder() -> Path:
    """Return where downloads and environments are kept unless another folder is given."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pydepgate-bench"


def popular_wheels(cache: Path, /) -> list[Path]:
    """Return the wheels of the list; those that are not in the cache are downloaded with pip."""
    specs = [line.strip() for line in LIST.read_text(encoding="utf-8").splitlines() if line.strip()]
    folder = cache / "wheels"
    missing = [spec for spec in specs if find_wheel(folder, spec) is None]
    if missing:
        say(f"downloading {len(missing)} wheels into {folder}")
        failed = download(missing, folder)
        if still := [spec for spec in specs if find_wheel(folder, spec) is None]:
            raise BenchError(
                f"pip did not get {', '.join(still)}: {failed}\nPut wheels of your own in a folder and give it with "
                f"--corpus DIR, or change {LIST}."
            )
    return [path for spec in specs if (path := find_wheel(folder, spec)) is not None]


def find_wheel(folder: Path, spec: str, /) -> Path | None:
    """Return the wheel of `name==version` in the folder, or of any version for a mere name."""
    name, _, version = spec.partition("==")
    found = sorted(folder.glob(f"{name.replace('-', '_')}-{version or '*'}-*.whl"))
    return found[-1] if found else None


def download(specs: Sequence[str], folder: Path, /) -> str:
    """Download wheels with the pip of this interpreter; return what went wrong, or nothing."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", *_ANY_MACHINE, "--dest", str(folder), *specs]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["pip failed"])[-1]


def open_corpus(wheels: Sequence[Path], cache: Path, /) -> Corpus:
    """Unpack the wheels, once, for the programs that read folders, and count the Python in them."""
    if not wheels:
        raise BenchError("there are no wheels (*.whl) in the folder of --corpus")
    key = hashlib.sha256("\n".join(f"{path.name} {path.stat().st_size}" for path in wheels).encode()).hexdigest()[:12]
    unpacked = cache / f"unpacked-{key}"
    sizes: dict[Path, int] = {}
    count = 0
    for path in wheels:
        with _open(path) as archive:
            modules = [info.file_size for info in archive.infolist() if info.filename.endswith(".py")]
            sizes[path] = sum(modules)
            count += len(modules)
            target = unpacked / path.stem
            if not target.exists():  # renamed last, so that a folder that exists is whole
                archive.extractall(unpacked / ".part")
                (unpacked / ".part").rename(target)
    return Corpus(tuple(wheels), unpacked, count, sum(sizes.values()), max(sizes, key=sizes.__getitem__))


def _open(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise BenchError(f"{path} is no wheel ({error}): remove it, and it is downloaded again") from None


def litellm_wheel(cache: Path, /) -> Path:
    """Return a wheel of LiteLLM with the inert shape of the attack on it put in.

    It is the version before the attack, or, if that cannot be had, the newest, which the name of the file says.
    """
    folder = cache / "litellm"
    source = None
    problem = ""
    for spec in (LITELLM, "litellm"):
        source = find_wheel(folder, spec)
        if source is None:
            problem = download([spec], folder)
            source = find_wheel(folder, spec)
        if source is not None:
            break
    if source is None:
        raise BenchError(f"pip did not get {LITELLM} nor a newer one: {problem}\nPut its wheel into {folder}.")
    target = cache / "litellm-shaped" / source.name
    target.parent.mkdir(parents=True, exist_ok=True)
    _put_shape_in(source, target)
    return target


def _put_shape_in(source: Path, target: Path) -> None:
    payload = base64.b64encode(stage_one()).decode()
    entrance = f'\nimport base64\nimport sys\n\n_warm_blob = "{payload}"\nif {GUARD}:\n'
    entrance += "    exec(base64.b64decode(_warm_blob))\n"
    changed = {PTH_PATH: startup_line(payload).encode()}
    with _open(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        changed[PROXY_PATH] = old.read(PROXY_PATH) + entrance.encode()
        for info in old.infolist():
            if info.filename.endswith(".dist-info/RECORD"):
                new.writestr(info.filename, _record(old.read(info).decode(), changed))
            elif info.filename not in changed:
                new.writestr(info, old.read(info))
        for path, data in changed.items():
            new.writestr(path, data)


def _record(text: str, changed: dict[str, bytes]) -> str:
    lines = [line for line in text.splitlines() if line.partition(",")[0] not in changed]
    for path, data in changed.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(data)}")
    return "\n".join(lines) + "\n"


def evenly(paths: Sequence[Path], count: int, /) -> list[Path]:
    """Return `count` of the paths, as evenly spread as can be, or all if there are fewer."""
    if len(paths) <= count:
        return list(paths)
    return [paths[index * len(paths) // count] for index in range(count)]
