"""What ties a file to the others of its artifact: what it imports, calls and starts, what its names stand for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from pydepgate.model import Handed, Links, Passed, Use
from pydepgate.regex import regex
from pydepgate.source.exchange import STARTS_PROCESS, gives_of, is_own, sinks_of, takes_of
from pydepgate.source.network import address_text, is_network_call, is_url
from pydepgate.source.passing import onward_of
from pydepgate.source.secrets import kinds_handed, reads_key
from pydepgate.source.setup_call import setup_of
from pydepgate.source.texts import shape_of
from pydepgate.source.values import NOTHING, LocalClass, Scope, Value, content_taints

if TYPE_CHECKING:
    from pydepgate.source.calls import CallSite
    from pydepgate.source.interpreter import Interpreter

_MAX_USES: Final = 4_096
"""Of each kind, in one file."""
_MAX_PARTS: Final = 64
"""Pieces of an argument that are searched for paths."""
_SCRIPT_PATH: Final = regex(r"(?<![\w.-])(?:[\w.-]+[\\/])*[\w.-]+\.pyw?(?![\w.-])")
_RUN_MODULE: Final = regex(r"-m\s+([A-Za-z_][\w.]*)")
_SHOWN: Final = 4_096
"""Characters of a text that are searched for paths."""

_RUNS_FILE: Final = frozenset(("runpy.run_path", "builtins.execfile"))
_RUNS_TEXT: Final = frozenset(("builtins.exec", "builtins.eval"))
_OPENS: Final = frozenset(("builtins.open", "io.open", "codecs.open", "tokenize.open"))
_PATH_READS: Final = frozenset(("pathlib.Path().read_text", "pathlib.Path().read_bytes", "pathlib.Path().open"))
_WHOLE_FILE: Final = regex(
    r"((builtins|io|codecs|tokenize)\.open\(\)\.read\(\)|pathlib\.Path\(\)(\.\w+\(\))?\.read_(text|bytes)\(\))"
    r"(\.(decode|encode|strip|replace)\(\))*"
)
"""Names of the whole content of a file; setup scripts often execute one line of their package."""
_LOADS: Final = frozenset(
    """importlib.util.spec_from_file_location importlib.machinery.SourceFileLoader imp.load_source
    importlib._bootstrap_external.SourceFileLoader""".split()
)
_CALLS_LATER: Final = frozenset(
    """Thread Timer Process register submit run_in_executor start_new_thread apply_async call_soon call_later
    map starmap run_coroutine_threadsafe ensure_future create_task to_thread""".split()
)
"""Last names of functions that call what they are handed, by themselves."""


def links_of(run: Interpreter, scope: Scope, /) -> Links:
    """Return what a followed file shares with others; `scope` is that of the module."""
    sites = [site for sites in run.sites.values() for site in sites]
    setup = setup_of(sites)
    spared = {name.removeprefix(":") for name in setup.others}
    hooks = set(run.hooks) - spared | {name.removeprefix(":") for name in setup.commands if name.startswith(":")}
    hooked = [cls for cls in run.classes if _is_or_derives(cls, hooks) and cls.qualname not in spared]
    hooks |= {cls.qualname for cls in hooked}
    hooks |= {
        value.function.qualname
        for cls in hooked
        for value in (*cls.attributes.values(), *cls.scope.names.values())
        if value.function is not None
    }
    opened = _opened(sites)
    modules = _own_modules(run)
    return Links(
        imports=_noted(run.imports),
        calls=(
            *_uses(use for site in sites for use in _called(site)),
            *(use for use in _noted(run.called) if _may_be_elsewhere(use.name)),
        ),
        starts=_uses(use for site in sites for use in _started(site, opened)),
        loads=_uses(use for site in sites if site.name in _LOADS for use in _files(site, site.args)),
        functions=frozenset(function.qualname for function in run.functions),
        inner={caller: tuple(called) for caller, called in run.inner.items()},
        names=dict(_names(scope)),
        bases={cls.qualname: tuple(filter(None, map(_name_of, cls.bases))) for cls in run.classes},
        stars=tuple(dict.fromkeys(run.star_imports)),
        hooks=frozenset(hooks),
        setup=setup,
        handed=tuple(_handed(sites, modules)),
        passed=tuple(_passed(run, sites, modules)),
        onward=onward_of(run),
        gives=gives_of(run, scope, modules),
        takes=takes_of(run, sites, modules),
        sinks=sinks_of(sites),
        lent=_lent(run, sites),
        callers=frozenset(run.callers),
    )


def _is_or_derives(cls: LocalClass, hooks: set[str]) -> bool:
    return cls.qualname in hooks or any(base.qualname in hooks for base in cls.ancestors())


def _uses(found: Iterable[Use]) -> tuple[Use, ...]:
    """Return uses with those of one name and function made one."""
    roots: dict[tuple[str, str], frozenset[str]] = {}
    for use in found:
        key = (use.name, use.function)
        if key in roots or len(roots) < _MAX_USES:
            roots[key] = roots.get(key, frozenset()) | use.roots
    return tuple(Use(name, function, merged) for (name, function), merged in roots.items())


def _noted(uses: Mapping[tuple[str, str], set[str]]) -> tuple[Use, ...]:
    return tuple(Use(name, function, frozenset(roots)) for (name, function), roots in uses.items())


def _use(name: str, site: CallSite) -> Use:
    return Use(name, site.function, frozenset(site.roots))


def _called(site: CallSite) -> Iterator[Use]:
    if _may_be_elsewhere(site.name):
        yield _use(site.name, site)
    if site.name.rpartition(".")[2] in _CALLS_LATER or "target" in site.keywords:
        for value in (*site.args, *site.keywords.values()):
            if _may_be_elsewhere(value.name):
                yield _use(value.name, site)


def _passed(run: Interpreter, sites: Iterable[CallSite], modules: Collection[str]) -> Iterator[Passed]:
    """Yield the functions, the file's own and others', that are passed to functions that may be another file's."""
    left = _MAX_USES
    for ((name, place, given, otherwise), function), roots in run.passed.items():
        if _may_be_elsewhere(name) and left > 0:
            left -= 1
            yield Passed(name, place, given, function, frozenset(roots), otherwise)
    for site in sites:
        if not is_own(site.name, modules) or not _may_be_elsewhere(site.name):
            continue
        arguments: list[tuple[int | str, Value]] = [*enumerate(site.args), *site.keywords.items()]
        for place, value in arguments:
            if is_own(value.name, modules) and "(" not in value.name and "[" not in value.name and left > 0:
                left -= 1
                yield Passed(site.name, place, value.name, site.function, frozenset(site.roots), otherwise=False)


