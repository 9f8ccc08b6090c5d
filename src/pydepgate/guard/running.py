"""Running a command with the terminal, the standard streams and the signals that the guard has."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

NOT_FOUND = 127
NOT_EXECUTABLE = 126
"""Exit statuses of a command that cannot be started, as shells have them."""

_PASSED_ON = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2") if hasattr(signal, name)
)
_OF_TERMINAL = tuple(getattr(signal, name) for name in ("SIGINT", "SIGQUIT", "SIGBREAK") if hasattr(signal, name))

_ALONE_SECONDS = 2.0
"""After which a command that still runs is taken not to have got what a terminal sends to all."""


@dataclass(slots=True)
class Signals:
    """What happens to signals while commands run: those of the terminal reach the command by themselves, the others
    are passed on. `received`: the first that asks to stop."""

    received: int | None = None
    _process: subprocess.Popen[bytes] | None = None
    _old: dict[int, Any] = field(default_factory=dict)

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            for number in (*_PASSED_ON, *_OF_TERMINAL):
                if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                    self._old[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)
        self._old.clear()

    @property
    def stopping(self) -> bool:
        """Whether no further command is to be started."""
        return self.received is not None

    @contextlib.contextmanager
    def given_to(self, process: subprocess.Popen[bytes], /) -> Iterator[None]:
        """Pass signals on to a process."""
        self._process = process
        if self.received is not None:  # it came while the process was being started
            self._pass_on(self.received)
        try:
            yield
        finally:
            self._process = None

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", -1)) and self.received is None:
            self.received = number
        if number not in _OF_TERMINAL:
            self._pass_on(number)
        elif not _is_in_foreground():
            # whoever stops a job sends this to all its processes mostly, and twice means more than once
            later = threading.Timer(_ALONE_SECONDS, self._pass_on, (number,))
            later.daemon = True
            later.start()

    def _pass_on(self, number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(OSError, ValueError):
                self._process.send_signal(number)


def run_command(command: Sequence[str], /, *, environment: Mapping[str, str], folder: Path, signals: Signals) -> int:
    """Run a command to its end and return its exit status: 128 and the number for one that a signal ended, 127 if there
    is no such command, 126 if it cannot be started."""
    from pydepgate.cli.output import print_error

    program = _found(command[0], environment)
    try:
        process = subprocess.Popen(
            list(command), executable=program, env=dict(environment), cwd=folder, restore_signals=True
        )
    except FileNotFoundError:
        print_error(f"{command[0]}: no such command")
        return NOT_FOUND
    except OSError as error:
        print_error(f"{command[0]}: cannot be started: {error.strerror or error}")
        return NOT_EXECUTABLE
    with signals.given_to(process):
        status = process.wait()
    return 128 - status if status < 0 else status


def _found(name: str, environment: Mapping[str, str]) -> str | None:
    """On Windows, a command is looked for in the path of its own environment, with all endings of programs."""
    if sys.platform != "win32":
        return None
    import shutil

    return shutil.which(name, path=environment.get("PATH"))


def _is_in_foreground() -> bool:
    """Whether the terminal sends its signals to the command as well."""
    if os.name == "nt":
        return True
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
