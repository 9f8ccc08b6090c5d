"""pip under the guard: its settings and arguments, so that all it asks for comes through the local index.

Options in arguments beat the environment, which beats configuration files (pip's "Configuration"), so arguments are
rewritten, and settings of files are handed on as variables without those that concern indexes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pydepgate.guard.asked import Asked, RefusedCommand
from pydepgate.guard.model import Upstream
from pydepgate.guard.requirements import INDEX_OPTIONS, Files
from pydepgate.guard.words import Grammar, Word, read_words, written

TIMEOUT = "900"
"""Seconds of silence before a client gives up: a scan of a large package may take minutes."""

_VALUED = (
    *("--abi", "--algorithm", "--all-releases", "--build-constraint", "--build-option", "--cache-dir", "--cert"),
    *("--client-cert", "--config-setting", "--config-settings", "--constraint", "--default-timeout", "--dest"),
    *("--destination-dir", "--destination-directory", "--editable", "--editor", "--exclude", "--exists-action"),
    *("--extra-index-url", "--find-links", "--format", "--global-option", "--group", "--implementation", "--index"),
    *("--index-url", "--keyring-provider", "--local-log", "--log", "--log-file", "--no-binary", "--only-binary"),
    *("--only-final", "--output", "--path", "--platform", "--prefix", "--progress-bar", "--proxy", "--pypi-url"),
    *("--python", "--python-version", "--refresh-package", "--report", "--requirement", "--requirements-from-script"),
    *("--resume-retries", "--retries", "--root", "--root-user-action", "--source", "--source-dir"),
    *("--source-directory", "--src", "--target", "--timeout", "--trusted-host", "--upgrade-strategy"),
    *("--uploaded-prior-to", "--use-deprecated", "--use-feature", "--wheel-dir"),
    *("-C", "-a", "-c", "-d", "-e", "-f", "-i", "-o", "-r", "-t", "-w"),
)
GRAMMAR = Grammar(frozenset(_VALUED))
INSTALLING = frozenset(("install", "download", "wheel", "lock"))
"""Commands whose words are requirements."""

_FILES = frozenset(("-r", "--requirement", "-c", "--constraint", "--build-constraint"))
_EDITABLES = frozenset(("-e", "--editable"))
_DROPPED = frozenset(("--cache-dir", "--timeout", "--default-timeout"))
_GUARDED = (*(name for name in INDEX_OPTIONS if name.startswith("--")), *_DROPPED)
_GUARDED += ("--proxy", "--isolated", "--requirement", "--constraint", "--build-constraint", "--editable")
_WHOLE = frozenset((*_VALUED, "--pre", "--no-deps", "--no-input"))

_INDEX_SETTINGS = frozenset(
    (
        *("index_url", "pypi_url", "extra_index_url", "find_links", "no_index", "trusted_host", "proxy", "isolated"),
        *("config_file", "cache_dir", "no_cache_dir", "timeout", "default_timeout", "keyring_provider"),
    )
)


@dataclass(frozen=True, slots=True)
class PipArguments:
    """What became of pip's arguments. `command`: its subcommand. `isolated`: no variables, no user's settings."""

    arguments: tuple[str, ...]
    command: str
    isolated: bool


def read_pip(arguments: Sequence[str], asked: Asked, files: Files, /) -> PipArguments:
    """Return pip's arguments without what would go around the guard; `asked` gets what they ask for.

    Raises RefusedCommand.
    """
    kept: list[Word] = []
    command, isolated, ended = "", False, False
    for word in read_words(arguments, GRAMMAR):
        ended = ended or word.option == "--"
        _refuse_abbreviation(word.option)
        if word.option == "--proxy":
            raise RefusedCommand("--proxy is not supported: set HTTPS_PROXY, and the guard goes through that proxy")
        if word.option == "--requirements-from-script":
            raise RefusedCommand("--requirements-from-script is not supported: write a requirements file")
        if (option := INDEX_OPTIONS.get(word.option)) is not None:
            asked.index_option(option, word.value)
            kept.append(word.dropped())
        elif word.option == "--isolated":
            asked.index_option("--isolated", None)
            isolated = True
        elif word.option in _DROPPED:
            continue
        elif word.option in _FILES and word.value is not None:
            kept.append(_changed(word, files.use(word.value)))
        elif word.option in _EDITABLES and word.value is not None:
            kept.append(_changed(word, asked.requirement(word.value, editable=True)))
        elif not word.option and word.value is not None and not command:
            command = word.value
            kept.append(word)
        elif not word.option and word.value is not None and command in INSTALLING:
            kept.append(_changed(word, asked.requirement(word.value)))
        else:
            kept.append(word)
    return PipArguments(tuple(written(kept)), command, isolated)


def pip_environment(
    environment: Mapping[str, str],
    upstreams: Sequence[Upstream],
    /,
    *,
    index: Callable[[str], str],
    settings: Mapping[str, str],
    files: Files,
    isolated: bool = False,
) -> dict[str, str]:
    """Return the variables that pip is to have, in place of all that `environment` and its own files say.

    `settings`: what its configuration files say, by the names of options. `index`: the local address of an upstream.
    """
    own = {} if isolated else {name: value for name, value in environment.items() if _is_setting(name)}
    stated = {_setting(name) for name in own}
    for option, value in settings.items():
        if (name := option.replace("-", "_").lower()) not in stated:
            own[f"PIP_{name.upper()}"] = value
    kept = {name: value for name, value in own.items() if _setting(name) not in _INDEX_SETTINGS}
    kept |= pip_files(kept, files)
    addresses = [f"{index(each.name)}/" for each in upstreams if not each.flat]
    links = [f"{index(each.name)}/" for each in upstreams if each.flat]
    kept |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    kept |= {"PIP_TIMEOUT": TIMEOUT, "PIP_DEFAULT_TIMEOUT": TIMEOUT}
    if addresses:
        kept["PIP_INDEX_URL"] = addresses[0]
    else:
        kept["PIP_NO_INDEX"] = "1"
    if addresses[1:]:
        kept["PIP_EXTRA_INDEX_URL"] = " ".join(addresses[1:])
    if links:
        kept["PIP_FIND_LINKS"] = " ".join(links)
    return kept


def pip_files(variables: Mapping[str, str], files: Files, /) -> dict[str, str]:
    """Return those of pip's variables that name requirements, with rewritten copies where that is needed."""
    named: dict[str, str] = {}
    for name, value in variables.items():
        if not is_pip_variable(name):
            continue
        if _setting(name) in ("requirement", "constraint", "build_constraint"):
            named[name] = " ".join(files.use(each) for each in value.split())
        elif _setting(name) == "editable":
            named[name] = " ".join(files.asked.requirement(each, editable=True) or each for each in value.split())
    return named


def is_pip_variable(name: str, /) -> bool:
    """Whether pip reads an environment variable."""
    return name.upper().startswith("PIP_")


def _is_setting(name: str) -> bool:
    return is_pip_variable(name) and _setting(name) not in _INDEX_SETTINGS


def _setting(name: str) -> str:
    return name[len("PIP_") :].lower().replace("-", "_")


def _changed(word: Word, value: str | None) -> Word:
    return word if value is None or value == word.value else word.with_value(value)


def _refuse_abbreviation(option: str) -> None:
    """pip takes any beginning of an option that is unambiguous."""
    if len(option) > 3 and option not in _WHOLE and option not in _GUARDED:
        full = next((name for name in _GUARDED if name.startswith(option)), None)
        if full is not None:
            raise RefusedCommand(f"write the option {option!r} in full: {full}")
