"""Links of an HTML page: anchors with their attributes, `<base>` and `<meta>`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from html.parser import HTMLParser


@dataclass(frozen=True, slots=True)
class Links:
    """What a page holds: `anchors` are the attributes of each link, `base` what addresses are relative to."""

    anchors: tuple[Mapping[str, str | None], ...]
    base: str
    meta: Mapping[str, str]


def read_links(body: bytes, /, *, content_type: str) -> Links:
    """Read an HTML page in the encoding that its content type declares, else as UTF-8."""
    header = Message()
    header["content-type"] = content_type or "text/html"
    charset = header.get_content_charset("utf-8")
    try:
        text = body.decode(charset, "replace")
    except LookupError:
        text = body.decode("utf-8", "replace")
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return Links(tuple(reader.anchors), reader.base, reader.meta)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.anchors: list[Mapping[str, str | None]] = []
        self.base = ""
        self.meta: dict[str, str] = {}

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]], /) -> None:
        if tag == "a":
            link = dict(reversed(attributes))  # of two attributes of one name, browsers take the first
            if link.get("href"):
                self.anchors.append(link)
        elif tag == "base" and not self.base:
            self.base = dict(attributes).get("href") or ""
        elif tag == "meta":
            values = dict(attributes)
            self.meta.setdefault((values.get("name") or "").lower(), values.get("content") or "")
