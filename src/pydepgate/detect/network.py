"""Talking to other machines: requests and connections, and what is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydepgate.detect.base import Detector, Sighting, View, path_of, words_of
from pydepgate.source.calls import CallSite
from pydepgate.source.library import is_network_call
from pydepgate.source.values import DECODED, ENVIRON, content_taints

SIGNALS: Final = {
    "network.request": "a request is made or a connection opened",
    "network.download-to-file": "a file is downloaded",
    "network.disguised": "the network is reached through a function reached by another name",
    "flow.environ-to-network": "environment variables are sent over the network",
    "flow.decode-to-network": "the address of a request is decoded or rebuilt",
}

_DOWNLOADS: Final = frozenset(("urllib.request.urlretrieve", "urllib.urlretrieve", "wget.download"))


def _look(site: CallSite, view: View) -> Iterator[Sighting]:
    if not is_network_call(site.name):
        return
    target = site.argument(0, "url")
    words = " ".join(word for value in site.args[:2] for word in words_of(value) if word != "?")
    yield view.at_call("network.request", site, f"{site.name}: {words}" if words else site.name)
    if site.name in _DOWNLOADS:
        yield view.at_call("network.download-to-file", site)
    if site.disguised and site.receiver is None:
        yield view.at_call("network.disguised", site)
    if DECODED in target.taints or target.layers:
        yield view.at_call(
            "flow.decode-to-network", site, path_of(target, site.name), literal=view.literal_of(target, site)
        )
    sent = [*site.args, *site.keywords.values()]
    for value in sent:
        if ENVIRON in content_taints(value):
            yield view.at_call("flow.environ-to-network", site, path_of(value, site.name))
            break


DETECTOR: Final = Detector(
    signals=SIGNALS,
    needles=(
        b"requests",
        b"urlopen",
        b"urlretrieve",
        b"urllib",
        b"http",
        b"socket",
        b"aiohttp",
        b"ftplib",
        b"smtplib",
        b"telnetlib",
        b"xmlrpc",
        b"paramiko",
        b"websocket",
        b"wget",
        b"pycurl",
        b"dns",
        b"open_connection",
        b"scraper",
        b"curl_cffi",
        b"tls_client",
        b"primp",
        b"__import__",
        b"import_module",
    ),
    look_at_call=_look,
)
