"""Addresses of the web: where they lead, whose credentials they may see, and through which proxy."""

from __future__ import annotations

import ipaddress
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from pydepgate.guard.errors import UpstreamError
from pydepgate.guard.model import Credentials

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxies:
    """Proxies of the network, by scheme of the address (`all` for any), and the hosts that are reached without."""

    by_scheme: Mapping[str, str] = field(default_factory=dict, repr=False)
    bypass: tuple[str, ...] = ()

    def proxy_for(self, address: SplitResult, /) -> str | None:
        """Return the address of the proxy to go through, None to go directly."""
        host = (address.hostname or "").lower()
        if any(_matches(host, address.port, pattern) for pattern in self.bypass):
            return None
        return self.by_scheme.get(address.scheme) or self.by_scheme.get("all")


def _matches(host: str, port: int | None, pattern: str, /) -> bool:
    name, colon, wanted = pattern.strip().lower().rpartition(":") if pattern.count(":") == 1 else (pattern, "", "")
    if not colon:
        name = pattern.strip().lower()
    name = name.strip("[]").lstrip(".")
    if wanted and str(port) != wanted:
        return False
    return name == "*" or (bool(name) and (host == name or host.endswith("." + name)))


def redirected(url: str, target: str, /) -> str:
    """Return where a redirect leads; raises UpstreamError if it leaves the web, or https."""
    joined = urljoin(url, target)
    schemes = urlsplit(url).scheme, urlsplit(joined).scheme
    if schemes[1] not in PORTS or not urlsplit(joined).hostname:
        raise UpstreamError("it redirects to what is no web address")
    if schemes == ("https", "http"):
        raise UpstreamError("it redirects from https to plain http")
    if schemes[1] == "http" and not is_loopback(joined) and not same_name(urlsplit(url), urlsplit(joined)):
        raise UpstreamError("it redirects to plain http elsewhere")
    return joined


def same_name(one: SplitResult, other: SplitResult, /) -> bool:
    """Whether two addresses name the same host, whatever the port."""
    return one.hostname == other.hostname


def same_host(one: SplitResult, other: SplitResult, /) -> bool:
    """Whether credentials for one may go to the other: the same host and port, or its usual step up to https."""
    if not same_name(one, other):
        return False
    ports = one.port or PORTS[one.scheme], other.port or PORTS[other.scheme]
    steps_up = (one.scheme, other.scheme) == ("http", "https") and ports == (80, 443)
    return (one.scheme, ports[0]) == (other.scheme, ports[1]) or steps_up


def is_loopback(url: str, /) -> bool:
    """Whether an address leads to this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_and_port(address: SplitResult, /) -> str:
    """Return where an address leads, without credentials."""
    return address.netloc.rpartition("@")[2]


def in_address(address: SplitResult, /) -> Credentials | None:
    """Return the credentials that stand in an address."""
    if address.username is None:
        return None
    return Credentials(unquote(address.username), unquote(address.password or ""))


def basic(credentials: Credentials, /) -> str:
    """Return the header value that shows credentials (RFC 7617)."""
    return "Basic " + b64encode(f"{credentials.user}:{credentials.password}".encode()).decode("ascii")


def shown(url: str, /) -> str:
    """Return an address as messages show it: without credentials, query and fragment."""
    address = urlsplit(url)
    return address._replace(netloc=host_and_port(address), query="", fragment="").geturl()
