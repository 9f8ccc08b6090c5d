"""Pages of an index, read and written: the simple API as HTML (PEP 503) and as JSON (PEP 691).

What is read of a file: hashes, `requires-python`, yanked (PEP 592), metadata files (PEP 658, 714), sizes and upload
times (PEP 700). Of a project: versions, its status (PEP 792) and what else the JSON form holds.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from urllib.parse import unquote, urljoin, urlsplit

from pydepgate.guard.errors import UpstreamError
from pydepgate.guard.links import Links, read_links
from pydepgate.guard.model import Page, RemoteFile
from pydepgate.guard.names import is_filename, normalise, project_of

__all__ = ["HTML", "JSON", "negotiate", "normalise", "parse_page", "project_of", "render_html", "render_json"]

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "text/html"
HTML_V1 = "application/vnd.pypi.simple.v1+html"

_OFFERED = {
    JSON: JSON,
    HTML_V1: HTML_V1,
    HTML: HTML,
    "application/vnd.pypi.simple.latest+json": JSON,
    "application/vnd.pypi.simple.latest+html": HTML_V1,
}

_ALGORITHMS = frozenset(("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b", "sha3_256"))


def parse_page(body: bytes, /, content_type: str, *, url: str, project: str) -> Page:
    """Read a page that an index gave for a project; `url` is where it came from in the end.

    Of several files of one name the first counts. Raises UpstreamError if it is no page of the simple API that this
    understands.
    """
    kind = content_type.partition(";")[0].strip().lower()
    try:
        if kind.endswith("+json") or kind == "application/json":
            return _from_json(json.loads(body), url=url, project=project)
        if kind in ("", HTML, HTML_V1, "application/xhtml+xml"):
            return _from_links(read_links(body, content_type=content_type), url=url, project=project)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UpstreamError(f"the page for {project} cannot be read: {error}") from None
    raise UpstreamError(f"the page for {project} is of the unknown type {kind!r}")


def _from_json(document: object, /, *, url: str, project: str) -> Page:
    if not isinstance(document, dict) or not isinstance(document.get("files"), list):
        raise ValueError("it has no list of files")
    rest = {key: value for key, value in document.items() if key not in ("name", "files", "versions")}
    meta = rest.get("meta")
    _check_version(meta.get("api-version") if isinstance(meta, dict) else None)
    versions = document.get("versions")
    files = (_file(entry, url=url) for entry in document["files"] if isinstance(entry, dict))
    return Page(
        name=normalise(project),
        files=_unique(files),
        versions=tuple(map(str, versions)) if isinstance(versions, list) else None,
        rest=rest,
    )


_READ = frozenset(
    (
        "filename",
        "url",
        "hashes",
        "requires-python",
        "yanked",
        "core-metadata",
        "dist-info-metadata",
        "data-dist-info-metadata",
        "size",
        "upload-time",
    )
)


def _file(entry: Mapping[str, object], /, *, url: str) -> RemoteFile | None:
    filename, address = entry.get("filename"), entry.get("url")
    if not isinstance(filename, str) or not isinstance(address, str) or not is_filename(filename):
        return None
    size, python = entry.get("size"), entry.get("requires-python")
    metadata = next((entry[key] for key in ("core-metadata", "dist-info-metadata") if key in entry), None)
    return RemoteFile(
        filename=filename,
        url=_joined(url, address),
        hashes=_hashes(entry.get("hashes")),
        requires_python=python if isinstance(python, str) else None,
        yanked=_reason(entry.get("yanked")),
        metadata=_hashes(metadata) if metadata else None,
        size=size if isinstance(size, int) and not isinstance(size, bool) else None,
        upload_time=_time(entry.get("upload-time")),
        rest={key: value for key, value in entry.items() if key not in _READ},
    )


def _joined(base: str, address: str, /) -> str:
    # the default index has absolute addresses, tens of thousands on a page; joining costs more than all the rest
    return address.partition("#")[0] if address.startswith("https://") else urljoin(base, address).partition("#")[0]


def _hashes(value: object, /) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {str(name).lower(): str(digest).lower() for name, digest in value.items()}


def _reason(yanked: object, /) -> str | None:
    return yanked if isinstance(yanked, str) and yanked else "" if yanked else None


def _time(text: object, /) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _check_version(version: object, /) -> None:
    # a later minor version only adds things (PEP 629)
    if version is not None and str(version).partition(".")[0] != "1":
        raise ValueError(f"version {version} of the API is not known")


def _unique(files: Iterable[RemoteFile | None], /) -> tuple[RemoteFile, ...]:
    found: dict[str, RemoteFile] = {}
    for file in files:
        if file is not None:
            found.setdefault(file.filename, file)
    return tuple(found.values())


def _from_links(links: Links, /, *, url: str, project: str) -> Page:
    _check_version(links.meta.get("pypi:repository-version"))
    status = {
        key: links.meta[name]
        for key, name in (("status", "pypi:project-status"), ("reason", "pypi:project-status-reason"))
        if name in links.meta
    }
    base = urljoin(url, links.base)
    files = (_linked(link, base=base) for link in links.anchors)
    return Page(name=normalise(project), files=_unique(files), rest={"project-status": status} if status else {})


def _linked(link: Mapping[str, str | None], /, *, base: str) -> RemoteFile | None:
    parts = urlsplit(urljoin(base, (link.get("href") or "").strip()))
    filename = unquote(parts.path.rpartition("/")[2])
    if not is_filename(filename):
        return None
    metadata = next((link[key] for key in ("data-core-metadata", "data-dist-info-metadata") if key in link), None)
    rest = {key: link[f"data-{key}"] for key in ("gpg-sig", "provenance") if f"data-{key}" in link}
    return RemoteFile(
        filename=filename,
        url=parts._replace(fragment="").geturl(),
        hashes=_pairs(parts.fragment),
        requires_python=link.get("data-requires-python"),
        yanked=(link["data-yanked"] or "") if "data-yanked" in link else None,
        metadata=None if metadata is None or metadata == "false" else _pairs(metadata),
        rest=rest,
    )


def _pairs(text: str, /) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in text.split("&"))
    return {name.lower(): digest.lower() for name, _, digest in pairs if name.lower() in _ALGORITHMS and digest}


def project_names(body: bytes, /, content_type: str) -> list[str]:
    """Return the names that the list of all projects of an index gives. Raises UpstreamError."""
    try:
        if content_type.partition(";")[0].strip().lower().endswith("json"):
            return [str(entry["name"]) for entry in json.loads(body)["projects"]]
        hrefs = (link.get("href") or "" for link in read_links(body, content_type=content_type).anchors)
        return [unquote(urlsplit(href).path.rstrip("/").rpartition("/")[2]) for href in hrefs]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UpstreamError(f"the list of projects cannot be read: {error}") from None


def render_json(page: Page, /, *, link: Callable[[RemoteFile], str]) -> bytes:
    """Write a page as JSON; `link` gives the address of each file."""
    files = [_entry(file, url=link(file)) for file in page.files]
    meta = page.rest.get("meta") or {"api-version": "1.4" if "project-status" in page.rest else "1.0"}
    document: dict[str, object] = {**page.rest, "meta": meta, "name": page.name, "files": files}
    if page.versions is not None:
        document["versions"] = list(page.versions)
    return json.dumps(document, separators=(",", ":")).encode()


def _entry(file: RemoteFile, /, *, url: str) -> dict[str, object]:
    entry: dict[str, object] = {**file.rest, "filename": file.filename, "url": url, "hashes": file.hashes}
    if file.requires_python is not None:
        entry["requires-python"] = file.requires_python
    if file.yanked is not None:
        entry["yanked"] = file.yanked or True
    if file.metadata is not None:  # clients before PEP 714 know the second name
        entry["core-metadata"] = entry["dist-info-metadata"] = file.metadata or True
    if file.size is not None:
        entry["size"] = file.size
    if file.upload_time is not None:
        entry["upload-time"] = file.upload_time.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return entry


def render_html(page: Page, /, *, link: Callable[[RemoteFile], str]) -> bytes:
    """Write a page as HTML; `link` gives the address of each file, without hashes."""
    status = page.rest.get("project-status")
    meta = {"pypi:repository-version": "1.4" if isinstance(status, dict) else "1.0"}
    if isinstance(status, dict):
        keys = {"status": "pypi:project-status", "reason": "pypi:project-status-reason"}
        meta |= {keys[key]: str(value) for key, value in status.items() if key in keys}
    head = "".join(f'<meta name="{name}" content="{html.escape(value)}">\n' for name, value in meta.items())
    lines = "".join(_anchor(file, url=link(file)) for file in page.files)
    title = html.escape(page.name)
    head = f"<!DOCTYPE html>\n<html>\n<head>\n{head}<title>{title}</title>\n</head>\n"
    return f"{head}<body>\n{lines}</body>\n</html>\n".encode()


def _anchor(file: RemoteFile, /, *, url: str) -> str:
    # the best one first: a fragment holds only one (PEP 503)
    known = [name for name in ("sha256", "sha512", "sha384", *file.hashes) if name in file.hashes]
    attributes = {"href": f"{url}#{known[0]}={file.hashes[known[0]]}" if known else url}
    if file.requires_python is not None:
        attributes["data-requires-python"] = file.requires_python
    if file.yanked is not None:
        attributes["data-yanked"] = file.yanked
    if file.metadata is not None:
        value = next((f"{name}={digest}" for name, digest in file.metadata.items()), "true")
        attributes["data-core-metadata"] = attributes["data-dist-info-metadata"] = value
    for key in ("gpg-sig", "provenance"):
        further = file.rest.get(key)
        if isinstance(further, str | bool):
            attributes[f"data-{key}"] = str(further).lower() if isinstance(further, bool) else further
    text = " ".join(f'{name}="{html.escape(value)}"' for name, value in attributes.items())
    return f"<a {text}>{html.escape(file.filename)}</a><br>\n"


def negotiate(accept: str, /) -> str:
    """Return the content type that answers an `Accept` header best (PEP 691), empty if none does.

    Who asks for nothing in particular gets HTML, as before there was JSON.
    """
    wanted = dict(_preferences(accept))
    if not wanted:
        return HTML
    quality = {type_: wanted[name] for name, type_ in reversed(_OFFERED.items()) if name in wanted}
    for pattern in ("text/*", "*/*"):
        if pattern in wanted:
            quality.setdefault(HTML, wanted[pattern])
    if "application/*" in wanted:
        quality.setdefault(JSON, wanted["application/*"])
    order = {type_: place for place, type_ in enumerate(_OFFERED)}
    best = max(quality, key=lambda type_: (quality[type_], -order[type_]), default="")
    return best if best and quality[best] > 0 else ""


def _preferences(accept: str, /) -> Iterable[tuple[str, float]]:
    for part in accept.split(","):
        name, *parameters = (piece.strip() for piece in part.lower().split(";"))
        quality = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        try:
            weight = float(quality)
        except ValueError:
            weight = 0.0
        if name:
            yield name, min(weight, 1.0) if weight == weight else 0.0