def _own_modules(run: Interpreter) -> set[str]:
    return {name.partition(".")[0] for name, _ in run.imports if not name.startswith(".")} - _NOT_OWN


def _lent(run: Interpreter, sites: Iterable[CallSite]) -> dict[str, tuple[Use, ...]]:
    """Return, for functions and classes of the file, what may be another file's and is called with them."""
    found = {name: list(uses) for name, uses in run.decorated.items()}
    for site in sites:
        if _may_be_elsewhere(site.name):
            for value in (*site.args, *site.keywords.values()):
                if (owner := value.function or value.cls) is not None and len(found) < _MAX_LENT:
                    found.setdefault(owner.qualname, []).append(_use(site.name, site))
    return {name: _uses(uses) for name, uses in found.items()}


_MAX_LENT: Final = 1_024


def _handed(sites: Iterable[CallSite], modules: Collection[str]) -> Iterator[Handed]:
    """Yield what of importance is passed to functions that may be another file's."""
    seen: set[tuple[object, ...]] = set()
    for site in sites:
        if not is_own(site.name, modules):
            continue
        given = (*site.args, *site.keywords.values())
        if reads_key(site.name):
            # a key on its way through a function of another file
            for value in given:
                if value.name.startswith(".") and value.name.endswith("()") and len(seen) < _MAX_HANDED:
                    line, column = site.node.lineno, site.node.col_offset + 1
                    through = value.name.removesuffix("()")
                    seen.add((through, site.function))
                    yield Handed(through, site.function, frozenset(site.roots), frozenset(("key",)), "", line, column)
        kinds = frozenset(kind for value in given for kind in kinds_handed(content_taints(value)))
        if not kinds or is_network_call(site.name):
            continue
        host = _host_along(site)
        key = (site.name, site.function, kinds, host)
        if key not in seen and len(seen) < _MAX_HANDED:
            seen.add(key)
            line, column = site.node.lineno, site.node.col_offset + 1
            yield Handed(site.name, site.function, frozenset(site.roots), kinds, host, line, column)


