"""A progress bar on standard error, for scans that make a person wait."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from pydepgate.report.escape import printable

DELAY = 1.0
"""Seconds before a bar shows: most scans are over by then."""

_REDRAW = 0.1
_BAR = 20
_LABEL = 120


class Advance(Protocol):
    """Called when `advance` more units are done; `label` says what is being worked on."""

    def __call__(self, advance: int, label: str, /) -> None: ...


class _Bar(Protocol):
    def draw(self, done: int, label: str) -> None: ...
    def clear(self) -> None: ...


@contextmanager
def progress(total: int | None, /, *, stream: TextIO, enabled: bool, delay: float = DELAY) -> Iterator[Advance]:
    """Give a callable that reports progress towards `total` units (None: nobody knows how many).

    Nothing is written unless `enabled`, `stream` is a terminal, and `delay` seconds have passed. The bar is
    `rich`'s where that is installed. The line is clean again at the end, however that comes about.
    """
    if not (enabled and stream.isatty()):
        yield _ignore
        return
    line = _Line(total, stream, delay)
    try:
        yield line.advance
    finally:
        line.clear()


def _ignore(_advance: int, _label: str, /) -> None:
    pass


class _Line:
    """Counts what is done, and draws it once it takes long enough."""

    def __init__(self, total: int | None, stream: TextIO, delay: float) -> None:
        self._total = total
        self._stream = stream
        self._done = 0
        self._next = time.monotonic() + delay
        self._bar: _Bar | None = None

    def advance(self, advance: int, label: str, /) -> None:
        self._done += advance
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _REDRAW
        if self._bar is None:
            self._bar = _new_bar(self._total, self._stream)
        self._bar.draw(self._done, printable(label, limit=_LABEL))

    def clear(self) -> None:
        if self._bar is not None:
            self._bar.clear()


def _new_bar(total: int | None, stream: TextIO) -> _Bar:
    try:
        return _RichBar(total, stream)
    except ImportError:
        return _PlainBar(total, stream)


class _RichBar:
    def __init__(self, total: int | None, stream: TextIO) -> None:
        # Imported here: it takes longer than most scans.
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.table import Column

        label = Column(no_wrap=True, overflow="ellipsis")
        self._progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[label]}", markup=False, table_column=label),
            console=Console(file=stream),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._progress.add_task("", total=total, label="")
        self._progress.start()

    def draw(self, done: int, label: str) -> None:
        self._progress.update(self._task, completed=done, label=label)

    def clear(self) -> None:
        self._progress.stop()


class _PlainBar:
    def __init__(self, total: int | None, stream: TextIO) -> None:
        self._total = total
        self._stream = stream
        self._width = 0

    def draw(self, done: int, label: str) -> None:
        if self._total:
            filled = min(_BAR, _BAR * done // self._total)
            text = f"[{'#' * filled}{'.' * (_BAR - filled)}] {done:,}/{self._total:,}  {label}"
        else:
            text = f"{done:,}  {label}"
        self._write(text[: shutil.get_terminal_size().columns - 1])

    def clear(self) -> None:
        self._write("")
        self._stream.write("\r")
        self._stream.flush()

    def _write(self, text: str) -> None:
        shown = text.encode(self._stream.encoding or "ascii", errors="replace").decode(self._stream.encoding or "ascii")
        # Blanks over the rest of what stood there before: even a terminal without escape codes does that.
        self._stream.write(f"\r{shown:<{self._width}}")
        self._stream.flush()
        self._width = len(shown)
