"""Versions that are the same although they are written in different ways (PEP 440, its appendix's normalisation)."""

from __future__ import annotations

import re
from typing import Final

from pydepgate.regex import regex

_VERSION = regex(
    r"""\s* v? (?:(?P<epoch>[0-9]+)!)? (?P<release>[0-9]+(?:\.[0-9]+)*)
        (?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_number>[0-9]*))?
        (?:-(?P<bare_post>[0-9]+)|(?P<post>[-_.]?(?:post|rev|r)[-_.]?(?P<post_number>[0-9]*)))?
        (?P<dev>[-_.]?dev[-_.]?(?P<dev_number>[0-9]*))?
        (?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))? \s*""",
    re.IGNORECASE | re.VERBOSE,
)
_PRE: Final = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}


def canonical(version: str, /) -> str:
    """Return the one way to write a version, without zeros at the end of its release.

    What is no version by PEP 440 comes back in lower case.
    """
    found = _VERSION.fullmatch(version)
    if found is None:
        return version.strip().lower()
    release = [str(int(part)) for part in found["release"].split(".")]
    while len(release) > 1 and release[-1] == "0":
        release.pop()
    text = ".".join(release)
    if found["epoch"] is not None and int(found["epoch"]):
        text = f"{int(found['epoch'])}!{text}"
    if found["pre"] is not None:
        pre = found["pre"].lower()
        text += f"{_PRE.get(pre, pre)}{int(found['pre_number'] or 0)}"
    if found["bare_post"] is not None or found["post"] is not None:
        text += f".post{int(found['bare_post'] or found['post_number'] or 0)}"
    if found["dev"] is not None:
        text += f".dev{int(found['dev_number'] or 0)}"
    return f"{text}+{_local(found['local'])}" if found["local"] else text


def public(version: str, /) -> str:
    """Return a version that `canonical` gave without its local part (`+cu121`)."""
    return version.partition("+")[0]


def _local(text: str) -> str:
    parts = re.split(r"[-_.]", text.lower())
    return ".".join(str(int(part)) if part.isdigit() else part for part in parts)
