"""What is asked of indexes on loopback: contents, credentials, redirects, and everything that can go wrong."""

from __future__ import annotations

import gzip
import io
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pydepgate.guard.errors import UpstreamError
from pydepgate.guard.fetch import Fetcher
from pydepgate.guard.model import Credentials, RemoteFile, Upstream
from pydepgate.guard.transport import Patience, Transport
from tests.guard.packages import clean
from tests.guard.scripted import Reply, scripted
from tests.guard.upstream import Fault, Form, Index, Listing

LIMIT = 1 << 20
FILE = clean()
NAME = FILE.project
_PATIENCE = Patience(read=5.0, total=5.0, attempts=3, pause=0.0)


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    with Fetcher(Transport(_PATIENCE)) as made:
        yield made


def _content(fetcher: Fetcher, file: RemoteFile, upstream: Upstream) -> bytes:
    to = io.BytesIO()
    assert fetcher.download(file, upstream, to=to, limit=LIMIT) == len(to.getvalue())
    return to.getvalue()


@pytest.mark.parametrize("form", [Form.HTML, Form.JSON])
def test_a_page_a_file_and_its_metadata(fetcher: Fetcher, form: Form) -> None:
    with Index(Listing((FILE,), form=form)) as index:
        upstream = Upstream("0", index.url)
        page = fetcher.page(upstream, NAME)
        assert page is not None
        [file] = page.files
        assert file.hashes == {"sha256": FILE.sha256}
        assert _content(fetcher, file, upstream) == FILE.data
        assert fetcher.metadata(file, upstream) == FILE.metadata
        assert fetcher.page(upstream, "unknown") is None
        assert fetcher.projects(upstream) == (NAME,)


def test_credentials_go_to_their_own_host_alone(fetcher: Fetcher) -> None:
    with Index((FILE,)) as other, Index(Listing((FILE,), login=("me", "s3cret"), elsewhere=other.root)) as index:
        upstream = Upstream("0", index.url, Credentials("me", "s3cret"))
        page = fetcher.page(upstream, NAME)
        assert page is not None
        assert _content(fetcher, page.files[0], upstream) == FILE.data
        assert all(seen.authorization for seen in index.seen)
        assert [seen.authorization for seen in other.seen] == [None]
        with pytest.raises(UpstreamError, match="answers 401") as caught:
            fetcher.page(replace(upstream, credentials=Credentials("me", "wr0ng")), NAME)
        assert "wr0ng" not in str(caught.value)


def test_a_redirect_elsewhere_takes_no_credentials_along(fetcher: Fetcher) -> None:
    with scripted({"/s/a/": Reply(b'<a href="/a-1.tar.gz">a</a>')}) as other:
        there = Reply(status=302, headers={"Location": f"{other.root}/s/a/"})
        with scripted(
            {"/s/a/": there, "/s/b/": Reply(status=308, headers={"Location": "/s/c/"}), "/s/c/": Reply()}
        ) as own:
            upstream = Upstream("0", f"{own.root}/s", Credentials("me", "s3cret"))
            page = fetcher.page(upstream, "a")
            assert page is not None
            assert [file.url for file in page.files] == [f"{other.root}/a-1.tar.gz"]
            assert other.seen == [("/s/a/", None)]
            assert fetcher.page(upstream, "b") is not None
            assert all(authorization for _, authorization in own.seen)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://a.invalid/", "/s/a/", "http://", "http://192.0.2.1/"])
def test_a_redirect_leads_nowhere_else(fetcher: Fetcher, target: str) -> None:
    with (
        scripted({"/s/a/": Reply(status=301, headers={"Location": target})}) as site,
        pytest.raises(UpstreamError, match="redirects"),
    ):
        fetcher.page(Upstream("0", f"{site.root}/s"), "a")


