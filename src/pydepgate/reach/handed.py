"""Values that one file of an artifact passes to another, which sends them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from pydepgate.model import FileFacts, Handed, Links, Signal
from pydepgate.reach.names import Names, Unit

_MAX_ROUNDS: Final = 4
"""Files that a value goes through."""
_MAX_SINKS: Final = 8
"""Ways out of one function."""

_FIXED: Final = "to-fixed-host"
_OPEN: Final = "to-network"
_ODD: Final = "by-odd-channel"
_SENT: Final = {f"flow.given-{how}": how for how in (_FIXED, _OPEN, _ODD)}
_WHEREVER: Final = {
    "secret": "flow.secret-to-network",
    "shared": "flow.credentials-to-network",
    "capture": "flow.capture-to-network",
    "environ": "flow.environ-to-network",
    "key": "flow.key-parameter-to-network",
}
"""Signals of what nobody may send anywhere, or that other signs have to join."""

_Sinks = dict[Unit, dict[str, str]]
"""For each function that sends what it is given: how, and to which host, so far as it is written in the source."""


def handed_signals(files: Sequence[FileFacts], links: Mapping[str, Links], names: Names, /) -> Iterator[Signal]:
    """Yield a signal at each call that passes something of importance to a function elsewhere that sends it."""
    sinks: _Sinks = {}
    for facts in files:
        for signal in facts.signals:
            how = _SENT.get(signal.name)
            if how:
                host = signal.evidence[0].partition(": ")[0] if signal.evidence and how != _OPEN else ""
                for root in sorted(signal.roots):
                    _add(sinks, (facts.path, root), how, host)
    if not sinks:
        return
    passed = [(path, handed) for path in sorted(links) for handed in links[path].handed]
    for _ in range(_MAX_ROUNDS):
        grown = False
        for path, handed in passed:
            if "given" in handed.kinds:
                for how, host in _ways(handed, path, sinks, names):
                    for root in sorted(handed.roots):
                        grown = _add(sinks, (path, root), how, host) or grown
        if not grown:
            break
    for path, handed in passed:
        for how, host in _ways(handed, path, sinks, names):
            for kind in sorted(handed.kinds - {"given"}):
                for name in _names(kind, how):
                    yield Signal(
                        name,
                        path,
                        handed.line,
                        handed.column,
                        handed.function,
                        handed.roots,
                        (f"{host}: {handed.name.lstrip('.')}" if host else handed.name.lstrip("."),),
                    )


def second_hosts(signals: Sequence[Signal], /) -> Iterator[Signal]:
    """Yield a signal where the credentials that one class or function is given go to a host other than the first."""
    first: dict[tuple[str, str], str] = {}
    for signal in sorted(signals, key=lambda signal: (signal.file, signal.line, signal.column)):
        if signal.name != "flow.credential-to-fixed-host" or not signal.evidence:
            continue
        host = signal.evidence[0].partition(": ")[0]
        if host.partition(".")[0] in _GIVES_TOKENS:
            continue
        owner = (signal.file, signal.function.partition(".")[0])
        if ".".join(host.split(".")[-2:]) != ".".join(first.setdefault(owner, host).split(".")[-2:]):
            yield replace(signal, name="flow.credential-to-second-host", evidence=(f"{first[owner]} and {host}",))


_GIVES_TOKENS: Final = frozenset(
    "login auth auth0 oauth oauth2 openid oidc sso sts iam id identity accounts account signin token tokens".split()
)
"""First labels of hosts that credentials are exchanged at for what the other host asks for (OAuth 2.0, RFC 6749)."""


def _add(sinks: _Sinks, unit: Unit, how: str, host: str) -> bool:
    known = sinks.setdefault(unit, {})
    if how in known or len(known) >= _MAX_SINKS:
        return False
    known[how] = host
    return True


def _ways(handed: Handed, path: str, sinks: _Sinks, names: Names) -> list[tuple[str, str]]:
    """Return how what is handed over is sent, and where to."""
    found: dict[str, str] = {}
    for unit in names.functions(handed.name, path):
        for how, host in sinks.get(unit, {}).items():
            if how == _OPEN and handed.host:
                found.setdefault(_FIXED, handed.host)
            else:
                found.setdefault(how, host)
    return sorted(found.items())


def _names(kind: str, how: str) -> Iterator[str]:
    if kind in _WHEREVER:
        yield _WHEREVER[kind]
    if how == _ODD and kind == "shared":
        kind = "credential"
    if how != _OPEN and kind in ("key", "hooked", "credential", "token", "inherited"):
        yield f"flow.{kind}-{how}"
