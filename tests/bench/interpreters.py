"""Interpreters, each with this project installed into an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.measure import BenchError, say

CHECKOUT: Final = Path(__file__).parents[2]
_ASK: Final = (
    "import json, os, platform, sys;"
    "print(json.dumps([platform.python_version(), sys._base_executable,"
    " not getattr(sys, '_is_gil_enabled', lambda: True)()]))"
)


@dataclass(frozen=True, slots=True)
class Interpreter:
    """One interpreter. `binary` is the program itself, and no shim of a version manager."""

    version: str
    binary: str
    python: str
    program: str

    def __str__(self) -> str:
        return f"Python {self.version}"


def install(python: str, cache: Path, /) -> Interpreter:
    """Install this checkout for the interpreter, as a user would, and return both."""
    try:
        asked = subprocess.run([python, "-I", "-c", _ASK], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchError(f"--python {python} does not work: {error}") from None
    number, binary, is_free = json.loads(asked.stdout)
    version = number + ("t" if is_free else "")
    folder = cache / f"environment-{version}"
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    say(f"installing this checkout for Python {version} into {folder}")
    # the pip of this interpreter installs: not every other one brings its own
    pip = [sys.executable, "-m", "pip", f"--python={scripts / 'python'}", "install", "--quiet", "--no-deps"]
    for command in ([binary, "-m", "venv", "--clear", "--without-pip", str(folder)], [*pip, str(CHECKOUT)]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"{' '.join(command)} failed: {done.stderr.strip()[-800:]}")
    return Interpreter(version, binary, str(scripts / "python"), str(scripts / "pydepgate"))
