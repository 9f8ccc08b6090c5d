"""What is asked of an index: pages, lists of projects, files and their metadata.

Indexes are reached by http, https or as folders on disk (`file:`); flat lists of links are searched for a project's
files. Every answer is bounded in size and time, and what may pass is tried again a few times.
"""

from __future__ import annotations

import hashlib
import http.client
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, Self, TypeVar
from urllib.parse import quote, urlsplit

from pydepgate.guard.addresses import is_loopback, same_host, shown
from pydepgate.guard.errors import UpstreamError
from pydepgate.guard.local import address_of, listed, open_local, path_of
from pydepgate.guard.model import Page, RemoteFile, Upstream
from pydepgate.guard.names import ARCHIVES, is_project, normalise, project_of, release_of
from pydepgate.guard.pages import HTML, JSON, parse_page, project_names
from pydepgate.guard.transport import (
    Answer,
    TooSlow,
    Transport,
    is_passing,
    plain,
    retry_pauses,
)
from pydepgate.limits import MIB

MAX_PAGE_BYTES = 128 * MIB
MAX_METADATA_BYTES = 16 * MIB
FLAT_SECONDS = 60.0
"""How long a flat list of links is kept: it is searched for every project."""

_PAGE_TYPES = f"{JSON}, application/vnd.pypi.simple.v1+html;q=0.2, {HTML};q=0.1"
_ABSENT = frozenset((404, 410))
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class _Body:
    url: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Asks indexes; can be used by several threads, and as a context manager that closes its connections."""

    transport: Transport = field(default_factory=Transport)
    page_limit: int = MAX_PAGE_BYTES
    _flat: dict[Upstream, tuple[float, Page]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that are idle."""
        self.transport.close()

    def page(self, upstream: Upstream, project: str, /) -> Page | None:
        """Return the page of a project (its normalised name), None if the index does not have it.

        An index without credentials that forbids the page (403) does not have it either: that is how stores of plain
        files answer. Raises UpstreamError.
        """
        if upstream.flat:
            files = tuple(file for file in self.links(upstream).files if release_of(file.filename, project=project))
            return Page(project, files) if files else None
        body = self._body(upstream, f"{address_of(upstream.url)}/{quote(project, safe='')}/", what=project)
        return parse_page(body.content, body.content_type, url=body.url, project=project) if body else None

    def links(self, upstream: Upstream, /) -> Page:
        """Return all that a flat list of links holds, as one page without a name. Raises UpstreamError."""
        with self._lock:
            known = self._flat.get(upstream)
        if known and time.monotonic() - known[0] < FLAT_SECONDS:
            return known[1]
        place = path_of(upstream.url)
        if place is not None and (not place.is_file() or place.name.lower().endswith(ARCHIVES)):
            page = Page("", listed(place) if place.exists() else ())  # pip leaves out what is not there
        else:
            body = self._body(upstream, place.absolute().as_uri() if place else upstream.url, what="its links")
            if body is None:
                raise UpstreamError(f"{shown(upstream.url)}: there is no such list of links")
            page = parse_page(body.content, body.content_type, url=body.url, project="")
        with self._lock:
            self._flat[upstream] = (time.monotonic(), page)
        return page

    def projects(self, upstream: Upstream, /) -> tuple[str, ...]:
        """Return the names of all projects that an index lists. Raises UpstreamError."""
        if upstream.flat:
            told = map(project_of, (file.filename for file in self.links(upstream).files))
            names: Iterable[str] = (known[0] for known in told if known)
        else:
            body = self._body(upstream, f"{address_of(upstream.url)}/", what="its projects")
            names = project_names(body.content, body.content_type) if body else ()
        return tuple(sorted({name for name in map(normalise, names) if is_project(name)}))

    def download(self, file: RemoteFile, upstream: Upstream, /, *, to: BinaryIO, limit: int) -> int:
        """Write a file's content to `to`, which can seek and be cut, and return its size in bytes.

        Raises UpstreamError if it is larger than `limit`, or of another size than the index says. Hashes are not
        checked here.
        """
        start = to.tell()
        if file.size is not None and file.size > limit:
            raise UpstreamError(f"{file.filename}: {file.size:,} bytes are more than the {limit:,} allowed")

        def attempt() -> int:
            to.seek(start)
            to.truncate()
            return self._copy(file, upstream, to, limit)

        return self._persist(attempt, what=file.filename, upstream=upstream)

    def metadata(self, file: RemoteFile, upstream: Upstream, /) -> bytes | None:
        """Return the content of a file's metadata file (PEP 658), None if there is none.

        Raises UpstreamError, also if it does not have one of the hashes that the index gives.
        """
        if file.metadata is None:
            return None
        address = urlsplit(file.url)
        url = address._replace(path=f"{address.path}.metadata").geturl()
        body = self._body(upstream, url, what=f"{file.filename}.metadata", accept="*/*", limit=MAX_METADATA_BYTES)
        if body is None:
            return None
        for name in ("sha512", "sha384", "sha256", "sha1", "md5"):
            if (wanted := file.metadata.get(name)) is not None:
                if hashlib.new(name, body.content, usedforsecurity=False).hexdigest() != wanted:
                    raise UpstreamError(f"{file.filename}.metadata: it does not have the {name} that the index gives")
                break
        return body.content

    def _copy(self, file: RemoteFile, upstream: Upstream, to: BinaryIO, limit: int, /) -> int:
        size = 0
        with self._open(upstream, file.url, accept="*/*", encoding="identity") as answer:
            if answer.status != 200:
                raise UpstreamError(f"{file.filename}: {shown(answer.url)} answers {answer.status}")
            for piece in answer.pieces():
                size += len(piece)
                if size > limit:
                    raise UpstreamError(f"{file.filename}: it is larger than the {limit:,} bytes allowed")
                _write(to, piece)
        if file.size is not None and size != file.size:
            raise UpstreamError(f"{file.filename}: {size:,} bytes came, but the index says {file.size:,}")
        return size

    def _body(
        self, upstream: Upstream, url: str, /, *, what: str, accept: str = _PAGE_TYPES, limit: int | None = None
    ) -> _Body | None:
        most = self.page_limit if limit is None else limit

        def attempt() -> _Body | None:
            with self._open(upstream, url, accept=accept, encoding="gzip") as answer:
                if answer.status in _ABSENT or _forbids(answer.status, upstream):
                    return None
                if answer.status != 200:
                    raise UpstreamError(f"{what}: {shown(answer.url)} answers {answer.status}")
                content = b"".join(plain(answer, limit=most, what=what))
                return _Body(answer.url, answer.headers.get("content-type", ""), content)

        return self._persist(attempt, what=what, upstream=upstream)

    @contextmanager
    def _open(self, upstream: Upstream, url: str, /, *, accept: str, encoding: str) -> Iterator[Answer]:
        home, scheme = urlsplit(upstream.url), urlsplit(url).scheme
        if scheme == "file" and home.scheme in ("file", ""):
            with open_local(url) as answer:
                yield answer
            return
        if scheme not in ("http", "https") or (home.scheme == "https" and scheme == "http"):
            raise UpstreamError(f"{shown(upstream.url)} refers to {shown(url)}, which is no safe place")
        own = home.hostname == urlsplit(url).hostname
        if scheme == "http" and not is_loopback(url) and (upstream.verify or not own):
            raise UpstreamError(f"{shown(url)} is plain http to a host that is not trusted (--trusted-host)")
        with self.transport.get(
            url,
            accept=accept,
            encoding=encoding,
            credentials=upstream.credentials if _same_place(upstream.url, url) else None,
            verify=upstream.verify or not own,
        ) as answer:
            if is_passing(answer.status) and answer.status not in upstream.absent:
                raise http.client.HTTPException(f"it answers {answer.status}")
            yield answer

    def _persist(self, attempt: Callable[[], _Result], /, *, what: str, upstream: Upstream) -> _Result:
        """Try again what may succeed next time; raises UpstreamError."""
        pauses = retry_pauses(self.transport.patience)
        place = shown(upstream.url)
        while True:
            try:
                return attempt()
            except UpstreamError as error:
                raise UpstreamError(f"{place}: {error}") from None
            except (OSError, http.client.HTTPException) as error:
                pause = next(pauses, None)
                if pause is None or isinstance(error, TooSlow | ssl.SSLCertVerificationError):
                    raise UpstreamError(f"{place}: {what}: {_told(error)}") from None
                time.sleep(pause)


def _write(to: BinaryIO, piece: bytes, /) -> None:
    try:
        to.write(piece)
    except OSError as error:
        raise UpstreamError(f"what came cannot be kept: {error.strerror or error}") from None


def _forbids(status: int, upstream: Upstream, /) -> bool:
    return status in upstream.absent or (status == 403 and upstream.credentials is None)


def _same_place(one: str, other: str, /) -> bool:
    return same_host(urlsplit(one), urlsplit(other))


def _told(error: Exception, /) -> str:
    match error:
        case TooSlow() | http.client.IncompleteRead():
            return str(error)
        case TimeoutError():
            return "no answer in time"
        case OSError() if error.strerror:
            return error.strerror
    return str(error) or type(error).__name__
