"""uv under the guard: its settings and arguments, so that all it asks for comes through the local index.

Options in arguments beat the environment, which beats configuration files. One `UV_CONFIG_FILE` stands in for all of
those, that of the project too (found by trial with uv 0.13), so the guard writes one that holds the same settings and
its own indexes. What uv would write an index's address into (`uv.lock`, receipts of tools) is not allowed to name the
guard's, so such commands are refused, or run from a lock that is there (`uv_locked`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydepgate.guard.asked import Asked, RefusedCommand
from pydepgate.guard.clients_pip import TIMEOUT
from pydepgate.guard.model import Upstream
from pydepgate.guard.requirements import Files
from pydepgate.guard.toml_text import toml_text
from pydepgate.guard.uv_config import configured_indexes, without_indexes
from pydepgate.guard.uv_words import UvWords
from pydepgate.guard.words import Word

INDEX_OPTIONS: Mapping[str, str] = {
    "-i": "--index-url",
    "--index-url": "--index-url",
    "--index": "--index",
    "--default-index": "--default-index",
    "--extra-index-url": "--extra-index-url",
    "-f": "--find-links",
    "--find-links": "--find-links",
    "--no-index": "--no-index",
    "--config-file": "--config-file",
    "--no-config": "--no-config",
    "--allow-insecure-host": "--allow-insecure-host",
    "--trusted-host": "--allow-insecure-host",
}
_DROPPED = frozenset(("--cache-dir", "--keyring-provider", "--no-cache", "-n", "--refresh"))
_FILES = frozenset(
    (
        *("-r", "--requirement", "--requirements", "-c", "--constraint", "--constraints", "--override", "--overrides"),
        *("--excludes", "--build-constraint", "--build-constraints", "--with-requirements"),
    )
)
_REQUIREMENTS = frozenset(("-e", "--editable", "--with", "-w", "--with-editable", "--from", "--with-executables-from"))
_WITH = frozenset(("-w", "--with", "--with-editable", "--with-executables-from"))
_NAMED_BY_WORDS = frozenset((("pip", "install"), ("build",)))
_FILES_BY_WORDS = frozenset((("pip", "sync"), ("pip", "compile")))

_OWN_VARIABLES = frozenset(
    (
        *("UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_NO_INDEX", "UV_NO_CONFIG", "UV_CONFIG_FILE"),
        *("UV_CACHE_DIR", "UV_NO_CACHE", "UV_INSECURE_HOST", "UV_KEYRING_PROVIDER", "UV_HTTP_TIMEOUT"),
        *("UV_REQUEST_TIMEOUT", "UV_HTTP_PROXY", "UV_HTTPS_PROXY", "UV_NO_PROXY"),
    )
)
_FILE_VARIABLES = ("UV_CONSTRAINT", "UV_BUILD_CONSTRAINT", "UV_OVERRIDE", "UV_EXCLUDE")


def read_uv_words(words: UvWords, asked: Asked, files: Files, /) -> UvWords:
    """Return uv's arguments without what would go around the guard; `asked` gets what they ask for.

    Raises RefusedCommand.
    """
    _refuse(words)
    before = [each for word in words.before for each in _option(word, asked, files, words.command)]
    after = [each for word in words.after for each in _option(word, asked, files, words.command)]
    rest = words.rest
    if words.command == ("tool", "run") and rest and not words.has("--from"):
        name = rest[1] if rest[0] == "--" and len(rest) > 1 else rest[0]
        new = asked.requirement(name)
        rest = tuple(new if piece == name and new is not None else piece for piece in rest)
    if words.command == ("pip", "compile") and asked.rewritten:
        raise RefusedCommand(
            "'uv pip compile' would name rewritten copies in its output: give options of indexes in the command, "
            "not in requirements files"
        )
    return replace(words, before=tuple(before), after=tuple(after), rest=rest)


def uv_environment(
    environment: Mapping[str, str],
    upstreams: Sequence[Upstream],
    /,
    *,
    index: Callable[[str], str],
    settings: Mapping[str, object],
    files: Files,
) -> dict[str, str]:
    """Return the variables that uv is to have, and write the configuration file that they name.

    `settings`: what its configuration says. `index`: the local address of an upstream. Raises RefusedCommand, OSError.
    """
    if environment.get("UV_TORCH_BACKEND"):
        raise RefusedCommand("UV_TORCH_BACKEND makes uv ask an index of its own: set UV_INDEX to that index instead")
    kept = {name: value for name, value in environment.items() if name.startswith("UV_") and not _is_own(name)}
    kept |= uv_files(kept, files)
    scratch = files.asked.scratch
    scratch.mkdir(parents=True, exist_ok=True)
    explicit = _explicit(settings, upstreams)
    configuration = without_indexes(settings)
    if explicit:
        configuration["index"] = [
            {"name": name, "url": f"{index(upstream.name)}/", "explicit": True} for name, upstream in explicit.items()
        ]
    elsewhere = {upstream.name for upstream in explicit.values()}
    named = {entry.get("name") for entry in configured_indexes(settings)}
    addresses = [
        f"{f'{each.name}=' if each.name in named else ''}{index(each.name)}/"
        for each in upstreams
        if not each.flat and each.name not in elsewhere
    ]
    links = [f"{index(each.name)}/" for each in upstreams if each.flat]
    kept |= {"UV_CONFIG_FILE": str(scratch / "uv.toml"), "UV_CACHE_DIR": str(scratch / "uv-cache")}
    kept |= {"UV_HTTP_TIMEOUT": TIMEOUT, "UV_KEYRING_PROVIDER": "disabled"}
    if addresses:
        kept["UV_DEFAULT_INDEX"] = addresses[-1]
    else:
        configuration["no-index"] = True  # there is no variable for it
    if addresses[:-1]:
        kept["UV_INDEX"] = " ".join(addresses[:-1])
    if links:
        kept["UV_FIND_LINKS"] = ",".join(links)
    (scratch / "uv.toml").write_text(toml_text(configuration), encoding="utf-8")
    if "UV_LINK_MODE" not in kept and scratch.stat().st_dev != files.asked.folder.stat().st_dev:
        kept["UV_LINK_MODE"] = "copy"  # what uv falls back to, with a warning
    return kept


def uv_files(variables: Mapping[str, str], files: Files, /) -> dict[str, str]:
    """Return those of uv's variables that name files, with rewritten copies where that is needed."""
    return {
        name: " ".join(files.use(each) for each in variables[name].split())
        for name in _FILE_VARIABLES
        if variables.get(name)
    }


