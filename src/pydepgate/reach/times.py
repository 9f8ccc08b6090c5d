"""The earliest time at which each function and module level of an artifact runs, along imports, calls and starts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Final

from pydepgate.model import MAIN_ROOT, MODULE_ROOT, ArtifactInfo, FileFacts, Links, Passed, Runs, Signal
from pydepgate.reach.entries import BACKEND_HOOKS, Entries, read_entries
from pydepgate.reach.handed import handed_signals, second_hosts
from pydepgate.reach.layout import Layout, absolute_name, base_of, layout_of, with_parents
from pydepgate.reach.names import Names, Unit
from pydepgate.reach.passed import Passing

_NEVER_FOLDERS: Final = frozenset(
    """test tests testing testsuite test_suite unittest unittests selftest doc docs example examples benchmark
    benchmarks bench demo demos samples""".split()
)
_TOOL_FOLDERS: Final = frozenset(
    """tools tool scripts script ci dev devel devtools build_tools buildscripts packaging pkg tasks util utils misc
    extra extras contrib notebooks tutorials tutorial recipes maintainer maint release admin hack sandbox
    experiments experimental playground perf profiling asv_bench integration integration_tests e2e fixtures vendor
    third_party external cmake templates template data resources assets static stubs typings share etc""".split()
)
"""Folders of a source tree that, where they are no packages, hold what its authors run rather than its users."""
_STARTUP_MODULES: Final = frozenset(("sitecustomize.py", "usercustomize.py"))
_BUILD_FUNCTIONS: Final = frozenset(("build", "initialize", "finalize", "clean", "update"))
"""What poetry's and hatch's build scripts are called by; those of PDM begin with `pdm_build_`."""
_ORDER: Final = tuple(Runs)
_MAX_CALLS: Final = 2
"""Calls from one file to the next along which what an import reaches is followed. Further on, branches that are taken
for some arguments only make it a guess: the constructors of a large library lead to nearly all of it."""


def reach(info: ArtifactInfo, files: Sequence[FileFacts], /) -> list[tuple[Signal, Runs]]:
    """Return every signal of an artifact with the earliest time at which its code runs."""
    base = base_of(info, files)
    entries = read_entries(files, base)
    layout = layout_of(files, base, entries)
    links: dict[str, Links] = {}
    for facts in files:
        links[facts.path] = links.get(facts.path, Links()).merged(facts.links)
    places = {facts.path: _by_place(info, facts, layout) for facts in files}
    names = Names(layout, links)
    spread = _Spread(layout, links, names, Passing(links, names))
    for facts in sorted(files, key=lambda facts: facts.path):
        _start_by_place(spread, facts, places[facts.path], is_setup=facts.path == f"{base}setup.py")
    _start_entries(spread, entries)
    spread.run()
    seen = [signal for facts in files for signal in facts.signals]
    seen += handed_signals(files, links, spread.names)
    seen += second_hosts(seen)
    return [(signal, min(_times(signal, places[signal.file], spread), key=_rank)) for signal in seen]


def _rank(runs: Runs) -> int:
    return runs.rank


def _times(signal: Signal, place: Runs, spread: _Spread) -> Iterator[Runs]:
    """Yield when that on whose behalf a signal's code runs does."""
    body = spread.times.get((signal.file, MODULE_ROOT), place)
    otherwise = Runs.NEVER if body is Runs.NEVER else Runs.CALL
    for root in (*signal.roots, *filter(None, (signal.function,))):
        yield spread.times.get((signal.file, root), body if root == MODULE_ROOT else otherwise)


def _by_place(info: ArtifactInfo, facts: FileFacts, layout: Layout) -> Runs:
    """Return when a file runs by its name and place alone."""
    path = PurePosixPath(facts.path)
    inside = layout.inside(facts.path)
    if facts.kind == "pth":
        return Runs.STARTUP
    if facts.kind != "python" or "!/" in facts.path:
        return Runs.CALL
    alone = len(inside.parts) == 1
    if alone and path.name in _STARTUP_MODULES:
        return Runs.STARTUP
    if alone and path.name == "setup.py" and info.kind not in ("wheel", "egg", "installed"):
        return Runs.INSTALL
    if "scripts" in path.parts[:2] or "bin" in path.parts[:2] or path.suffix == "":
        return Runs.ENTRY_POINT
    if not _NEVER_FOLDERS.isdisjoint(part.lower() for part in path.parent.parts) or path.name == "conftest.py":
        return Runs.NEVER
    if path.name == "__main__.py":
        return Runs.IMPORT if alone else Runs.MAIN_GUARD
    return Runs.IMPORT if alone or _is_module(info, inside, layout) else Runs.CALL


