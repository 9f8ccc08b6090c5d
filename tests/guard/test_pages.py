"""Pages of indexes: what is read of both forms, and that it survives being written again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from pydepgate.guard.errors import UpstreamError
from pydepgate.guard.model import Page, RemoteFile
from pydepgate.guard.names import is_filename, release_of
from pydepgate.guard.pages import (
    HTML,
    JSON,
    negotiate,
    normalise,
    parse_page,
    project_names,
    project_of,
    render_html,
    render_json,
)

URL = "https://index.invalid/simple/some-project/"
DIGEST = "ab" * 32

_HTML_PAGE = f"""<!DOCTYPE html><html><head>
<meta name="pypi:repository-version" content="1.3">
<meta name="pypi:project-status" content="quarantined">
<base href="../../files/"></head><body>
<A HREF="some_project-1.0-py3-none-any.whl#sha256={DIGEST.upper()}" data-requires-python="&gt;=3.11"
   data-dist-info-metadata="sha256={DIGEST}" data-yanked="">one</a>
<a href="https://cdn.invalid/a/some-project-1.0%2Blocal.tar.gz?x=1#egg=nothing" data-core-metadata=true>two</a>
<a href="..%2f..%2fetc/..">three</a><a>four</a><a href="x/%2e%2e">five</a>
</body></html>""".encode()

_JSON_PAGE = {
    "meta": {"api-version": "1.4", "_last-serial": 7},
    "name": "Some.Project",
    "project-status": {"status": "archived", "reason": "done"},
    "versions": ["1.0"],
    "files": [
        {
            "filename": "some_project-1.0-py3-none-any.whl",
            "url": "some_project-1.0-py3-none-any.whl#sha256=00",
            "hashes": {"SHA256": DIGEST.upper()},
            "requires-python": ">=3.11",
            "core-metadata": {"sha256": DIGEST},
            "size": 12,
            "upload-time": "2024-05-01T10:00:00.123456Z",
            "yanked": "broken",
            "provenance": "https://index.invalid/p",
        },
        {"filename": "../x.whl", "url": "x", "hashes": {}},
        {"filename": "some_project-1.0.tar.gz", "url": "https://cdn.invalid/s", "hashes": {}, "yanked": False},
    ],
}


def _html() -> Page:
    return parse_page(_HTML_PAGE, "text/html; charset=utf-8", url=URL, project="Some_Project")


def _json() -> Page:
    return parse_page(json.dumps(_JSON_PAGE).encode(), JSON, url=URL, project="some-project")


def test_html_is_read_with_its_base_and_attributes() -> None:
    page = _html()
    assert page.name == "some-project"
    assert page.rest == {"project-status": {"status": "quarantined"}}
    assert page.files == (
        RemoteFile(
            "some_project-1.0-py3-none-any.whl",
            "https://index.invalid/files/some_project-1.0-py3-none-any.whl",
            hashes={"sha256": DIGEST},
            requires_python=">=3.11",
            yanked="",
            metadata={"sha256": DIGEST},
        ),
        RemoteFile(
            "some-project-1.0+local.tar.gz",
            "https://cdn.invalid/a/some-project-1.0%2Blocal.tar.gz?x=1",
            metadata={},
        ),
    )


def test_json_is_read_with_all_that_it_says() -> None:
    page = _json()
    assert [file.filename for file in page.files] == ["some_project-1.0-py3-none-any.whl", "some_project-1.0.tar.gz"]
    first, second = page.files
    assert first.url == URL + "some_project-1.0-py3-none-any.whl"
    assert (first.hashes, first.yanked, first.size) == ({"sha256": DIGEST}, "broken", 12)
    assert first.upload_time == datetime(2024, 5, 1, 10, 0, 0, 123456, tzinfo=UTC)
    assert first.rest == {"provenance": "https://index.invalid/p"}
    assert (second.yanked, second.metadata, second.url) == (None, None, "https://cdn.invalid/s")
    assert page.versions == ("1.0",)


@pytest.mark.parametrize("page", [_html(), _json()])
def test_a_page_survives_both_forms(page: Page) -> None:
    by_json = parse_page(render_json(page, link=lambda file: file.url), JSON, url=URL, project=page.name)
    assert by_json.files == page.files
    assert by_json.rest["project-status"] == page.rest["project-status"]
    by_html = parse_page(render_html(page, link=lambda file: quote(file.filename)), HTML, url=URL, project=page.name)
    assert [(each.filename, each.hashes, each.yanked, each.metadata) for each in by_html.files] == [
        (each.filename, each.hashes, each.yanked, each.metadata) for each in page.files
    ]
    assert by_html.rest["project-status"] == page.rest["project-status"]


def test_json_says_the_metadata_in_both_ways() -> None:
    entry = json.loads(render_json(_json(), link=lambda file: "here"))["files"][0]
    assert entry["core-metadata"] == entry["dist-info-metadata"] == {"sha256": DIGEST}
    assert entry["url"] == "here"
    assert entry["upload-time"] == "2024-05-01T10:00:00.123456Z"


def test_html_cannot_be_broken_out_of() -> None:
    file = RemoteFile('a"><script>-1.tar.gz', "x", requires_python='"><b>')
    text = render_html(Page("a", (file,)), link=lambda _: "x").decode()
    assert "<script>" not in text
    assert "<b>" not in text


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{", JSON),
        (b"[]", JSON),
        (b'{"files": 1}', JSON),
        (b'{"meta": {"api-version": "2.0"}, "files": []}', JSON),
        (b"[" * 100_000, JSON),
        (b'<meta name="pypi:repository-version" content="2.0">', HTML),
        (b"PK", "application/zip"),
    ],
)
def test_what_is_no_page_is_an_error(body: bytes, content_type: str) -> None:
    with pytest.raises(UpstreamError):
        parse_page(body, content_type, url=URL, project="a")


def test_of_two_files_of_one_name_the_first_counts() -> None:
    page = parse_page(b'<a href="1/a-1.tar.gz">a</a><a href="2/a-1.tar.gz">a</a>', HTML, url=URL, project="a")
    assert [file.url for file in page.files] == [URL + "1/a-1.tar.gz"]


def test_projects_are_listed_in_both_forms() -> None:
    assert project_names(b'{"projects": [{"name": "A"}]}', JSON) == ["A"]
    assert project_names(b'<a href="/simple/a/">A</a><a href="b">B</a>', HTML) == ["a", "b"]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", HTML),
        ("*/*", HTML),
        ("text/html", HTML),
        (f"{JSON}, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01", JSON),
        (f"{JSON};q=0.1, text/html", HTML),
        ("application/vnd.pypi.simple.latest+json", JSON),
        ("application/vnd.pypi.simple.v1+html", "application/vnd.pypi.simple.v1+html"),
        (f"{JSON};q=0, */*;q=0.5", HTML),
        (f"{JSON};q=nonsense", ""),
        ("application/vnd.pypi.simple.v2+json", ""),
        ("image/png, text/*;q=0.2", HTML),
    ],
)
def test_the_form_is_negotiated(accept: str, expected: str) -> None:
    assert negotiate(accept) == expected


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("Some_Project-1.0-py3-none-any.whl", ("some-project", "1.0")),
        ("a-1.0-2build-cp311-cp311-linux_x86_64.whl", ("a", "1.0")),
        ("a-b-1.0.tar.gz", ("a-b", "1.0")),
        ("a_b-1.0.post1.zip", ("a-b", "1.0.post1")),
        ("a-1.whl", None),
        ("a.tar.gz", None),
        ("index.html", None),
    ],
)
def test_names_of_files_are_read(filename: str, expected: tuple[str, str] | None) -> None:
    assert project_of(filename) == expected


def test_a_known_project_tells_where_the_version_begins() -> None:
    assert release_of("a-1-2.tar.gz", project="a-1") == "2"
    assert release_of("a-1-2.tar.gz", project="a") == "1-2"
    assert release_of("a-1-2.tar.gz", project="b") is None
    assert normalise("A__b.-C") == "a-b-c"
    assert not any(map(is_filename, ("", "..", "a/b", "a\\b", "a\nb")))