def _option(word: Word, asked: Asked, files: Files, command: tuple[str, ...]) -> list[Word]:
    if word.option == "--torch-backend":
        raise RefusedCommand("--torch-backend asks an index of its own: give --index with its address instead")
    if (name := INDEX_OPTIONS.get(word.option)) is not None:
        asked.index_option(name, word.value)
        return [word.dropped()]
    if word.option in _DROPPED:
        return [word.dropped()]
    if word.option in _FILES and word.value is not None:
        return [word.with_value(files.use(word.value))]
    if word.option in _REQUIREMENTS and word.value is not None:
        pieces = word.value.split(",") if word.option in _WITH else [word.value]
        if word.option not in _WITH or all(map(str.strip, pieces)):
            editable = word.option in ("-e", "--editable", "--with-editable")
            changed = [asked.requirement(piece, editable=editable) or piece for piece in pieces]
            return [word if changed == pieces else word.with_value(",".join(changed))]
    if not word.option and word.value is not None and word.value not in command:
        if command in _NAMED_BY_WORDS:
            new = asked.requirement(word.value)
            return [word if new is None else word.with_value(new)]
        if command in _FILES_BY_WORDS:
            return [word.with_value(files.use(word.value))]
    return [word]


def _refuse(words: UvWords) -> None:
    command = " ".join(("uv", *words.command))
    if words.has("--emit-index-url", "--emit-index-annotation", "--emit-find-links"):
        raise RefusedCommand("the output would name the guard's own index: leave --emit-... options out")
    if words.command == ("pip", "compile"):
        outputs = words.values("-o", "--output-file")
        if "pylock.toml" in words.values("--format") or any(Path(name).suffix == ".toml" for name in outputs):
            raise RefusedCommand("pylock.toml would name the guard's own index: compile into requirements.txt")
    if words.command in (("tool", "install"), ("tool", "upgrade")):
        raise RefusedCommand(
            f"{command!r} writes the address of its index into a receipt, which must not name the guard; "
            "use 'pydepgate guard uvx ...' or 'pydepgate guard pipx install ...'"
        )
    if words.command in (("add",), ("remove",), ("lock",), ("upgrade",)) and not words.has("--frozen"):
        how = "uv lock --no-build"
        if words.command in (("add",), ("remove",)):
            how = f"{command} --frozen ..., then {how}"
        raise RefusedCommand(
            f"{command!r} writes the address of its index into uv.lock, which must not name the guard; "
            f"run without it: {how}; then 'pydepgate guard uv sync' scans what is locked before it is installed"
        )


def _explicit(settings: Mapping[str, object], upstreams: Sequence[Upstream]) -> dict[str, Upstream]:
    """The indexes that are only for packages pinned to them, by their names."""
    found: dict[str, Upstream] = {}
    for entry in configured_indexes(settings):
        name = entry.get("name")
        if entry.get("explicit") is True and isinstance(name, str):
            match = next((each for each in upstreams if each.name == name), None)
            if match is not None:
                found[name] = match
    return found


def _is_own(name: str) -> bool:
    return name in _OWN_VARIABLES or (name.startswith("UV_INDEX") and name != "UV_INDEX_STRATEGY")


def project_folder(words: UvWords, folder: Path, environment: Mapping[str, str], /) -> Path:
    """Return the folder where uv starts to look for a project."""
    here = folder
    for name in words.values("--directory")[-1:] or [environment.get("UV_WORKING_DIR", "")]:
        here = here / name
    project = (words.values("--project") or [environment.get("UV_PROJECT", "")])[-1]
    return Path(os.path.abspath(here / project))  # noqa: PTH100  links stay as they are