def _is_module(info: ArtifactInfo, inside: PurePosixPath, layout: Layout) -> bool:
    """Whether a file is one that users of the package import: one of a package, or of a name space at the top."""
    folders = inside.parts[:-1]
    packages = [number for number in range(len(folders)) if layout.is_package(folders[: number + 1])]
    if (not packages or packages[0]) and _plain(folders[0]) != _plain(info.name):
        # a name space, if anything
        for_users = info.kind in ("wheel", "egg", "installed") or folders[0].lower() not in _TOOL_FOLDERS
        if not for_users or inside.name == "setup.py" or not all(map(str.isidentifier, folders)):
            return False
    # scripts in a package's folders of data are no modules of it, although Python would find them
    return not packages or packages == list(range(packages[0], len(folders)))


def _plain(name: str) -> str:
    """Return a project's name or a folder's as they compare: in lower case, one kind of separator."""
    return name.lower().replace("-", "_").replace(".", "_")


def _start_by_place(spread: _Spread, facts: FileFacts, place: Runs, *, is_setup: bool) -> None:
    if facts.kind not in ("python", "pth"):
        return
    spread.reach((facts.path, MODULE_ROOT), place)
    # an installer runs setup.py, and a shell a script, as the main program
    runs_as_main = is_setup or place in (Runs.ENTRY_POINT, Runs.NEVER)
    spread.reach((facts.path, MAIN_ROOT), place if runs_as_main else Runs.MAIN_GUARD)


def _start_entries(spread: _Spread, entries: Entries) -> None:
    """Let run what metadata names."""
    layout = spread.layout
    for target in entries.targets:
        module, _, function = target.partition(":")
        spread.reach_module(module, Runs.ENTRY_POINT)
        if function:
            spread.reach_all(spread.names.functions(f"{module}.{function}", ""), Runs.ENTRY_POINT)
    for target in entries.hosted:
        # a class that a program takes as its plug-in: it calls all of its methods
        spread.reach_all(spread.names.methods(target.replace(":", "."), ""), Runs.ENTRY_POINT)
    for plugin in sorted(set(entries.plugins)):
        path = layout.modules.get(plugin.partition(":")[0])
        if path is not None:
            functions = sorted(name for name in spread.links[path].functions if name.startswith("pytest_"))
            spread.reach_all([(path, name) for name in functions], Runs.ENTRY_POINT)
    if entries.backend:
        spread.reach_module(entries.backend, Runs.INSTALL)
        for hook in BACKEND_HOOKS:
            spread.reach_all(spread.names.functions(f"{entries.backend}.{hook}", ""), Runs.INSTALL)
    for command in entries.commands:
        spread.reach_module(command.rpartition(".")[0], Runs.INSTALL)
        spread.reach_all(spread.names.methods(command, ""), Runs.INSTALL)
    for script in entries.scripts:
        spread.reach_program(layout.find_script(script, layout.base), Runs.ENTRY_POINT)
    for script in entries.build_scripts:
        path = layout.find_script(script, layout.base)
        spread.reach_program(path, Runs.INSTALL)
        if path:
            functions = sorted(spread.links[path].functions)
            spread.reach_all([(path, name) for name in functions if _is_build_hook(name)], Runs.INSTALL)


def _is_build_hook(function: str) -> bool:
    last = function.rpartition(".")[2]
    return last in _BUILD_FUNCTIONS or last.startswith("pdm_build_")


