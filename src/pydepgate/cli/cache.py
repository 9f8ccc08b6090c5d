"""`pydepgate cache`: what the guard keeps from one run to the next."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydepgate.cli.options import as_argument, new_parser
from pydepgate.cli.output import print_text
from pydepgate.cli.values import word
from pydepgate.guard.folders import cache_folder
from pydepgate.guard.kept import FOLDER_NAME, Kept
from pydepgate.guard.verdicts import FILE_NAME, Verdicts
from pydepgate.guard.wording import plural, size_text
from pydepgate.report.escape import printable

_DESCRIPTION = """\
Show what the guard keeps in the user's cache folder: the verdicts of files that it scanned, and
the files that it let through. Without it, the next run only takes longer.
"""

_EPILOG = """\
The folder is that of caches on the platform ($XDG_CACHE_HOME/pydepgate, ~/.cache/pydepgate,
~/Library/Caches/pydepgate, %LOCALAPPDATA%\\pydepgate\\Cache), or PYDEPGATE_CACHE_DIR.

exit status:
  0  shown, or cleared
  3  it could not be cleared, or the arguments are wrong
"""


@dataclass(frozen=True, slots=True)
class _State:
    """What lies in the folder; sizes in bytes."""

    folder: Path
    verdicts: int
    by_verdict: dict[str, int]
    verdicts_size: int
    files: int
    files_size: int


def run(arguments: Sequence[str], /) -> int:
    """Show the caches, or clear them; return the exit status."""
    parser = new_parser("cache", usage="[--clear] [--format FORMAT]", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--clear", action="store_true", help="remove all of it")
    parser.add_argument(
        "--format", type=as_argument(word(("text", "json"))), default="text", help="text or json", metavar="FORMAT"
    )
    parsed = parser.parse(arguments)
    state = _state(cache_folder(os.environ))
    if parsed.clear:
        _clear(state.folder)
    print_text(_json(state, parsed.clear) if parsed.format == "json" else _text(state, parsed.clear))
    return 0


def _state(folder: Path, /) -> _State:
    """Look at a folder, without making anything in it."""
    entries, verdicts_size, by_verdict = 0, 0, {}
    if (folder / FILE_NAME).is_file():
        with Verdicts.in_folder(folder) as verdicts:
            contents = verdicts.contents()
        entries, verdicts_size, by_verdict = contents.entries, contents.size, contents.by_verdict
    kept = Kept.in_folder(folder) if (folder / FOLDER_NAME).is_dir() else None
    files, files_size = kept.contents() if kept is not None else (0, 0)
    return _State(folder, entries, by_verdict, verdicts_size, files, files_size)


def _clear(folder: Path, /) -> None:
    """Remove what lies there, but for what a guard that is running uses. Raises OSError."""
    for path in folder.glob(f"{FILE_NAME}*"):
        path.unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder / FOLDER_NAME)


def _text(state: _State, cleared: bool, /) -> str:
    each = ", ".join(f"{count:,} {verdict}" for verdict, count in state.by_verdict.items())
    lines = [
        f"folder    {printable(str(state.folder))}",
        f"verdicts  {state.verdicts:,}{f' ({each})' if each else ''}, {size_text(state.verdicts_size)}",
        f"files     {state.files:,}, {size_text(state.files_size)}",
    ]
    if cleared:
        lines.append(f"cleared: {plural(state.verdicts, 'verdict')} and {plural(state.files, 'file')}")
    return "\n".join(lines) + "\n"


def _json(state: _State, cleared: bool, /) -> str:
    document = {
        "folder": str(state.folder),
        "verdicts": {"entries": state.verdicts, "size": state.verdicts_size, "by_verdict": state.by_verdict},
        "files": {"entries": state.files, "size": state.files_size},
        "cleared": cleared,
    }
    return json.dumps(document, indent=2) + "\n"
