"""`pydepgate proxy`: the local index for a team or a CI farm, until it is stopped."""

from __future__ import annotations

import ipaddress
import os
import signal
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pydepgate.cli.guarding import add_guard_options, read_guard_options
from pydepgate.cli.options import Option, new_parser
from pydepgate.cli.output import print_message, print_text
from pydepgate.cli.values import not_empty, path, word
from pydepgate.errors import UsageError

DEFAULT_PORT = 8765

_DESCRIPTION = """\
Serve an index in which every file was scanned before its first byte is sent. Clients are
pointed at the addresses that are printed; /health and /metrics are for whoever looks after it.
"""

_EPILOG = """\
Without --upstream, it serves the indexes that pip is configured with. Each has an address of its
own; with several, clients need all of them, as they would need all of the real ones.

A client on another machine takes an index by plain http only if told so (pip --trusted-host HOST);
--certificate and --key make it https. What clients have in their caches outlives a verdict that
has changed since.

examples:
  pydepgate proxy
  pydepgate proxy --host 0.0.0.0 --name packages.example.org --certificate cert.pem --key key.pem
  pip install --index-url http://127.0.0.1:8765/0/ flask

exit status:
  0  it was stopped (Ctrl-C or SIGTERM), after the answers that had begun
  3  it could not be started
"""


def _port(text: str, /) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65_535:
        raise ValueError(f"{text!r} is no port: a number from 0 (any that is free) to 65535")
    return int(text)


_OPTIONS = (
    Option("host", "", "address to listen on (default: 127.0.0.1)", "HOST", not_empty),
    Option("port", "", f"port to listen on (default: {DEFAULT_PORT}), 0 for any", "PORT", _port),
    Option("certificate", "", "serve https with this certificate", "FILE", path),
    Option("key", "", "the key of the certificate, if it is another file", "FILE", path),
    Option("log", "", "what is written for requests: all, refused or none (default: refused)", "WHAT",
           word(("all", "refused", "none"))),
)  # fmt: skip


def run(arguments: Sequence[str], /) -> int:
    """Serve until a signal asks to stop; return the exit status."""
    parser = new_parser("proxy", usage="[options]", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--upstream", action="append", default=[], metavar="URL", help="an index; may be repeated")
    parser.add_argument("--name", action="append", default=[], metavar="HOST", help="a name by which it is reached")
    add_guard_options(parser, _OPTIONS)
    parsed = parser.parse(arguments)
    given, scans = read_guard_options(parsed, environment=os.environ, more=_OPTIONS)
    if given.get("review") == "prompt":
        raise UsageError("--review prompt: nobody is there to answer; give allow or block")
    if "key" in given and "certificate" not in given:
        raise UsageError("--key needs --certificate")
    with ExitStack() as stack:
        stop = _stopping(stack)
        _serve(stack, dict(given), scans, parsed.upstream, parsed.name)
        while not stop.wait(0.5):  # without an end, no signal is heard on Windows
            pass
        print_message("pydepgate: stopping")
    return 0


def _serve(stack: ExitStack, given: dict[str, Any], scans: Any, urls: Sequence[str], names: Sequence[str], /) -> None:
    from pydepgate.guard.folders import cache_folder, private_folder
    from pydepgate.guard.gate import Gate
    from pydepgate.guard.kept import Kept
    from pydepgate.guard.model import Decision, Outcome
    from pydepgate.guard.policy import user_policy
    from pydepgate.guard.server import IndexServer
    from pydepgate.guard.summary import reason_phrase
    from pydepgate.guard.upstreams import fetcher_for, pip_upstreams
    from pydepgate.guard.verdicts import Verdicts

    log = given.get("log", "refused")

    def report(decision: Decision) -> None:
        if log != "none" and decision.outcome is not Outcome.ADMITTED:
            print_message(reason_phrase(decision))

    caches = cache_folder(os.environ)
    try:
        spool = private_folder(caches / "spool")
    except OSError:
        spool = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pydepgate-spool-")))
    gate = stack.enter_context(
        Gate(
            spool,
            policy=user_policy(os.environ),
            verdicts=stack.enter_context(Verdicts.in_folder(caches)),
            limits=scans.limits,
            rules_dir=scans.rules,
            fail_on=scans.fail_on,
            review=given.get("review", "allow"),
            fail_open=bool(given.get("fail_open", False)),
            workers=scans.workers,
            report=report,
            kept=Kept.in_folder(caches),
        )
    )
    environment, arguments = _configuration(os.environ, urls)
    upstreams = pip_upstreams(environment, arguments=arguments, folder=Path.cwd())
    if not upstreams:
        raise UsageError("no index is configured: give --upstream")
    host = given.get("host", "127.0.0.1")
    server = stack.enter_context(
        IndexServer(
            gate,
            stack.enter_context(fetcher_for(os.environ, folder=Path.cwd())),
            upstreams,
            host=host,
            port=given.get("port", DEFAULT_PORT),
            certificate=given.get("certificate"),
            key=given.get("key"),
            min_age=given.get("min_age"),
            require_times=bool(given.get("require_times", False)),
            names=names,
            report=report,
            log=print_message if log == "all" else None,
        )
    )
    for upstream in upstreams:
        print_text(f"{server.url(upstream.name)}/ serves {upstream.url}\n")
    if "certificate" not in given and not _is_loopback(host):
        print_message("pydepgate: plain http off loopback: clients need --trusted-host, and anybody on the way can "
                      "change what they get; --certificate and --key make it https")  # fmt: skip


def _configuration(environment: Mapping[str, str], urls: Sequence[str], /) -> tuple[Mapping[str, str], list[str]]:
    """What pip is to be configured with: as it is, or with the indexes that were given and no others."""
    if not urls:
        return environment, []
    bare = {name: value for name, value in environment.items() if not name.upper().startswith("PIP_")}
    first, *more = urls
    arguments = ["--index-url", first, *(piece for url in more for piece in ("--extra-index-url", url))]
    return bare | {"PIP_CONFIG_FILE": os.devnull}, arguments


def _stopping(stack: ExitStack, /) -> threading.Event:
    """Return what is set by the signals that ask to stop."""
    stop = threading.Event()
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is not None and threading.current_thread() is threading.main_thread():
            stack.callback(signal.signal, number, signal.signal(number, lambda *_: stop.set()))
    return stop


def _is_loopback(host: str, /) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
