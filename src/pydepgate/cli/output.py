"""Writing: to a terminal of any encoding, or to a file that appears whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from pydepgate.errors import UsageError

Write = Callable[[str], None]


def print_text(text: str, /, *, stream: TextIO | None = None) -> None:
    """Write to `stream` (standard output by default) what its encoding can say, the rest as escapes.

    That the reader of standard output has gone (`| head`) is no error: the exit status is still an answer.
    """
    stream = sys.stdout if stream is None else stream
    if stream is None:  # what a process started without standard output has
        return
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except BrokenPipeError:
        if stream is not sys.stdout:
            raise
        _discard_stdout()


def print_error(message: str, /) -> None:
    """Write one error to standard error."""
    print_message(f"pydepgate: error: {message}")


def print_message(message: str, /) -> None:
    """Write lines to standard error; what they quote cannot move the cursor."""
    from pydepgate.report.escape import printable

    lines = [printable(line) for line in message.rstrip().split("\n")]
    with contextlib.suppress(OSError, ValueError):  # nobody is left to be told
        print_text("\n".join(lines) + "\n", stream=sys.stderr)


def internal_error(when: str, /) -> str:
    """The message for an error that is a fault of the program, while it is being handled."""
    import traceback

    return f"internal error {when}; please report it with what follows\n{traceback.format_exc()}"


def _discard_stdout() -> None:
    """Send what standard output still holds, and all that follows, nowhere."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


@contextlib.contextmanager
def open_output(target: str, /) -> Iterator[Write]:
    """Give a function that writes text to `target`, `-` being standard output.

    A file is UTF-8 and replaces an older one only once it is complete: when the block raises, or wrote
    nothing, what was there stays. Raises `UsageError` for a path that cannot be, and OSError.
    """
    if target == "-":
        yield print_text
        return
    path = Path(os.path.realpath(target))
    if path.is_dir() or not path.parent.is_dir():
        raise UsageError(f"--output: {target}: {'is a directory' if path.is_dir() else 'no such directory'}")
    if path.exists() and not path.is_file():  # a device or a pipe is written to, never replaced
        with path.open("w", encoding="utf-8", errors="backslashreplace") as stream:
            yield lambda text: print_text(text, stream=stream)
        return
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("x", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
            yield lambda text: print_text(text, stream=stream)
            written = stream.tell()
        if written:
            if path.exists():
                partial.chmod(stat.S_IMODE(path.stat().st_mode))
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
