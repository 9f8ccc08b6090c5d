"""The proxy that lets nothing through, and commands that are run."""

from __future__ import annotations

import os
import socket
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pydepgate.guard.refusing import RefusingProxy
from pydepgate.guard.running import NOT_EXECUTABLE, NOT_FOUND, Signals, run_command


def _ask(proxy: RefusingProxy, request: bytes, /) -> bytes:
    address = urlsplit(proxy.url)
    with socket.create_connection((address.hostname, address.port or 0), timeout=10) as connection:
        connection.sendall(request)
        with connection.makefile("rb") as answer:
            return answer.read()


@pytest.mark.parametrize(
    ("request_line", "tried"),
    [
        (b"CONNECT host.invalid:443 HTTP/1.1", "host.invalid:443"),
        (b"GET http://user:secret@host.invalid/a?token=secret HTTP/1.1", "http://host.invalid/a"),
        (b"PROPFIND http://host.invalid/a HTTP/1.1", "http://host.invalid/a"),
        (b"CONNECT \x1b[2J:443 HTTP/1.1", "?[2J:443"),
    ],
)
def test_all_is_refused_and_remembered(request_line: bytes, tried: str) -> None:
    with RefusingProxy() as proxy:
        answer = _ask(proxy, request_line + b"\r\nHost: host.invalid\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 403 pydepgate guard refused ")
        assert tried.encode() in answer
        assert b"secret" not in answer
        assert proxy.tried == (tried,)


def test_clients_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with RefusingProxy() as proxy:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy.url, "https": proxy.url}))
        with pytest.raises(urllib.error.HTTPError, match="403") as refused:
            opener.open("http://host.invalid/")
        refused.value.close()
        with pytest.raises(urllib.error.URLError, match="refused"):
            opener.open("https://host.invalid/")
        assert proxy.tried == ("http://host.invalid/", "host.invalid:443")


def _run(*command: str) -> int:
    with Signals() as signals:
        return run_command(command, environment=os.environ, folder=Path.cwd(), signals=signals)


def test_status_of_a_command() -> None:
    assert _run(sys.executable, "-c", "raise SystemExit(7)") == 7
    assert _run("no-such-command-here") == NOT_FOUND
    if os.name == "posix":
        assert _run(sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)") == 128 + 9


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_command_that_cannot_be_started(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    assert _run(str(tmp_path / "tool")) == NOT_EXECUTABLE


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_signals_are_passed_on() -> None:
    import signal

    code = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))\n"
        "os.kill(os.getppid(), signal.SIGTERM)\n"
        "signal.pause()\n"
    )
    with Signals() as signals:
        status = run_command([sys.executable, "-c", code], environment=os.environ, folder=Path.cwd(), signals=signals)
        assert (status, signals.received, signals.stopping) == (9, signal.SIGTERM, True)