_MAX_HANDED: Final = 512
_NOT_OWN: Final = frozenset(
    """os sys re json logging typing collections functools itertools datetime time pathlib subprocess threading asyncio
    urllib http socket ssl base64 hashlib hmac io math random string struct copy inspect warnings contextlib abc enum
    dataclasses requests httpx aiohttp numpy pandas torch django flask pydantic sqlalchemy boto3 botocore google pytest
    unittest click""".split()
)
"""Modules that no artifact calls its own, or that are too large to matter here."""


def _host_along(site: CallSite) -> str:
    made = site.receiver.made_with if site.receiver is not None else None
    for value in (*site.args, *site.keywords.values(), *(made or {}).values()):
        if is_url(value) and (host := _HOST.match(address_text(value))):
            return host[1]
    return ""


_HOST: Final = regex(r"\w+://(?:[^/@{}]*@)?((?:[\w-]+\.)+[\w-]+)(?=[:/?#]|$)")


def _may_be_elsewhere(name: str) -> bool:
    return bool(name) and not name.startswith(("builtins.", "?", "<")) and "[" not in name


def _started(site: CallSite, opened: dict[str, list[str]]) -> Iterator[Use]:
    """Yield the Python files and modules that a call runs as programs."""
    if site.name.startswith(STARTS_PROCESS):
        yield from _files(site, (*site.args, *site.keywords.values()))
        words = " ".join(_texts((*site.args, *site.keywords.values())))
        for module in _RUN_MODULE.findall(words[:_SHOWN]):
            yield _use(f"-m {module}", site)
    elif site.name in _RUNS_FILE:
        yield from _files(site, site.args)
    elif site.name == "runpy.run_module" and site.argument(0, "mod_name").text:
        yield _use(f"-m {site.argument(0, 'mod_name').text}", site)
    elif site.name in _RUNS_TEXT and _WHOLE_FILE.fullmatch(site.argument(0, "source").name):
        given = list(_files(site, (site.args or (NOTHING,))[:1]))
        paths = opened.get(site.function, [])
        yield from given or (_use(path, site) for path in paths if len(paths) == 1)


def _opened(sites: Iterable[CallSite]) -> dict[str, list[str]]:
    """Return which Python files each function opens: where it executes a file's content, an only one is meant."""
    found: dict[str, list[str]] = {}
    for site in sites:
        by_path = site.receiver is not None and site.name in _PATH_READS
        if by_path or site.name in _OPENS:
            path = (site.receiver,) if by_path and site.receiver is not None else site.args
            found.setdefault(site.function, []).extend(use.name for use in _files(site, path))
    return found


def _files(site: CallSite, values: Iterable[Value]) -> Iterator[Use]:
    for text in _texts(values):
        for path in _SCRIPT_PATH.findall(text[:_SHOWN]):
            yield _use(path.replace("\\", "/"), site)


def _texts(values: Iterable[Value]) -> Iterator[str]:
    """Yield the constant texts in values, those that they were made with included, up to a bound."""
    waiting = list(values)[::-1]
    for _ in range(_MAX_PARTS):
        if not waiting:
            return
        value = waiting.pop()
        if isinstance(value.const, str):
            yield value.const
        elif isinstance(value.const, list | tuple):
            waiting += [Value(const=item) for item in reversed(value.const[:_MAX_PARTS])]
        elif value.name == "sys.executable":
            yield "python"
        elif value.pieces:
            yield shape_of(value).replace("}/", "} ")  # the end of a path, as far as it is known
        else:
            waiting += [*(value.made_with or {}).values(), *(value.items or ())][:_MAX_PARTS][::-1]


def _names(scope: Scope) -> Iterator[tuple[str, str]]:
    for name, value in scope.names.items():
        if name.isidentifier() and (target := _name_of(value)) not in ("", f":{name}"):
            yield name, target


def _name_of(value: Value) -> str:
    """Return what a value stands for, by name; empty where that is nothing of the artifact."""
    if value.function is not None:
        return f":{value.function.qualname}"
    if value.cls is not None:
        return f":{value.cls.qualname}"
    if value.instance_of is not None:
        return f":{value.instance_of.qualname}()"
    return value.name if _may_be_elsewhere(value.name) else ""
