from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pydepgate.report.escape import (
    clip,
    defang,
    defang_host,
    defang_urls,
    printable,
    quoted,
    without_surrogates,
)
from tests.report.strategies import strings


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain/path.py", "plain/path.py"),
        ("naïve 名前 пакет", "naïve 名前 пакет"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x00\x7f\x9b", r"\x00\x7f\x9b"),
        ("cod\u202egp.exe", r"cod\u202egp.exe"),
        ("\u2066x\u2069", r"\u2066x\u2069"),
        ("a\u200bb\ufeffc", r"a\u200bb\ufeffc"),
        ("a\u2028b\u2029c\u0085d", r"a\u2028b\u2029c\x85d"),
        ("name\udcff", r"name\udcff"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("hidden\ufe01\U000e0101", r"hidden\ufe01\U000e0101"),
        ("fill\u3164er\u2800", r"fill\u3164er\u2800"),
        ("no-break\xa0space", r"no-break\xa0space"),
    ],
)
def test_printable_shows_what_a_terminal_would_obey_or_hide(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(strings, st.integers(0, 40))
def test_printable_is_one_bounded_line_that_can_be_encoded(text: str, limit: int) -> None:
    shown = printable(text, limit=limit)
    assert shown.isprintable()
    assert len(shown) <= limit
    shown.encode()
    assert printable(printable(text)) == printable(text)


def test_printable_keeps_both_ends_of_a_long_text() -> None:
    shown = printable("first/" + "x" * 10_000_000 + "/last.py", limit=40)
    assert shown.startswith("first/xxx")
    assert shown.endswith("xx/last.py")
    assert len(shown) == 40


@given(st.text(), st.integers(0, 30))
def test_clip_never_exceeds_its_limit(text: str, limit: int) -> None:
    clipped = clip(text, limit)
    assert len(clipped) <= limit
    assert clipped == text or "…" in clipped or limit == 0


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("get http://example.com/a.b", "get hxxp://example[.]com/a.b"),
        ("HTTPS://Example.COM", "hxxps://Example[.]COM"),
        ("http://a.io;https://evil.io/b", "hxxp://a[.]io;hxxps://evil[.]io/b"),
        ("ftp://files.example.net", "ftp[:]//files[.]example[.]net"),
        ("https://user:pw@203.0.113.9:8443/x", "hxxps://user:pw@203[.]0[.]113[.]9:8443/x"),
        ("at 1.2.3.4.", "at 1[.]2[.]3[.]4."),
        ("connect(('198.51.100.1', 80))", "connect(('198[.]51[.]100[.]1', 80))"),
        ("relay.evil.com:443", "relay[.]evil[.]com:443"),
        ("a@mail.ru", "a@mail[.]ru"),
        ("requests.post(url)", "requests.post(url)"),
        ("asyncio.run(main())", "asyncio.run(main())"),
        ("logging.info(text)", "logging.info(text)"),
        ("xml.etree.ElementTree", "xml.etree.ElementTree"),
        ("proxy_server.py", "proxy_server.py"),
        ("version 1.82.8", "version 1.82.8"),
        ("OID 1.2.3.4.5", "OID 1.2.3.4.5"),
    ],
)
def test_defang_breaks_addresses_and_leaves_code(text: str, shown: str) -> None:
    assert defang(text) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("relay.example", "relay[.]example"),
        ("pastebin.com/raw/x.py", "pastebin[.]com/raw/x.py"),
        ("https://a.example/x.y", "hxxps://a[.]example/x.y"),
        ("2001:db8::1", "2001[:]db8[:][:]1"),
        ("host.example:80", "host[.]example:80"),
    ],
)
def test_defang_host_breaks_what_is_known_to_be_an_address(value: str, shown: str) -> None:
    assert defang_host(value) == shown
    assert defang_host(shown) == shown


@given(strings)
def test_defang_leaves_no_live_link_and_is_stable(text: str) -> None:
    shown = defang(text)
    assert not re.search(r"https?://", shown, re.IGNORECASE)
    assert defang(shown) == shown
    assert not re.search(r"https?://", defang_urls(text), re.IGNORECASE)


@given(strings, st.integers(1, 60))
def test_quoted_is_printable_bounded_and_without_live_links(text: str, limit: int) -> None:
    shown = quoted(text, limit=limit)
    assert shown.isprintable()
    assert len(shown) <= limit
    assert not re.search(r"https?://", shown, re.IGNORECASE)


@given(strings)
def test_without_surrogates_has_a_utf8_form_and_changes_nothing_else(text: str) -> None:
    shown = without_surrogates(text)
    shown.encode("utf-8")
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert shown == text


def test_defang_takes_linear_time_on_long_dotted_names() -> None:
    # Quadratic matching would take minutes here.
    assert defang("a." * 200_000 + "!") == "a." * 200_000 + "!"
    assert defang("1." * 200_000).count("1") == 200_000


@given(
    st.lists(st.sampled_from(["http://", "HTTPS://", "hxxp://", "ftp://", "a", ";", ":", "/", ".", "…", "\x1b", "é"]))
)
@example(["http://", "a", ".", "http://"])
def test_no_link_stays_alive(pieces: list[str]) -> None:
    text = "".join(pieces)
    for shown in (defang(text), defang_urls(text), quoted(text, limit=20)):
        assert not re.search("https?://", shown, re.IGNORECASE)
        assert defang(defang(text)) == defang(text)
