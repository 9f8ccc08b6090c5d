"""What the metadata shows: a borrowed identity, none at all, odd versions, dependencies from elsewhere.

None of it is bad by itself, and much of honest software is described poorly too. An installer reads the metadata before
any of the code, so it counts as seen at installation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pydepgate.detect.names import Likeness, is_gibberish, is_trial, likeness, normalised, popularity
from pydepgate.metadata import Metadata
from pydepgate.model import ArtifactInfo, Signal
from pydepgate.regex import regex

SIGNALS: Final = {
    "name.typo": "the name is a slip of the finger or of the eye away from that of a much used project",
    "name.similar": "the name is like that of a popular project",
    "name.affixed": "the name is that of a popular project with a word, a letter or a number put to it",
    "name.builds-on": "the name has that of a much used project as one of its words",
    "name.random": "the name is made of letters that no language puts together",
    "name.trial": "the name says that the package is a test, a placeholder or an attack",
    "metadata.none": "there is no metadata at all",
    "metadata.claims-other": "the home page or repository is that of another, popular project",
    "metadata.sample": "the metadata is that of a tutorial's sample project",
    "metadata.empty": "the metadata has neither summary nor description, home page, nor author",
    "metadata.no-summary": "the metadata has no summary",
    "metadata.short-summary": "the summary is a word or two",
    "metadata.no-description": "the metadata has no description",
    "metadata.short-description": "the description is shorter than a sentence",
    "metadata.no-links": "the metadata names no web page",
    "metadata.placeholder-link": "the home page is that of an example, or of a site as a whole",
    "metadata.no-license": "the metadata names no licence",
    "metadata.no-classifiers": "the metadata has no classifiers",
    "metadata.few-classifiers": "the metadata has the three classifiers of a tutorial at most",
    "metadata.no-author": "the metadata names no author",
    "metadata.no-email": "the metadata has no address of an author",
    "metadata.throwaway-author": "the author's name or address is one that nobody has",
    "metadata.free-mail": "the author's address is one of a free mail service",
    "metadata.confession": "the metadata says that the package is an attack, or a test of one",
    "metadata.version-high": "the version is as high as one is made that shall win over any other",
    "metadata.version-zero": "the version is one of a first try",
    "metadata.version-first": "the version is the first one that is not a try",
    "metadata.direct-url": "a dependency comes from an address, not from an index",
    "metadata.depends-on-typo": "the name of a dependency is a slip away from that of a much used project",
    "metadata.depends-on-itself": "the package asks for a package of its own name",
    "metadata.mismatch": "the file, the metadata and the folder give different names",
}

_KIND_OF_LIKENESS: Final = {"affix": "name.affixed", "word": "name.builds-on"}

_SAMPLE: Final = regex(
    r"(?i)\bexample author\b|\ba small example package\b|\bauthor@example\.com\b|pypa/sampleproject|\byour[ ._]name\b"
    r"|\bexample_package_\w|\bA sample Python project\b|\byou@(?:example|mail|gmail)\.com\b"
    r"|\bmy first (?:python )?package"
    r"|\byour(?:username|name|repo|github)\b|your\.?e?-?mail@|github\.com/(?:user|username|user_?name|me|yourusername)/"
)
"""Texts of the PyPA's packaging tutorial and sample project, and of templates that nobody filled in."""

_CONFESSION: Final = regex(
    r"(?i)dependency[ -]confusion|proof[ -]of[ -]concept|\bbug ?bount|\bhackerone\b|\bbugcrowd\b|\bintigriti\b"
    r"|\byeswehack\b|security (?:research|test)|penetration test|\bpen-?test|\b(?:this is|is a) malware\b"
    r"|do not (?:install|download|use)"
    r"|\bmalicious\b"
    r"|\bfor educational purposes\b|\btyposquat|\bsupply[ -]chain (?:attack|test|poc)|\bhacked\b|\bpwned\b"
    r"|\btest package\b|\bdummy package\b|\bred ?team|\brce\b|\bpoc\b"
)
_THROWAWAY_NAMES: Final = frozenset(
    """test tests tester testing a aa aaa b c x xx xxx me you user users admin root author name yourname none null
    nobody noone someone anonymous anon unknown hacker dev developer foo bar foobar asd asdf qwe qwerty qwertyuiop
    abc abcd 123
    1234 12345 example sample john doe johndoe john-doe jane-doe temp tmp fake demo security researcher
    security-researcher hello world lol xd""".split()
)
_ROLES: Final = frozenset("admin dev developer hello me root security user users name author".split())
"""Names that an address may well have."""
_FREE_MAIL: Final = frozenset(
    """gmail.com googlemail.com outlook.com hotmail.com live.com yahoo.com proton.me protonmail.com pm.me icloud.com
    gmx.com gmx.de mail.ru yandex.ru yandex.com bk.ru inbox.ru list.ru qq.com 163.com 126.com mail.com aol.com
    tutanota.com tuta.io tutamail.com zoho.com duck.com foxmail.com web.de rambler.ru cock.li""".split()
)
_THROWAWAY_MAIL: Final = frozenset(
    """mailinator.com guerrillamail.com 10minutemail.com tempmail.com temp-mail.org yopmail.com example.com example.org
    test.com test.test email.com domain.com fake.com a.com aa.com asd.com abc.com none.com nomail.com sharklasers.com
    wearehackerone.com bugcrowdninja.com intigriti.me yeswehack.ninja localhost example.net""".split()
)
"""Domains of addresses that last for minutes, that nobody has, or that bug bounty platforms lend."""

