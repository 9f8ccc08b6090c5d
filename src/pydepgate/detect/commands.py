"""The network reached by a command line: `curl`, `wget`, PowerShell's requests, lookups and pings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydepgate.detect import destinations
from pydepgate.detect.base import Detector, Sighting, View, words_of
from pydepgate.detect.process import starts_process
from pydepgate.model import MODULE_ROOT
from pydepgate.regex import regex
from pydepgate.source.calls import CallSite
from pydepgate.source.host import TELLING
from pydepgate.source.network import plain_name
from pydepgate.source.texts import HOLE
from pydepgate.source.values import ENVIRON, content_taints

SIGNALS: Final = {
    "network.by-command": "a command talks to another machine",
    "network.command-sends": "a command sends what other commands print, variables or files hold",
    "network.command-lookup": "a command looks up or pings a host",
    "network.command-on-load": "a command talks to another machine as soon as the module is loaded",
    "flow.host-to-command": "a fact about this machine is given to a command that talks to another machine",
    "command.webhook": "a command's address is a webhook or bot of a chat service, its secret included",
    "command.out-of-band": "a command's address shows who contacted it, or is a tunnel to somebody's machine",
    "command.random-host": "a part of the host's name in a command is a long random identifier",
    "command.raw-ip": "a command's address is a bare public IP address",
    "command.paste": "a command's address is of a service where anybody stores files or text",
    "command.program-file": "a command fetches a program or script",
}

_FETCHES: Final = regex(
    r"""(?ix)(?:^|[\s;&|(`"'/\\@])(?:curl|wget|invoke-webrequest|invoke-restmethod|iwr|irm|httpie|lwp-request|lynx|aria2c
    |start-bitstransfer|bitsadmin|certutil)(?:\.exe)?["']?\s"""
)
_POWERSHELL_CLIENT: Final = regex(r"(?i)net\.webclient|downloadstring|downloadfile|uploadstring|http\.httpclient")
_LOOKS_UP: Final = regex(r"(?i)(?:^|[\s;&|(`\"'/])(?:ping|nslookup|dig|ncat|nc|traceroute|resolve-dnsname)\s")
_URL: Final = regex(r"""(?i)\b(?:https?|ftp|wss?)://[^\s"'`|;<>]+""")
_HOST: Final = regex(r"""(?i)(?<![\w@/.:-])((?:[\w{}$()`-]+\.)+[a-z]{2,18})(?=[\s"'/:;]|$)""")
_SENDS: Final = regex(
    r"""(?x)\$\([^)]{2,} | `[^`]{2,}` | \|\s*(?:base64[^|]*\|\s*)?(?:xxd[^|]*\|\s*)?curl\b
    | (?:-d|-F|-T|--data\S*|--form|--upload-file|--post-file)[=\s]*["']?(?:\w+=)?@
    | \$(?:HOSTNAME|USER|HOME|PWD|env:\w+|\{\w+\})\b | %(?:USERNAME|COMPUTERNAME|USERDOMAIN|USERPROFILE)%"""
)


def _concerns(name: str) -> bool:
    return starts_process(plain_name(name))


def _look(site: CallSite, view: View) -> Iterator[Sighting]:
    if not _concerns(site.name) or not (site.args or site.keywords):
        return
    given = site.args[:8] or (site.argument(0, "args"),)
    text = " ".join(word if word != "?" else HOLE for value in given for word in words_of(value))
    fetches = _FETCHES.search(text) is not None or _POWERSHELL_CLIENT.search(text) is not None
    looks_up = _LOOKS_UP.search(text) is not None
    urls = [match[0] for match in _URL.finditer(text)] if fetches else []
    hosts = [match[1] for match in _HOST.finditer(text)] if looks_up else []
    if not fetches and not hosts and not (looks_up and HOLE in text):
        return
    yield view.at_call("network.by-command" if fetches else "network.command-lookup", site, text)
    if MODULE_ROOT in site.roots:
        yield view.at_call("network.command-on-load", site)
    if _SENDS.search(text):
        yield view.at_call("network.command-sends", site, text)
    if frozenset().union(*(content_taints(value) for value in given)) & (TELLING | {ENVIRON}):
        yield view.at_call("flow.host-to-command", site, text)
    for found in dict.fromkeys([*urls, *hosts][:16]):
        address = destinations.parse(found)
        for signal in destinations.classify(address) if address is not None else ():
            name = f"command.{signal.partition('.')[2]}"
            if name in SIGNALS:
                yield view.at_call(name, site, found)


DETECTOR: Final = Detector(
    signals=SIGNALS,
    look_at_call=_look,
    concerns=_concerns,
)
