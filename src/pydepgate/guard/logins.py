"""Credentials for indexes: those in addresses, and those in a netrc file."""

from __future__ import annotations

import netrc
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pydepgate.guard.addresses import host_and_port, in_address
from pydepgate.guard.model import Credentials


@dataclass(frozen=True, slots=True)
class Logins:
    """Credentials by host, as a netrc file has them; `""` is the host of its default entry."""

    by_host: Mapping[str, Credentials] = field(default_factory=dict, repr=False)

    def find(self, host: str, /) -> Credentials | None:
        """Return what a host is to be told, None if there is nothing for it."""
        return self.by_host.get(host.lower()) or self.by_host.get("")


def home_of(environment: Mapping[str, str], /) -> Path:
    """Return the home folder of whom an environment belongs to."""
    home = environment.get("HOME") or environment.get("USERPROFILE")
    return Path(home) if home else Path.home()


def read_logins(environment: Mapping[str, str], /) -> Logins:
    """Read the netrc file that `NETRC` names, else that of the home folder; one that cannot be read gives nothing, as
    for the installers."""
    home = home_of(environment)
    named = environment.get("NETRC")
    for path in [Path(named)] if named else [home / ".netrc", home / "_netrc"]:
        try:
            hosts = netrc.netrc(str(path)).hosts
        except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
            continue
        return Logins(
            {
                "" if host == "default" else host.lower(): Credentials(login or account, password)
                for host, (login, account, password) in hosts.items()
            }
        )
    return Logins()


def split_login(url: str, /, *, logins: Logins) -> tuple[str, Credentials | None]:
    """Return an address without the credentials in it, and these, or those that its host has."""
    address = urlsplit(url)
    if address.scheme not in ("http", "https"):
        return url, None
    known, own = logins.find(address.hostname or ""), in_address(address)
    if own is not None and not own.password and known is not None and known.user == own.user:
        own = known
    return address._replace(netloc=host_and_port(address), fragment="").geturl(), own or known
