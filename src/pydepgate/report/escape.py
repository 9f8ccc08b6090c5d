"""Text of scanned packages made safe to print: no controls, no reordering, no live links."""

from __future__ import annotations

import re

from pydepgate.regex import regex

_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}

# Letters and marks that `str.isprintable` lets through although they show as nothing: fillers, the Braille
# blank, and the variation selectors, in which whole payloads have been hidden.
_UNSEEN = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U0001d159\U000e0100-\U000e01ef"
_UNSEEN_CHARACTER = regex(f"[{_UNSEEN}]")

_SURROGATE = regex("[\ud800-\udfff]")

# A host ends where the next scheme begins, whatever stands between: `http://a;http://b`.
_SCHEME = r"[a-z][a-z0-9+.-]{0,30}://"
_URL = regex(rf"([a-z][a-z0-9+.-]{{0,30}})://((?:(?!{_SCHEME})[^\s/?#\"'<>()|])*+)", re.IGNORECASE)
_BARE_DOT = regex(r"(?<!\[)\.")
_BARE_COLON = regex(r"(?<!\[):")
_IPV4 = regex(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)")

# Only endings that are common in links and rare as attribute names: `requests.post` is code, not a domain.
_ENDINGS = (
    "com|net|org|edu|gov|info|biz|xyz|top|online|site|club|shop|space|store|website|cloud|tech|onion|io|co|me|"
    "ru|su|cn|de|fr|nl|uk|eu|us|pw|cc|tk|ml|ga|cf|gq|br|in|jp|kr|pl|ua|ir|vn|to|ws|gg|link|live|icu|pro"
)
_DOMAIN = regex(rf"(?<![\w.\]-])(?:[\w-]{{1,63}}\.)+(?:{_ENDINGS})(?![\w(-]|\.\w)", re.IGNORECASE)


def printable(text: str, /, *, limit: int | None = None) -> str:
    """Return `text` on one line, in characters that a terminal shows and cannot be steered by.

    Everything that is not printable (control and format characters, bidirectional overrides, zero-width
    characters, separators other than the space, lone surrogates, private use) becomes its backslash escape.
    At most `limit` characters are returned; what is longer loses its middle.
    """
    if limit is not None and len(text) > limit:
        text = clip(text, limit)
    if not text.isprintable() or (not text.isascii() and _UNSEEN_CHARACTER.search(text)):
        text = "".join(map(_visible, text))
    return text if limit is None else clip(text, limit)


def clip(text: str, limit: int, /) -> str:
    """Return `text`, its middle replaced by `…` where it is longer than `limit` characters."""
    if len(text) <= limit:
        return text
    tail = limit // 3
    head = max(0, limit - tail - 1)
    return f"{text[:head]}…{text[len(text) - tail :]}"[:limit]


def without_surrogates(text: str, /) -> str:
    """Return `text` with lone surrogates written out (`\\udc80`), so that it has a UTF-8 form."""
    return _SURROGATE.sub(lambda match: _visible(match[0]), text)


def defang(text: str, /) -> str:
    """Return `text` with links that no program makes clickable: `hxxp://example[.]com`, `192[.]0[.]2[.]1`.

    Doing it twice changes nothing more.
    """
    text = defang_urls(text)
    text = _IPV4.sub(lambda match: _bracket_dots(match[0]), text)
    return _DOMAIN.sub(lambda match: _bracket_dots(match[0]), text)


def defang_urls(text: str, /) -> str:
    """Do as `defang`, but only to what has a scheme: for paths, where `1.2.3.4` may be a version."""
    return _URL.sub(_defang_url, text) if "://" in text else text


def defang_host(value: str, /) -> str:
    """Defang a value that is known to be an address: a URL, a domain, or an IP address of either version."""
    if "://" in value or "[:]//" in value:
        return defang_urls(value)
    host, slash, path = value.partition("/")
    if host.count(":") > 1:
        host = _BARE_COLON.sub("[:]", host)
    return f"{_bracket_dots(host)}{slash}{path}"


def quoted(text: str, /, *, limit: int) -> str:
    """Return scanned `text` fit to be shown: printable, defanged, at most `limit` characters."""
    return clip(defang(printable(text, limit=limit)), limit)


def _visible(character: str) -> str:
    if character.isprintable() and not _UNSEEN_CHARACTER.match(character):
        return character
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _defang_url(match: re.Match[str]) -> str:
    scheme, host = match[1], _bracket_dots(match[2])
    lower = scheme.lower()
    if lower in ("http", "https"):
        return f"{lower.replace('tt', 'xx')}://{host}"
    if lower in ("hxxp", "hxxps"):
        return f"{scheme}://{host}"
    return f"{_bracket_dots(scheme)}[:]//{host}"  # a host before it may have been taken for part of it


def _bracket_dots(text: str) -> str:
    return _BARE_DOT.sub("[.]", text)
