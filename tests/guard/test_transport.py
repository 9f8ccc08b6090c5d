"""Ways to an index: TLS that is checked, and proxies of the network."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pydepgate.guard.addresses import Proxies
from pydepgate.guard.errors import UpstreamError
from pydepgate.guard.fetch import Fetcher
from pydepgate.guard.model import Upstream
from pydepgate.guard.transport import Patience, Transport, Trust
from tests.guard.scripted import Reply, scripted

PAGE = Reply(b'<a href="a-1.tar.gz">a</a>', headers={"Content-Type": "text/html"})
_ONCE = Patience(read=5.0, total=5.0, attempts=1)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for loopback with its key, in one file."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    key = path.with_name("key.pem")
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *subject]
    subprocess.run([*made, "-out", path, "-keyout", key], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + key.read_bytes())
    return path


@contextmanager
def tunnel() -> Iterator[tuple[str, list[str]]]:
    """Run a proxy that connects wherever it is told to; gives its address, and the first lines of what it was asked."""
    asked: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def pass_on(source: socket.socket, target: socket.socket) -> None:
            try:
                while piece := source.recv(65536):
                    target.sendall(piece)
                target.shutdown(socket.SHUT_WR)
            except OSError:
                return

        def run() -> None:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client, client.makefile("rb") as lines:
                head = [line.decode().strip() for line in iter(lines.readline, b"\r\n")]
                asked.extend(head)
                host, _, port = head[0].split()[1].rpartition(":")
                with socket.create_connection((host, int(port))) as server:
                    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                    back = threading.Thread(target=pass_on, args=(server, client))
                    back.start()
                    pass_on(client, server)
                    back.join()

        thread = threading.Thread(target=run)
        thread.start()
        yield f"http://me:s3cret@127.0.0.1:{listener.getsockname()[1]}", asked
        thread.join(20)


def _names(transport: Transport, upstream: Upstream) -> list[str]:
    with Fetcher(transport) as fetcher:
        page = fetcher.page(upstream, "a")
        assert page is not None
        return [file.filename for file in page.files]


def test_certificates_are_checked(certificate: Path) -> None:
    with scripted({"/s/a/": PAGE}, certificate=certificate) as site:
        upstream = Upstream("0", f"{site.root}/s")
        assert _names(Transport(_ONCE, Trust(authorities=certificate)), upstream) == ["a-1.tar.gz"]
        assert _names(Transport(_ONCE), Upstream("0", f"{site.root}/s", verify=False)) == ["a-1.tar.gz"]
        with pytest.raises(UpstreamError, match="certificate"):
            _names(Transport(_ONCE), upstream)


def test_no_redirect_leads_from_https_to_plain_http(certificate: Path) -> None:
    with scripted({"/s/a/": PAGE}) as plain:
        there = Reply(status=302, headers={"Location": f"{plain.root}/s/a/"})
        with scripted({"/s/a/": there}, certificate=certificate) as site:
            with pytest.raises(UpstreamError, match="plain http"):
                _names(Transport(_ONCE, Trust(authorities=certificate)), Upstream("0", f"{site.root}/s"))
            assert not plain.seen


def test_authorities_that_cannot_be_read_are_said(tmp_path: Path) -> None:
    with pytest.raises(UpstreamError, match="certificates cannot be read"):
        _names(Transport(_ONCE, Trust(authorities=tmp_path / "none.pem")), Upstream("0", "https://127.0.0.1:1/s"))


def test_https_goes_through_a_proxy_unread(certificate: Path) -> None:
    with scripted({"/s/a/": PAGE}, certificate=certificate) as site, tunnel() as (proxy, asked):
        transport = Transport(_ONCE, Trust(authorities=certificate), Proxies({"https": proxy}))
        assert _names(transport, Upstream("0", f"{site.root}/s")) == ["a-1.tar.gz"]
        assert asked[0].startswith(f"CONNECT {site.root.removeprefix('https://')} ")
        assert "Proxy-Authorization: Basic bWU6czNjcmV0" in asked


def test_plain_http_goes_through_a_proxy_with_its_whole_address() -> None:
    with scripted({"http://localhost:1/s/a/": PAGE}) as proxy:
        transport = Transport(_ONCE, proxies=Proxies({"all": proxy.root}))
        assert _names(transport, Upstream("0", "http://localhost:1/s")) == ["a-1.tar.gz"]
        assert proxy.paths == ["http://localhost:1/s/a/"]


def test_other_proxies_are_an_error() -> None:
    with pytest.raises(UpstreamError, match="socks5"):
        _names(
            Transport(_ONCE, proxies=Proxies({"all": "socks5://127.0.0.1:1"})), Upstream("0", "http://localhost:1/s")
        )
