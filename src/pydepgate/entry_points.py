"""Entry points as metadata writes them."""

from __future__ import annotations

from collections.abc import Iterator


def ini_entries(text: str, /) -> Iterator[tuple[str, str]]:
    """Yield group and target of every entry point in the text of an `entry_points.txt`."""
    import configparser  # most packages have no entry points

    parser = configparser.RawConfigParser(delimiters=("=",), strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    for section in parser.sections():
        for _, value in parser.items(section):
            yield section, target_of(value)


def target_of(value: str, /) -> str:
    """Return `module:function` of an entry point's value, without its extras."""
    return value.partition("[")[0].strip().replace(" ", "")