_REPOSITORY: Final = regex(
    r"(?i)(?:github\.com|gitlab\.com|bitbucket\.org|codeberg\.org|pypi\.org/project|(?P<docs>[\w-]+)\.readthedocs\.\w+)"
    r"(?:/(?P<owner>[\w.-]+))?(?:/(?P<name>[\w.-]+))?"
)
_CLAIMED_TOP: Final = 2_000
_PLACEHOLDER_LINK: Final = regex(
    r"(?i)^(?:https?:?/*)?(?:www\.)?(?:(?:github|google|gitlab|pypi|python|test|example|youtube|discord)\.(?:com|org|gg|net)"
    r"(?:/(?:user|username|test|example|me)?/?[\w-]{0,3})?/?|localhost.*|example|test|none|#|)$"
)
_URL: Final = regex(r"@\s*(?:git\+|hg\+|svn\+|bzr\+|https?:|ftp:|file:)|^(?:git\+|https?://|ftp://)", re.I)
_REQUIREMENT: Final = regex(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_RELEASE: Final = regex(r"v?(?:\d+!)?(\d+(?:\.\d+)*)", re.I)

MIN_HIGH: Final = 99
"""First number of a version from which it is chosen to be the highest (dependency confusion, Birsan 2021)."""
_YEARS: Final = range(1990, 2100)
_MAX_SHORT: Final = 60
"""Characters of a description below which it describes nothing."""
_DEPENDENCY_TOP: Final = 400
_MAX_REQUIREMENTS: Final = 60


def metadata_signals(info: ArtifactInfo, metadata: Metadata, file_name: str, /) -> Iterator[Signal]:
    """Yield what the metadata and the name show; `file_name` is that of the artifact, empty if it is a folder."""
    name = metadata.first("name") or info.name
    version = metadata.first("version") or info.version
    if not metadata.fields:
        yield _signal("metadata.none", metadata)
    if name:
        yield from _of_name(name, metadata)
        yield from _claims(name, metadata)
        yield from _mismatch(name, file_name, metadata)
    yield from _of_version(version, metadata)
    yield from _of_dependencies(name, metadata)
    if metadata.fields:
        yield from _of_texts(metadata)
        yield from _of_author(metadata)


def _signal(name: str, metadata: Metadata, *evidence: str) -> Signal:
    return Signal(name, metadata.file, 1, 1, evidence=tuple(piece[:160] for piece in evidence))


def _of_name(name: str, metadata: Metadata) -> Iterator[Signal]:
    like = likeness(name)
    if like is not None:
        kind = "name.typo" if like.is_typo else _KIND_OF_LIKENESS.get(like.how, "name.similar")
        yield _signal(kind, metadata, _like(name, like))
    if is_gibberish(name):
        yield _signal("name.random", metadata, f"named {name}")
    if is_trial(name):
        yield _signal("name.trial", metadata, f"named {name}")


def _like(name: str, like: Likeness) -> str:
    return f"{name} is like {like.target}, the {like.rank + 1}. most downloaded project"


def _claims(name: str, metadata: Metadata) -> Iterator[Signal]:
    """A name that holds the other, or is known itself, may have its reasons: plug-ins, renamed and split projects."""
    own = normalised(name)
    if popularity(own) is not None:
        return
    for link in _links(metadata):
        match = _REPOSITORY.search(link)
        if match is None:
            continue
        claimed = normalised((match["docs"] or match["name"] or match["owner"] or "").removesuffix(".git"))
        rank = popularity(claimed)
        if rank is not None and rank < _CLAIMED_TOP and len(claimed) > 3 and claimed not in own and own not in claimed:
            yield _signal("metadata.claims-other", metadata, f"{name} names {link} as its own")
            return


def _links(metadata: Metadata) -> list[str]:
    values = metadata.all("home-page", "project-url", "download-url")
    return [value.rpartition(",")[2].strip() if "," in value else value for value in values]


def _mismatch(name: str, file_name: str, metadata: Metadata) -> Iterator[Signal]:
    named = re.match(
        r"(.+?)-\d[^-]*(?:-.*)?$" if file_name.endswith(".whl") else r"(.+)-\d[^-]*(?:-py\d.*)?$", file_name
    )
    if named is not None and normalised(named[1]) != normalised(name):
        yield _signal("metadata.mismatch", metadata, f"the file is named {file_name}, its metadata names {name}")


def _of_version(version: str, metadata: Metadata) -> Iterator[Signal]:
    match = _RELEASE.match(version)
    if match is None:
        return
    numbers = [int(part[:9]) for part in match[1].split(".")]
    digits = set(match[1].replace(".", ""))
    dated = numbers[0] in _YEARS or len(str(numbers[0])) == 8
    high = numbers[0] >= MIN_HIGH and not dated
    if high or (digits == {"9"} and len(numbers) > 1):
        yield _signal("metadata.version-high", metadata, f"version {version}")
    first = [*numbers, 0, 0, 0][:3]
    if first[0] == 0 and first[1] <= 1:
        yield _signal("metadata.version-zero", metadata, f"version {version}")
    elif first in ([1, 0, 0], [1, 0, 1]):
        yield _signal("metadata.version-first", metadata, f"version {version}")


def _of_dependencies(name: str, metadata: Metadata) -> Iterator[Signal]:
    requirements = metadata.all("requires-dist", "requires-setup")[:_MAX_REQUIREMENTS]
    direct = [each for each in requirements if _URL.search(each.partition(";")[0])]
    direct += metadata.all("dependency-link")
    if direct:
        yield _signal("metadata.direct-url", metadata, *(f"depends on {each}" for each in direct[:4]))
    for requirement in requirements:
        match = _REQUIREMENT.match(requirement)
        if match is None:
            continue
        if name and normalised(match[1]) == normalised(name) and "extra" not in requirement and "[" not in requirement:
            yield _signal("metadata.depends-on-itself", metadata, f"depends on {match[1]}")
        like = likeness(match[1])
        if like is not None and like.is_typo and like.rank < _DEPENDENCY_TOP:
            yield _signal("metadata.depends-on-typo", metadata, f"depends on {_like(match[1], like)}")


def _of_texts(metadata: Metadata) -> Iterator[Signal]:
    summary = metadata.first("summary")
    description = metadata.first("description")
    links = _links(metadata)
    people = metadata.all("author", "author-email", "maintainer", "maintainer-email")
    texts = (summary, description[:1000], *links, *people)
    if (sample := next((match for text in texts if (match := _SAMPLE.search(text))), None)) is not None:
        yield _signal("metadata.sample", metadata, f"says {sample[0]!r}")
    texts = (metadata.first("name"), summary, description[:300], *people, metadata.first("keywords"))
    if (said := next((match for text in texts if (match := _CONFESSION.search(text))), None)) is not None:
        yield _signal("metadata.confession", metadata, f"says {said[0]!r}")
    if not (summary or description or links or people):
        yield _signal("metadata.empty", metadata)
    if not summary:
        yield _signal("metadata.no-summary", metadata)
    elif len(summary.split()) < 3:
        yield _signal("metadata.short-summary", metadata, f"summary {summary!r}")
    if not description:
        yield _signal("metadata.no-description", metadata)
    elif len(description) < _MAX_SHORT and "\n" not in description.strip():
        yield _signal("metadata.short-description", metadata, f"description {description!r}")
    if not links:
        yield _signal("metadata.no-links", metadata)
    elif all(_PLACEHOLDER_LINK.match(link) for link in links):
        yield _signal("metadata.placeholder-link", metadata, *links[:2])
    classifiers = metadata.all("classifier")
    if not (metadata.all("license", "license-expression", "license-file") or "License ::" in "".join(classifiers)):
        yield _signal("metadata.no-license", metadata)
    if not classifiers:
        yield _signal("metadata.no-classifiers", metadata)
    elif len(classifiers) <= 3:
        yield _signal("metadata.few-classifiers", metadata)


def _of_author(metadata: Metadata) -> Iterator[Signal]:
    addresses = re.findall(r"[\w.+-]+@[\w.-]+", " ".join(metadata.all("author-email", "maintainer-email")))
    names = metadata.all("author", "maintainer")
    names += [value.partition("<")[0].strip(" \"'") for value in metadata.all("author-email") if "<" in value]
    names = [name for name in names if name]
    if not names and not addresses:
        yield _signal("metadata.no-author", metadata)
    if not addresses:
        yield _signal("metadata.no-email", metadata)
    odd = [name for name in names if _is_throwaway(name)]
    odd += [address for address in addresses if _is_throwaway_address(address)]
    if odd:
        yield _signal("metadata.throwaway-author", metadata, *(f"author {each}" for each in odd[:3]))
    if addresses and all(address.rpartition("@")[2].lower() in _FREE_MAIL for address in addresses):
        yield _signal("metadata.free-mail", metadata, f"author {addresses[0]}")


def _is_throwaway(name: str) -> bool:
    plain = re.sub(r"[\W_]+", "-", name.lower()).strip("-")
    return len(plain) < 3 or plain in _THROWAWAY_NAMES or (" " not in name.strip() and is_gibberish(plain))


def _is_throwaway_address(address: str) -> bool:
    local, _, domain = address.lower().rpartition("@")
    return (
        domain in _THROWAWAY_MAIL
        or (local in _THROWAWAY_NAMES and local not in _ROLES)
        or bool(re.search(r"\d{6,}|^\d+$", local) and domain != "qq.com")
        or is_gibberish(local)
    )
