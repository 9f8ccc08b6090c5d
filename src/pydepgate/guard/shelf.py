"""Project pages as they are served: fetched once, kept for a while, and refused where an index fails.

Of several indexes that a client searches together it takes the best that it finds, and silently so when one of them
fails: what an attacker wants. So a project is refused from all of them as soon as one does not answer for it.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

from pydepgate.guard.cooldown import Cooldown, LeftOut, leave_out
from pydepgate.guard.errors import UpstreamError
from pydepgate.guard.fetch import Fetcher
from pydepgate.guard.model import Page, RemoteFile, Upstream
from pydepgate.guard.pages import JSON, render_html, render_json

FAILURE_SECONDS = 10.0
"""How long a failure is remembered: a client asks the next index right after it."""

MAX_FILES = 300_000
"""Files on all pages that are kept."""

_WORKERS = 32


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page, and the forms in which it was sent so far, each with its ETag."""

    page: Page
    files: dict[str, RemoteFile]
    _rendered: dict[str, tuple[bytes, str]] = field(default_factory=dict)

    def rendered(self, content_type: str, /) -> tuple[bytes, str]:
        """Return the page in one of its forms, with the links relative to its own address, and its ETag."""
        known = self._rendered.get(content_type)
        if known is None:
            render = render_json if content_type == JSON else render_html
            body = render(self.page, link=lambda file: quote(file.filename, safe=""))
            known = self._rendered[content_type] = (body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
        return known


@dataclass(frozen=True, slots=True)
class _Kept:
    until: Callable[[], float]
    future: Future[Sheet | None]


class Shelf:
    """The pages of all upstreams; used by many threads.

    `seconds`: how long a page is kept. `left_out`: releases that the cooldown removed from the pages so far.
    """

    def __init__(
        self, fetcher: Fetcher, upstreams: Sequence[Upstream], /, *, cooldown: Cooldown | None, seconds: float
    ) -> None:
        self._fetcher = fetcher
        self._upstreams = tuple(upstreams)
        self._cooldown = cooldown
        self._seconds = seconds
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._sizes: dict[tuple[str, str], int] = {}
        self._total = 0
        self._lock = threading.Lock()
        self._executor = ThreadPoolExecutor(_WORKERS, thread_name_prefix="pydepgate-page")
        self.left_out: dict[tuple[str, str], LeftOut] = {}

    def close(self) -> None:
        """Stop fetching; what has begun ends by itself."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def sheet(self, upstream: Upstream, project: str, /) -> Sheet | None:
        """Return a project's page, None if that index does not have it.

        Raises UpstreamError if it, or another that is searched together with it, fails.
        """
        group = [each for each in self._upstreams if each.together] if upstream.together else [upstream]
        asked = {each.name: self._ask(each, project) for each in group}
        failures = [str(error) for future in asked.values() if (error := future.exception()) is not None]
        if failures:
            raise UpstreamError("; ".join(failures))
        return asked[upstream.name].result()

    def _ask(self, upstream: Upstream, project: str, /) -> Future[Sheet | None]:
        key = (upstream.name, project)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and (not kept.future.done() or time.monotonic() < kept.until()):
                return kept.future
            self._kept.pop(key, None)
            self._make_room()
            future = self._executor.submit(self._fetch, upstream, project)
            self._kept[key] = _Kept(_expiry(future, self._seconds), future)
            return future

    def _make_room(self) -> None:
        """Forget the oldest pages while there are too many; called with the lock held."""
        while self._total > MAX_FILES:
            oldest = next(iter(self._sizes))
            self._total -= self._sizes.pop(oldest)
            self._kept.pop(oldest, None)

    def _weigh(self, key: tuple[str, str], size: int, /) -> None:
        with self._lock:
            self._total += size - self._sizes.pop(key, 0)
            self._sizes[key] = size

    def _fetch(self, upstream: Upstream, project: str, /) -> Sheet | None:
        page = None
        try:
            page = self._fetcher.page(upstream, project)
        finally:
            self._weigh((upstream.name, project), 1 + (len(page.files) if page else 0))
        if page is None:
            return None
        if self._cooldown is not None:
            page, left_out = leave_out(page, self._cooldown, now=datetime.now(UTC))
            self.left_out.update({(each.project, each.version): each for each in left_out})
        return Sheet(page, {file.filename: file for file in page.files})


def _expiry(future: Future[Sheet | None], seconds: float, /) -> Callable[[], float]:
    done: list[float] = []
    future.add_done_callback(lambda _: done.append(time.monotonic()))

    def until() -> float:
        kept_for = FAILURE_SECONDS if future.cancelled() or future.exception() is not None else seconds
        return (done[0] if done else time.monotonic()) + kept_for

    return until