@pytest.mark.parametrize("link", ["file:///etc/passwd", "ftp://a.invalid/x-1.tar.gz", "http://192.0.2.1/x-1.tar.gz"])
def test_an_index_cannot_lead_to_other_places(fetcher: Fetcher, link: str) -> None:
    with pytest.raises(UpstreamError, match=r"no safe place|not trusted"):
        _content(fetcher, RemoteFile("x-1.tar.gz", link), Upstream("0", "http://127.0.0.1/simple"))
    with pytest.raises(UpstreamError, match="no safe place"):
        _content(fetcher, RemoteFile("x-1.tar.gz", "http://127.0.0.1/x"), Upstream("0", "https://a.invalid/simple"))


def test_plain_http_needs_a_host_that_is_trusted(fetcher: Fetcher) -> None:
    with pytest.raises(UpstreamError, match="not trusted"):
        fetcher.page(Upstream("0", "http://192.0.2.1/simple"), "a")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault.ERROR, "it answers 500"),
        (Fault.TOO_MANY, "it answers 429"),
        (Fault.RESET, "reset|bytes came"),
        (Fault.SHORT, "bytes came"),
        (Fault.GONE, "answers 404"),
        (Fault.FORBIDDEN, "answers 403"),
    ],
)
def test_a_file_that_does_not_come_is_an_error(fetcher: Fetcher, fault: Fault, message: str) -> None:
    with Index(Listing((FILE,), faults={FILE.filename: fault})) as index:
        upstream = Upstream("0", index.url)
        page = fetcher.page(upstream, NAME)
        assert page is not None
        with pytest.raises(UpstreamError, match=message):
            _content(fetcher, page.files[0], upstream)
        asked = index.downloads().count(FILE.filename)
        assert asked == (1 if fault in (Fault.GONE, Fault.FORBIDDEN) else _PATIENCE.attempts)


def test_what_failed_once_is_tried_again(fetcher: Fetcher) -> None:
    with Index(Listing((FILE,), faults=dict.fromkeys((FILE.filename, NAME), Fault.ERROR_ONCE))) as index:
        upstream = Upstream("0", index.url)
        page = fetcher.page(upstream, NAME)
        assert page is not None
        assert _content(fetcher, page.files[0], upstream) == FILE.data


def test_a_slow_drip_ends() -> None:
    hasty = Transport(Patience(read=5.0, total=0.3, rate=1 << 20, attempts=3, pause=0.0))
    with Index(Listing((FILE,), faults={NAME: Fault.DRIP})) as index, Fetcher(hasty) as fetcher:
        with pytest.raises(UpstreamError, match="too slowly"):
            fetcher.page(Upstream("0", index.url), NAME)
        assert len(index.seen) == 1


def test_silence_ends() -> None:
    with scripted() as site:
        released = threading.Event()

        def silent() -> Reply:
            released.wait(10)
            return Reply()

        site.replies["/s/a/"] = silent
        with Fetcher(Transport(Patience(read=0.1, total=5.0, attempts=1))) as fetcher:
            with pytest.raises(UpstreamError, match="no answer in time"):
                fetcher.page(Upstream("0", f"{site.root}/s"), "a")
            released.set()


def test_sizes_are_bounded_and_checked(fetcher: Fetcher) -> None:
    with scripted({"/f": Reply(b"x" * 1000)}) as site:
        upstream = Upstream("0", f"{site.root}/s")
        file = RemoteFile("a-1.tar.gz", f"{site.root}/f")
        with pytest.raises(UpstreamError, match="larger than the 999"):
            fetcher.download(file, upstream, to=io.BytesIO(), limit=999)
        with pytest.raises(UpstreamError, match="the index says 7"):
            fetcher.download(replace(file, size=7), upstream, to=io.BytesIO(), limit=LIMIT)
        before = len(site.seen)
        with pytest.raises(UpstreamError, match="more than the 999"):
            fetcher.download(replace(file, size=1000), upstream, to=io.BytesIO(), limit=999)
        assert len(site.seen) == before


