"""Asking the person at the terminal about a file, while the client that wants it has standard input and output."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol, TextIO

from pydepgate.guard.model import Decision
from pydepgate.guard.wording import finding_lines, subject
from pydepgate.report.style import Style

_WIDTH: Final = 100
_YES: Final = ("y", "yes", "a", "allow")
_NO: Final = ("", "n", "no", "b", "block")


class Ask(Protocol):
    """Asks whether to let a file through."""

    def __call__(self, decision: Decision, /) -> bool | None:
        """Say what was answered, None if there is nobody to answer. `decision`: what the scan found."""
        ...


class Terminal:
    """Asks at the terminal of the process, one question after the other."""

    def __init__(self) -> None:
        self._asking = threading.Lock()

    def __call__(self, decision: Decision, /) -> bool | None:
        """Ask; the answer no is the default."""
        with self._asking, _terminal() as streams:
            return None if streams is None else ask_on(*streams, decision)


def ask_on(answers: TextIO, questions: TextIO, decision: Decision, /) -> bool | None:
    """Ask on two streams, until there is an answer; None where the answers end."""
    count = len(decision.findings)
    questions.write(
        f"\npydepgate: {subject(decision)}: {count} finding{'s' * (count != 1)} to review, none at the block level\n"
        f"  {decision.reason}\n"
    )
    while True:
        questions.write("Let it through? [y/N, s shows the findings] ")
        questions.flush()
        line = answers.readline()
        if not line:
            return None
        answer = line.strip().lower()
        if answer in _YES or answer in _NO:
            return answer in _YES
        if answer in ("s", "show"):
            questions.writelines(f"  {each}\n" for each in finding_lines(decision.findings, Style(False), _WIDTH))


@contextmanager
def _terminal() -> Iterator[tuple[TextIO, TextIO] | None]:
    """Give the terminal to read from and to write to; None if there is none that may be read from."""
    names = ("CONIN$", "CONOUT$") if sys.platform == "win32" else ("/dev/tty", "/dev/tty")
    with contextlib.ExitStack() as opened:
        try:
            answers = opened.enter_context(open(names[0], encoding="utf-8", errors="replace"))  # noqa: PTH123
            questions = opened.enter_context(open(names[1], "w", encoding="utf-8", errors="backslashreplace"))  # noqa: PTH123
        except OSError:
            yield None
            return
        yield (answers, questions) if _in_front(answers.fileno()) else None


def _in_front(terminal: int) -> bool:
    """Whether the process may read from its terminal: one in the background would be stopped."""
    if sys.platform == "win32":
        return True
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
