"""What a package is made of: whether there is code at all, how much, and what stands beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Final

from pydepgate.metadata import Metadata
from pydepgate.model import ArtifactInfo, FileFacts, Runs, Signal
from pydepgate.regex import regex

SIGNALS: Final = {
    "package.no-code": "the package holds no code beside its setup script",
    "package.only-dependency": "the package holds no code and only depends on others",
    "package.only-setup": "the setup script is the only code of the package",
    "package.tiny": "the package has a few lines of code",
    "package.small": "the package has a page or two of code",
    "package.large": "the package has thousands of lines of code",
    "package.single-file": "all code of the package stands in one file",
    "package.setup-has-command": "the setup script has commands of its own, which the installer runs",
    "package.no-readme": "there is no README, and no description",
    "package.no-tests": "a source distribution has no tests",
    "package.no-project-files": "a source distribution holds nothing but its code and what building it makes",
    "hook.missing-script": "code that runs at installation or import starts a Python file that is not there",
    "hook.missing-file": "code that runs at installation or import starts a file of the package that is not there",
    "archive.foreign-layout": "the archive is laid out as another kind than it is named",
}

_TINY: Final = 40
"""Lines of code below which a package does little more than one thing."""
_SMALL: Final = 200
_LARGE: Final = 3_000
"""Lines of code from which a package has a weak sign of most kinds somewhere, so that many of them say nothing."""

_CODE_SUFFIXES: Final = frozenset(
    ".pyi .so .pyd .dll .dylib .pyx .pxd .c .cc .cpp .cxx .h .hpp .rs .f .f90 .pyc".split()
)
_BUILD_FILES: Final = frozenset("setup.py setup.cfg pyproject.toml PKG-INFO METADATA conftest.py noxfile.py".split())
_NOT_PACKAGE: Final = frozenset(
    "test tests testing doc docs example examples benchmark benchmarks bench demo demos samples".split()
)
_BUILT: Final = regex(r"(?:^|/)[^/]+\.(?:egg-info|dist-info)/")
_STARTED: Final = regex(
    r"(?:^[\w.()]+: (?:\? |sys\.executable )?|\b(?:python[\d.]*|pythonw|bash|sh|start|node|cscript|wscript|/c)\s+"
    r"|(?:&&|;|&)\s*)"
    r"[\"']?((?:\?/|\./|\.\\)?(?:[\w-]+/)*[\w-]+\.(?:pyw?|sh|exe|bat|cmd|ps1|vbs|js|jar|pl))(?![\w./\\-])"
)
"""A file without a folder of its own, at a place where a command is started."""
_SYSTEM_FILES: Final = frozenset(
    """cmd powershell pwsh python pythonw python3 pip git cl link rc mt vswhere explorer reg sc schtasks taskkill
    wmic""".split()
)
_MAX_STARTS: Final = 50


def contents_signals(
    info: ArtifactInfo,
    files: Sequence[FileFacts],
    metadata: Metadata,
    seen: Sequence[tuple[Signal, Runs]],
    base: str,
    /,
    *,
    file_name: str = "",
) -> Iterator[Signal]:
    """Yield what the members of an archive are, all together; `seen` are the signals of the files."""
    own = [facts for facts in files if "!/" not in facts.path]
    code = [facts for facts in own if facts.kind == "python" and _is_package_code(facts.path.removeprefix(base))]
    written = [facts for facts in code if facts.code_lines]
    other = any(PurePosixPath(facts.path).suffix.lower() in _CODE_SUFFIXES for facts in own)
    setup = next((facts for facts in own if facts.path == f"{base}setup.py" and facts.code_lines), None)
    yield from (
        _signal("package.setup-has-command", facts.path) for facts in own if facts.links.hooks and facts is setup
    )
    lines = sum(facts.code_lines for facts in written)
    if not written and not other:
        yield _signal("package.no-code", base)
        if metadata.all("requires-dist"):
            yield _signal(
                "package.only-dependency", base, *(f"depends on {n}" for n in metadata.all("requires-dist")[:3])
            )
        if setup is not None:
            yield _signal("package.only-setup", setup.path)
    if lines >= _LARGE:
        yield _signal("package.large", base, f"{lines} lines of code")
    if written and not other:
        if lines < _SMALL:
            yield _signal("package.tiny" if lines < _TINY else "package.small", base, f"{lines} lines of code")
        if len(written) == 1:
            yield _signal("package.single-file", written[0].path, f"{written[0].path} is the only module")
    yield from _beside(info, own, metadata, base)
    yield from _missing(own, seen)
    yield from _layout(info, own, base, file_name)


def _signal(name: str, file: str, *evidence: str) -> Signal:
    return Signal(name, file.rstrip("/"), 1, 1, evidence=tuple(piece[:160] for piece in evidence))


def _is_package_code(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return not (_NOT_PACKAGE & set(map(str.lower, parts[:-1])) or (len(parts) == 1 and parts[0] in _BUILD_FILES))


def _beside(info: ArtifactInfo, own: Sequence[FileFacts], metadata: Metadata, base: str) -> Iterator[Signal]:
    names = [facts.path.removeprefix(base) for facts in own]
    readme = any(PurePosixPath(name).name.lower().startswith("readme") for name in names)
    if not readme and not metadata.all("description"):
        yield _signal("package.no-readme", base)
    if info.kind in ("wheel", "egg", "installed"):
        return
    if not any("test" in part.lower() for name in names for part in PurePosixPath(name).parts):
        yield _signal("package.no-tests", base)
    kept = [name for name in names if not name.endswith((".py", ".pyi")) and not _BUILT.search(name)]
    if all(PurePosixPath(name).name in _BUILD_FILES for name in kept):
        yield _signal("package.no-project-files", base)


def _missing(own: Sequence[FileFacts], seen: Sequence[tuple[Signal, Runs]]) -> Iterator[Signal]:
    names = {PurePosixPath(facts.path).name for facts in own}
    starts = [signal for signal, runs in seen if signal.name == "process.start" and runs.rank <= Runs.IMPORT.rank]
    for signal in starts[:_MAX_STARTS]:
        for match in _STARTED.finditer(" ".join(signal.evidence)):
            started = PurePosixPath(match[1])
            if started.name not in names and started.stem.lower() not in _SYSTEM_FILES and started.name != "setup.py":
                text = f"starts {match[1]}, which the package does not hold"
                name = "hook.missing-script" if started.suffix in (".py", ".pyw") else "hook.missing-file"
                yield Signal(name, signal.file, signal.line, signal.column, evidence=(text,))


def _layout(info: ArtifactInfo, own: Sequence[FileFacts], base: str, file_name: str) -> Iterator[Signal]:
    lower = file_name.lower()
    built = any(_WHEEL_FILE.match(facts.path) for facts in own)
    setup = any(facts.path in (f"{base}setup.py", f"{base}PKG-INFO") for facts in own)
    no_sdist = info.kind in ("wheel", "zip", "egg") or (built and not setup)
    if (lower.endswith((".tar.gz", ".tgz")) and no_sdist) or (lower.endswith(".whl") and not built):
        yield _signal("archive.foreign-layout", "", f"{file_name} is laid out as a {info.kind}")


_WHEEL_FILE: Final = regex(r"(?:[^/]+/)?[^/]+\.dist-info/(?:METADATA|WHEEL)")
