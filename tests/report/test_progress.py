from __future__ import annotations

import io
import os
import pty
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

import pytest

from pydepgate.report.progress import progress


@contextmanager
def terminal(encoding: str = "utf-8") -> Iterator[tuple[TextIO, Callable[[], str]]]:
    """Give a stream that is a terminal, and a function that closes it and tells what was written."""
    leader, follower = pty.openpty()
    stream = os.fdopen(follower, "w", encoding=encoding, buffering=1)
    written = bytearray()

    def drain() -> None:
        while True:
            try:
                data = os.read(leader, 65_536)
            except OSError:  # Linux says so when the other end is closed.
                return
            if not data:
                return
            written.extend(data)

    reader = threading.Thread(target=drain)
    reader.start()

    def finish() -> str:
        stream.close()
        reader.join()
        return written.decode(encoding)

    try:
        yield stream, finish
    finally:
        finish()
        os.close(leader)


@pytest.fixture(params=["plain", "rich"])
def variant(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if request.param == "plain":
        for name in ("rich", "rich.console", "rich.progress"):
            monkeypatch.setitem(sys.modules, name, None)
    else:
        pytest.importorskip("rich")
    return str(request.param)


def last_line(written: str) -> str:
    """Return what stands on the terminal's last line at the end: enough of an emulator for our two bars."""
    cells: list[str] = []
    column = 0
    position = 0
    while position < len(written):
        character = written[position]
        if character == "\x1b":
            end = position + 2
            while not written[end].isalpha():
                end += 1
            if written[position : end + 1] == "\x1b[2K":
                cells = []
            position = end
        elif character == "\r":
            column = 0
        elif character == "\n":
            cells, column = [], 0
        else:
            cells[column:] = [*cells[column:], *" " * (column + 1 - len(cells))]
            cells[column] = character
            column += 1
        position += 1
    return "".join(cells).rstrip()


def test_the_emulator_sees_what_is_left() -> None:
    assert last_line("hello\rj") == "jello"
    assert last_line("hello\r     \r") == ""
    assert last_line("hello\x1b[2K\r") == ""


def test_a_bar_shows_and_the_line_is_clean_afterwards(variant: str) -> None:
    with terminal() as (stream, finish):
        with progress(4, stream=stream, enabled=True, delay=0) as advance:
            advance(1, "first.py")
        written = finish()
    assert "first.py" in written
    assert "1/4" in written
    assert ("\x1b[" in written) is (variant == "rich")
    assert last_line(written) == ""


@pytest.mark.usefixtures("variant")
def test_an_unknown_total_counts() -> None:
    with terminal() as (stream, finish):
        with progress(None, stream=stream, enabled=True, delay=0) as advance:
            advance(7, "seventh.py")
        written = finish()
    assert "7" in written
    assert "seventh.py" in written
    assert last_line(written) == ""


@pytest.mark.usefixtures("variant")
def test_an_interrupt_leaves_a_clean_line() -> None:
    with terminal() as (stream, finish):
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012, SIM117
            with progress(4, stream=stream, enabled=True, delay=0) as advance:
                advance(1, "first.py")
                raise KeyboardInterrupt
        written = finish()
    assert "first.py" in written
    assert last_line(written) == ""


@pytest.mark.usefixtures("variant")
def test_a_label_cannot_steer_the_terminal() -> None:
    with terminal() as (stream, finish):
        with progress(4, stream=stream, enabled=True, delay=0) as advance:
            advance(1, "[red]\x1b[2J\n\udcff")
        written = finish()
    assert r"[red]\x1b[2J\n\udcff" in written
    assert "\x1b[2J" not in written


def test_a_bar_on_a_terminal_that_knows_only_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    with terminal("ascii") as (stream, finish):
        with progress(4, stream=stream, enabled=True, delay=0) as advance:
            advance(1, "naïve.py")
        assert "na?ve.py" in finish()


@pytest.mark.usefixtures("variant")
def test_nothing_is_written_before_its_time() -> None:
    with terminal() as (stream, finish):
        with progress(4, stream=stream, enabled=True, delay=1_000) as advance:
            for _ in range(4):
                advance(1, "quick.py")
        assert finish() == ""


def test_nothing_is_written_when_off() -> None:
    with terminal() as (stream, finish):
        with progress(4, stream=stream, enabled=False, delay=0) as advance:
            advance(1, "quiet.py")
        assert finish() == ""


def test_nothing_is_written_to_a_file() -> None:
    stream = io.StringIO()
    with progress(4, stream=stream, enabled=True, delay=0) as advance:
        advance(1, "file.py")
    assert stream.getvalue() == ""