@dataclass(slots=True)
class _Spread:
    """Times of units, spread along what each unit imports, calls and starts; the earliest first, so each once.
    `calls`: through how many calls into other files each is reached. `awaited`: what is passed to others that has not
    run yet, by what calls it then."""

    layout: Layout
    links: dict[str, Links]
    names: Names
    passing: Passing
    times: dict[Unit, Runs] = field(default_factory=dict)
    calls: dict[Unit, int] = field(default_factory=dict)
    awaited: dict[Unit, list[Unit]] = field(default_factory=dict)
    waiting: dict[Runs, list[Unit]] = field(default_factory=lambda: {runs: [] for runs in Runs})
    by_unit: dict[str, tuple[_Uses, dict[str, list[Passed]]]] = field(default_factory=dict)

    def reach(self, unit: Unit, when: Runs, /, *, calls: int = 0) -> None:
        """Let a unit run no later than `when`, reached through so many calls into other files."""
        if when is Runs.IMPORT and calls > _MAX_CALLS:
            return
        known = self.times.get(unit)
        if known is None or when.rank < known.rank or (known is when and calls < self.calls[unit]):
            self.times[unit] = when
            self.calls[unit] = calls
            self.waiting[when].append(unit)

    def reach_all(self, units: Sequence[Unit], when: Runs, /, *, caller: Unit | None = None) -> None:
        """Let units run no later than `when`, those of other files than the caller's one call further."""
        calls = self.calls[caller] if caller is not None else 0
        for unit in units:
            self.reach(unit, when, calls=calls + (caller is not None and unit[0] != caller[0]))

    def _reach_given(self, units: Sequence[Unit], when: Runs, caller: Unit) -> None:
        """Let functions run that were given to what calls them: whoever gave them meant them to be called."""
        for unit in units:
            self.reach(unit, when, calls=self.calls[caller])

    def reach_module(self, name: str, when: Runs, /) -> None:
        """Import a module, after the packages that it is in."""
        for module in with_parents(name):
            path = self.layout.modules.get(module)
            if path is not None:
                self.reach((path, MODULE_ROOT), when)

    def reach_program(self, path: str, when: Runs, /) -> None:
        """Run a file as a program, if there is one."""
        if path:
            self.reach_all(((path, MODULE_ROOT), (path, MAIN_ROOT)), when)

    def run(self) -> None:
        """Go on until nothing runs earlier any more."""
        for when in _ORDER[: Runs.CALL.rank]:
            waiting = self.waiting[when]
            while waiting:
                unit = waiting.pop()
                if self.times[unit] is when:
                    self._follow(unit, when)

    def _follow(self, unit: Unit, when: Runs) -> None:
        path, root = unit
        links = self.links[path]
        if path not in self.by_unit:
            self.by_unit[path] = _uses_by_unit(links), _passed_by_unit(links)
        self._reach_given(self.awaited.pop(unit, ()), when, unit)
        uses, passed = self.by_unit[path]
        for each in passed.get(root, ()):
            self._pass(each, unit, when)
        for kind, name in uses.get(root, ()):
            match kind:
                case "imports":
                    self.reach_module(absolute_name(name, self.layout.names.get(path, ""), path), when)
                case "calls":
                    self.reach_all(self.names.functions(name, path), when, caller=unit)
                case "lends":
                    callee, _, lent = name.partition(" ")
                    if any(
                        function in self.links[file].callers for file, function in self.names.functions(callee, path)
                    ):
                        self.reach_all(self.names.functions(f":{lent}", path), when, caller=unit)
                case "loads":
                    found = self.layout.find_script(name, path)
                    self.reach_all([(found, MODULE_ROOT)] if found else [], when, caller=unit)
                case _:
                    self._start(name, path, when)
        self.reach_all([(path, function) for function in links.inner.get(root, ())], when, caller=unit)
        if root == MODULE_ROOT and when is Runs.INSTALL:
            self._install(path)

    def _pass(self, passed: Passed, unit: Unit, when: Runs) -> None:
        """Let a function that is passed run once what calls it does."""
        path = unit[0]
        callers = self.passing.callers(passed, path)
        if callers is None:
            self._reach_given(self.passing.given(passed, path) if passed.otherwise else (), when, unit)
            return
        for caller in sorted(callers):
            known = self.times.get(caller)
            if known is not None and known.rank <= when.rank:
                self._reach_given(self.passing.given(passed, path), when, unit)
            else:
                self.awaited.setdefault(caller, []).extend(self.passing.given(passed, path))

    def _start(self, name: str, path: str, when: Runs) -> None:
        if not name.startswith("-m "):
            self.reach_program(self.layout.find_script(name, path), when)
            return
        module = name.removeprefix("-m ")
        self.reach_module(module, when)
        main = self.layout.modules.get(f"{module}.__main__") or self.layout.modules.get(module)
        self.reach_program(main or "", when)

    def _install(self, path: str) -> None:
        """Let the command classes of a file that an installer runs or imports run."""
        links = self.links[path]
        for hook in links.hooks:
            if hook in links.functions:
                self.reach((path, hook), Runs.INSTALL)
            self.reach_all(self.names.methods(f":{hook}", path), Runs.INSTALL)
        for command in links.setup.commands:
            self.reach_all(self.names.methods(command, path), Runs.INSTALL)


_Uses = dict[str, list[tuple[str, str]]]


def _uses_by_unit(links: Links) -> _Uses:
    """Return what each unit of a file imports, calls, starts, loads and lends: pairs of which of these, and the name;
    of what is lent, that of the borrower and its own."""
    found: _Uses = {}
    for kind, uses in (
        ("imports", links.imports),
        ("calls", links.calls),
        ("starts", links.starts),
        ("loads", links.loads),
        ("lends", [replace(use, name=f"{use.name} {lent}") for lent, to in links.lent.items() for use in to]),
    ):
        for use in uses:
            for root in use.roots | {use.function} if use.function else use.roots:
                found.setdefault(root, []).append((kind, use.name))
    return found


def _passed_by_unit(links: Links) -> dict[str, list[Passed]]:
    """Return what each unit of a file passes to others."""
    found: dict[str, list[Passed]] = {}
    for passed in links.passed:
        for root in passed.roots | {passed.function} if passed.function else passed.roots:
            found.setdefault(root, []).append(passed)
    return found