def test_a_packed_page_is_unpacked_within_its_limit() -> None:
    packed = Reply(gzip.compress(b" " * (1 << 20)), headers={"Content-Encoding": "gzip", "Content-Type": "text/html"})
    with scripted({"/s/a/": packed}) as site:
        with Fetcher(page_limit=1 << 20) as fetcher:
            assert fetcher.page(Upstream("0", f"{site.root}/s"), "a") is not None
        with Fetcher(page_limit=1000) as fetcher, pytest.raises(UpstreamError, match="larger than the 1,000"):
            fetcher.page(Upstream("0", f"{site.root}/s"), "a")


def test_metadata_with_another_hash_is_refused(fetcher: Fetcher) -> None:
    with scripted({"/a-1-py3-none-any.whl.metadata": Reply(b"Name: a")}) as site:
        file = RemoteFile("a-1-py3-none-any.whl", f"{site.root}/a-1-py3-none-any.whl", metadata={})
        upstream = Upstream("0", site.root)
        assert fetcher.metadata(file, upstream) == b"Name: a"
        with pytest.raises(UpstreamError, match="sha256"):
            fetcher.metadata(replace(file, metadata={"sha256": "00"}), upstream)
        assert fetcher.metadata(replace(file, metadata=None), upstream) is None


def test_403_means_absent_only_where_nobody_knows_us(fetcher: Fetcher) -> None:
    with scripted({"/s/a/": Reply(status=403), "/s/b/": Reply(status=418)}) as site:
        upstream = Upstream("0", f"{site.root}/s")
        assert fetcher.page(upstream, "a") is None
        with pytest.raises(UpstreamError, match="403"):
            fetcher.page(replace(upstream, credentials=Credentials("me", "x")), "a")
        with pytest.raises(UpstreamError, match="418"):
            fetcher.page(upstream, "b")
        assert fetcher.page(replace(upstream, absent=frozenset((418,))), "b") is None


def test_a_connection_that_the_server_closed_is_replaced(fetcher: Fetcher) -> None:
    with scripted({"/s/a/": Reply(hangs_up=True)}) as site:
        upstream = Upstream("0", f"{site.root}/s")
        for _ in range(5):
            assert fetcher.page(upstream, "a") is not None


def test_folders_are_indexes_and_lists_of_links(fetcher: Fetcher, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / FILE.filename).write_bytes(FILE.data)
    (tmp_path / "files" / "notes.txt").write_text("no package")
    page_folder = tmp_path / "simple" / NAME
    page_folder.mkdir(parents=True)
    (page_folder / "index.html").write_text(f'<a href="../../files/{FILE.filename}">x</a>')
    links = tmp_path / "links.html"
    links.write_text(f'<a href="files/{FILE.filename}">x</a><a href="files/other-1.tar.gz">y</a>')
    for upstream in (
        Upstream("0", (tmp_path / "simple").as_uri()),
        Upstream("1", str(tmp_path / "simple")),
        Upstream("2", str(tmp_path / "files"), flat=True),
        Upstream("3", (tmp_path / "files").as_uri(), flat=True),
        Upstream("4", links.as_uri(), flat=True),
        Upstream("5", str(tmp_path / "files" / FILE.filename), flat=True),
    ):
        page = fetcher.page(upstream, NAME)
        assert page is not None
        assert [file.filename for file in page.files] == [FILE.filename]
        assert _content(fetcher, page.files[0], upstream) == FILE.data
        assert fetcher.page(upstream, "unknown") is None
    assert fetcher.page(Upstream("6", str(tmp_path / "nowhere"), flat=True), NAME) is None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_said(fetcher: Fetcher) -> None:
    with scripted({"/f": Reply(os.urandom(100_000))}) as site, Path("/dev/full").open("wb", buffering=0) as full:
        file, upstream = RemoteFile("a-1.tar.gz", f"{site.root}/f"), Upstream("0", site.root)

        class Full(io.BytesIO):
            def write(self, piece: object, /) -> int:
                return full.write(piece)  # type: ignore[arg-type]

        with pytest.raises(UpstreamError, match="cannot be kept: No space"):
            fetcher.download(file, upstream, to=Full(), limit=LIMIT)
        assert len(site.seen) == 1
