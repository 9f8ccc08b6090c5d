"""The indexes that the user has configured, by the rules of pip and of uv, with the credentials for each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from pydepgate.errors import UsageError
from pydepgate.guard.addresses import PORTS, Proxies
from pydepgate.guard.fetch import Fetcher
from pydepgate.guard.logins import Logins, home_of, read_logins, split_login
from pydepgate.guard.model import Credentials, Upstream
from pydepgate.guard.pip_settings import PipSettings, pip_settings
from pydepgate.guard.transport import Patience, Transport, Trust
from pydepgate.guard.uv_settings import FIRST_INDEX, UvIndex, UvSettings, read_uv_settings

DEFAULT_INDEX = "https://pypi.org/simple"
"""What pip and uv ask where nothing else is configured."""


def pip_upstreams(environment: Mapping[str, str], /, *, arguments: Sequence[str], folder: Path) -> tuple[Upstream, ...]:
    """Return the indexes that pip would ask, then its lists of links, named `0`, `1` and so on.

    `arguments` are those of the command, its program may be among them; `folder` is where it is started. Raises
    UsageError for what is no configuration.
    """
    settings = pip_settings(environment, arguments=arguments, folder=folder)
    logins = read_logins(environment)
    indexes = [] if settings.no_index else [settings.index or DEFAULT_INDEX, *settings.extra]
    texts = [*((text, False) for text in indexes), *((text, True) for text in settings.links)]
    addresses = dict.fromkeys((_address(text, folder, environment), flat) for text, flat in texts)
    return tuple(
        upstream(address, name=str(number), logins=logins, flat=flat, trusted=settings.trusted)
        for number, (address, flat) in enumerate(addresses)
    )


def uv_upstreams(environment: Mapping[str, str], /, *, arguments: Sequence[str], folder: Path) -> tuple[Upstream, ...]:
    """Return the indexes that uv would ask, in its order, the default one last, then its lists of links.

    They have the names that the configuration gives them, else `uv0`, `uv1` and so on. They are asked together only
    under a strategy that looks into all of them. Raises PydepgateError for what is no configuration.
    """
    settings = read_uv_settings(environment, arguments=arguments, folder=folder, default=DEFAULT_INDEX)
    logins = read_logins(environment)
    names = {index.name for index in settings.indexes}
    free = (name for name in map("uv{}".format, range(len(names) + len(settings.indexes))) if name not in names)
    return tuple(_of_uv(index, index.name or next(free), settings, logins, environment) for index in settings.indexes)


def _of_uv(
    index: UvIndex, name: str, settings: UvSettings, logins: Logins, environment: Mapping[str, str], /
) -> Upstream:
    together = settings.strategy != FIRST_INDEX and not index.explicit
    address = _address(index.text, settings.folder, environment)
    key = re.sub(r"[^A-Z0-9]", "_", name.upper())
    user = settings.logins.get(f"UV_INDEX_{key}_USERNAME")
    password = settings.logins.get(f"UV_INDEX_{key}_PASSWORD", "")
    told = Credentials(user or "", password) if user or password else None
    made = upstream(address, name=name, logins=logins, flat=index.flat, trusted=settings.insecure)
    return Upstream(
        name=name,
        url=made.url,
        credentials=made.credentials if told is None else told,
        flat=index.flat,
        # uv asks an index by plain http without further ado
        verify=made.verify and not address.startswith("http://"),
        together=together,
        absent=index.absent,
    )


def upstream(
    address: str, /, *, name: str, logins: Logins, flat: bool = False, trusted: Iterable[str] = ()
) -> Upstream:
    """Return an index by its address, without the credentials in it; `trusted` are hosts, with or without a port, whose
    certificates are not checked."""
    url, credentials = split_login(address, logins=logins)
    return Upstream(name, url, credentials, flat=flat, verify=not _is_trusted(url, trusted))


def fetcher_for(
    environment: Mapping[str, str], /, *, arguments: Sequence[str] = (), folder: Path, patience: Patience | None = None
) -> Fetcher:
    """Return what asks indexes as pip and uv would: with their certificates, and through the proxy of the network."""
    settings = pip_settings(environment, arguments=arguments, folder=folder)
    variables = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
    authorities = settings.authorities or next(filter(None, map(environment.get, variables)), None)
    trust = Trust(
        authorities=folder / authorities if authorities else None,
        certificate=folder / settings.certificate if settings.certificate else None,
    )
    return Fetcher(Transport(patience or Patience(), trust, _proxies(environment, settings)))


def _proxies(environment: Mapping[str, str], settings: PipSettings, /) -> Proxies:
    def variable(name: str) -> str:
        return environment.get(name) or environment.get(name.upper()) or ""

    if settings.proxy:
        return Proxies({"all": _with_scheme(settings.proxy)})
    schemes = {scheme: variable(f"{scheme}_proxy") for scheme in ("http", "https", "all")}
    bypass = tuple(host for host in re.split(r"[\s,]+", variable("no_proxy")) if host)
    return Proxies({scheme: _with_scheme(url) for scheme, url in schemes.items() if url}, bypass)


def _with_scheme(proxy: str, /) -> str:
    return proxy if "://" in proxy else f"http://{proxy}"


def _address(text: str, folder: Path, environment: Mapping[str, str], /) -> str:
    """Return the address that a setting stands for, which may be a path."""
    scheme = urlsplit(text).scheme
    if scheme in ("http", "https", "file"):
        return text
    if len(scheme) > 1 and "://" in text:
        raise UsageError(f"an index of the kind {scheme!r} is not supported: {text.partition('@')[2] or text}")
    path = home_of(environment) / text[2:] if text.startswith("~/") else folder / text
    return path.absolute().as_uri()


def _is_trusted(url: str, trusted: Iterable[str], /) -> bool:
    address = urlsplit(url)
    for entry in trusted:
        host = urlsplit(entry if "://" in entry else f"//{entry}")
        if host.hostname == address.hostname and host.port in (None, address.port or PORTS.get(address.scheme)):
            return True
    return False
