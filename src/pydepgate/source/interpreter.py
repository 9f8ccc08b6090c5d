"""A small abstract interpreter: follows one file's statements in order and records what each call is called with.

Nothing of the file is run. Names, constants and taints are followed through assignments, containers, local
functions and classes; of a branch both ways are taken, and loops are taken once unless what they iterate over is
constant. Work is bounded by counting steps, so that the answer does not depend on the machine.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from pydepgate.limits import EVAL_STEPS
from pydepgate.model import MAIN_ROOT, MODULE_ROOT, Links, Use
from pydepgate.source.bounds import Work
from pydepgate.source.calls import CallSite, owner_of, result_of
from pydepgate.source.expressions import EXPRESSIONS, evaluate_children
from pydepgate.source.files import Files
from pydepgate.source.folding import is_builtin
from pydepgate.source.hooks import arguments_of
from pydepgate.source.host import ALL_FACTS, CHAT_MESSAGE, receives_events
from pydepgate.source.linkage import links_of
from pydepgate.source.modules import Linked
from pydepgate.source.objects import (
    THIS_MODULE,
    attribute_of,
    bind_method,
    documentation_of,
    is_decorated,
    sequence_value,
)
from pydepgate.source.parameters import bind_parameters
from pydepgate.source.secrets import CREDENTIAL, HOOKED, INHERITED, KEY_PAIR, TOKEN, might_hold
from pydepgate.source.statements import STATEMENTS
from pydepgate.source.values import GIVEN, NETWORK, NOTHING, Flow, LocalClass, LocalFunction, Scope, Value, derive, join

_MAX_DEPTH: Final = 120
_MAX_CALL_DEPTH: Final = 6
_MAX_SITES: Final = 4
_LIST: Final = ast.List(elts=[])
_NO_KEYWORDS: Final[Mapping[str, Value]] = {}
_REENTRY_STEPS: Final = 20_000
_CHARACTERS_A_STEP: Final = 4
"""Steps for following functions again for other arguments: some for any file, and one more for so much source."""
_MAX_ROOTS: Final = 64
"""On whose behalf a function is noted to run; the module and the main guard come first."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What following one file gave.

    `calls`: for each call node that was reached, what it is called with (once for each distinct way there, a few
    at most); `imports` and `late_imports` as in `model.FileFacts`; `hooks`: qualified names of
    the classes that the installer runs; `entered`: for each function, by qualified name, on whose behalf it runs
    (see `model.Signal.roots`); `truncated`: whether the step budget ended a loop or a call early;
    `files`: what the file writes to which paths.
    """

    calls: Mapping[ast.Call, tuple[CallSite, ...]]
    links: Links
    entered: Mapping[str, frozenset[str]]
    truncated: bool
    files: Files


def evaluate(tree: ast.Module, text: str, /, *, steps: int = EVAL_STEPS, linked: Linked | None = None) -> Evaluation:
    """Follow a module from its first statement to its last, then every function that this did not enter.

    With `linked`, what it imports from those modules is followed into them; its links to others are not looked for.
    """
    interpreter = Interpreter(
        lines=text.split("\n"),
        steps=steps,
        reentry_steps=_REENTRY_STEPS + len(text) // _CHARACTERS_A_STEP,
        names_secrets=might_hold(text),
        linked=linked,
    )
    scope = Scope()
    if linked is not None:
        linked.begin(scope)
    if (documentation := documentation_of(tree)) is not None:
        scope.names["__doc__"] = interpreter.value(documentation, scope)
    interpreter.execute(tree.body, scope)
    interpreter.run_rest()
    return Evaluation(
        calls={node: tuple(sites) for node, sites in interpreter.sites.items()},
        links=links_of(interpreter, scope) if linked is None else Links(),
        entered={name: frozenset(roots) for name, roots in interpreter.roots.items()},
        truncated=interpreter.truncated,
        files=interpreter.files,
    )


_Result = TypeVar("_Result")
_Noted = TypeVar("_Noted")


class OutOfSteps(Exception):
    """The step budget of loops and calls is used up."""


@dataclass(slots=True, eq=False)
class _Trace:
    """What following a function reached: its calls, the traces of the local functions that it called, and the roots
    of what else it imported and called."""

    qualname: str
    roots: set[str]
    sites: list[CallSite] = field(default_factory=list)
    inner: list[_Trace] = field(default_factory=list)
    noted: list[set[str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Remembered:
    """What following a function gave, so that once is enough; `general` if nothing was known of the arguments."""

    result: Value
    trace: _Trace
    general: bool
    scope: Scope


@dataclass(slots=True, eq=False)
class Interpreter:
    """The state of following one file.

    `root` says on whose behalf code is followed (see `model.Signal.roots`), `weak` counts the branches around the
    statement, `exact` the unrolled loops around it. `steps` bounds what is followed more than once; all else is linear:
    `first_calls` is how many calls deep everything is followed for the first time. `names_secrets`: the source may
    name a secret place; `private_files`: which secrets were put into files, by name, and `private_paths`: by which
    name the file of a path is known (see `exposure`). `hooks_followed`: how often each function was followed in the
    place of another library's (see `hooks`); `running`: the functions that are being followed; `readers`: by queue, the
    functions that take from it; `stale`: those of them after which something new was put in, and on whose behalf;
    `linked`: other files that imports lead into; `decorated`: what may be another file's and decorates what, `callers`:
    functions that call what they are given.
    """

    lines: Sequence[str]
    steps: int
    root: str = MODULE_ROOT
    weak: int = 0
    exact: int = 0
    depth: int = 0
    first_calls: int = 0
    reentry_steps: int = 0
    frugal: bool = False
    deferred: dict[tuple[str, str], LocalFunction] = field(default_factory=dict)
    truncated: bool = False
    sites: dict[ast.Call, list[CallSite]] = field(default_factory=dict)
    trace: _Trace = field(default_factory=lambda: _Trace("", {MODULE_ROOT}))
    work: Work = field(default_factory=Work)
    files: Files = field(default_factory=Files)
    roots: dict[str, set[str]] = field(default_factory=dict)
    imports: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    called: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    passed: dict[tuple[tuple[str, int | str, str, bool], str], set[str]] = field(default_factory=dict)
    inner: dict[str, dict[str, None]] = field(default_factory=dict)
    classes: list[LocalClass] = field(default_factory=list)
    handlers: list[tuple[str, LocalFunction]] = field(default_factory=list)
    decorated: dict[str, list[Use]] = field(default_factory=dict)
    callers: set[str] = field(default_factory=set)
    star_imports: list[str] = field(default_factory=list)
    hooks: set[str] = field(default_factory=set)
    functions: list[LocalFunction] = field(default_factory=list)
    owners: dict[ast.AST, LocalClass] = field(default_factory=dict)
    entered: set[ast.AST] = field(default_factory=set)
    receivers: set[ast.AST] = field(default_factory=set)
    active: list[ast.AST] = field(default_factory=list)
    remembered: dict[ast.AST, _Remembered] = field(default_factory=dict)
    names_secrets: bool = False
    private_files: dict[str, frozenset[str]] = field(default_factory=dict)
    private_paths: dict[int, tuple[Value, str]] = field(default_factory=dict)
    hooks_followed: dict[ast.AST, int] = field(default_factory=dict)
    readers: dict[int, tuple[Value, dict[ast.AST, LocalFunction]]] = field(default_factory=dict)
    running: list[LocalFunction] = field(default_factory=list)
    stale: dict[tuple[ast.AST, str], tuple[str, LocalFunction]] = field(default_factory=dict)
    linked: Linked | None = None

    def value(self, node: ast.expr, scope: Scope, /) -> Value:
        """Evaluate an expression."""
        if self.exact:
            self.spend()
        elif len(self.active) > self.first_calls:
            self.reentry_steps -= 1
        depth = self.depth
        if depth >= _MAX_DEPTH:
            self.truncated = True
            return NOTHING
        self.depth = depth + 1
        try:
            return EXPRESSIONS.get(type(node), evaluate_children)(self, node, scope)
        finally:
            self.depth = depth

    def attribute(self, owner: Value, name: str, scope: Scope, /) -> Value:
        """Return an attribute of a value; that of the module itself, and what a property gives."""
        if owner.name == THIS_MODULE and (bound := scope.module.names.get(name)) is not None:
            return bound
        if name == "__doc__" and owner.function is not None:
            documentation = documentation_of(owner.function.node)
            return self.value(documentation, scope) if documentation is not None else Value(const=None)
        found = attribute_of(owner, name)
        if found.function is not None and found.function.bound and is_decorated(found.function, "property"):
            return self.call_local(found.function, (), {})
        if self.linked is not None and found.name:
            return self.linked.find(self, found.name, scope) or found
        return found

    def apply(
        self,
        site: CallSite,
        function: Value,
        args: tuple[Value, ...],
        scope: Scope,
        /,
        keywords: Mapping[str, Value] = _NO_KEYWORDS,
    ) -> Value:
        """Return what a function value gives for arguments, called by the function of the site (`map`, `reduce`)."""
        owner = owner_of(function)
        args = (*function.bound, *args) if function.name and owner is None else args
        called = replace(site, name=function.name, args=args, keywords=keywords, receiver=owner, roots={self.root})
        if function.name and owner is None and not is_builtin(function.name):
            self.record(called)
        return result_of(self, called, function, scope)

    def execute(self, body: Sequence[ast.stmt], scope: Scope, /) -> Flow | None:
        """Follow statements in order; return how they ended if it is sure that they did not run to their end."""
        if self.depth >= _MAX_DEPTH:
            self.truncated = True
            return None
        self.depth += 1
        try:
            for statement in body:
                handler = STATEMENTS.get(type(statement))
                if handler is not None and (flow := handler(self, statement, scope)) is not None:
                    return flow
        finally:
            self.depth -= 1
        return None

    def leaves(self, flow: Flow, /) -> Flow | None:
        """Return `flow` if the jump at hand is sure to be taken: in an unrolled loop, not in a branch."""
        return flow if self.exact and not self.weak else None

    def spend(self) -> None:
        """Count work of unrolled loops; raises `OutOfSteps`, for `unrolled` to catch, when it is too much."""
        self.steps -= 1
        if self.steps < 0 and not self.frugal:
            self.truncated = True
            raise OutOfSteps

    def unrolled(self, work: Callable[[], _Result], /, *, allowance: int = EVAL_STEPS) -> _Result:
        """Do the work of a loop round by round, in so many steps at most; else once for all, being frugal: loops
        are then gone through once, and local calls are not entered."""
        outermost = not self.exact
        left = self.steps
        if outermost:
            self.steps = allowance = min(left, allowance)
        self.exact += 1
        weak, self.weak = self.weak, 0
        try:
            return work()
        except OutOfSteps:
            if not outermost:
                raise
        finally:
            self.exact -= 1
            self.weak = weak
            if outermost:
                self.steps = left - (allowance - max(self.steps, 0))
        frugal, self.frugal = self.frugal, True
        try:
            return work()
        finally:
            self.frugal = frugal

    @contextmanager
    def branch(self) -> Iterator[None]:
        """While open, what is bound may or may not be bound."""
        self.weak += 1
        try:
            yield
        finally:
            self.weak -= 1

    @contextmanager
    def on_behalf_of_main(self) -> Iterator[None]:
        """While open, code runs only when the file is run as a program."""
        root, self.root = self.root, MAIN_ROOT
        try:
            yield
        finally:
            self.root = root

    @contextmanager
    def on_its_own_behalf(self, function: LocalFunction, /) -> Iterator[None]:
        """While open, code runs when that function is called, whenever what is being followed is."""
        root, self.root = self.root, function.qualname
        trace, self.trace = self.trace, _Trace("", {self.root})
        try:
            yield
        finally:
            self.root, self.trace = root, trace

    def note_import(self, module: str, /) -> None:
        """Keep the name of an imported module, with the function that imports it and on whose behalf."""
        self._note(self.imports, module)

    def note_call(self, name: str, /) -> None:
        """Keep the name of what syntax other than a call calls: a decorator, a base class's initialiser."""
        self._note(self.called, name)

    def note_passed(self, name: str, place: int | str, function: LocalFunction, /, *, otherwise: bool) -> None:
        """Keep that a function of the file is passed to one that may be another file's (see `model.Passed`)."""
        self._note(self.passed, (name, place, f":{function.qualname}", otherwise))

    def note_decorator(self, name: str, qualname: str, /) -> None:
        """Keep the name of what decorates a function or class, which is called with it."""
        self.note_call(name)
        self.decorated.setdefault(qualname, []).append(Use(name, self.trace.qualname, frozenset((self.root,))))

    def _note(self, uses: dict[tuple[_Noted, str], set[str]], what: _Noted) -> None:
        roots = uses.setdefault((what, self.trace.qualname), set())
        roots.add(self.root)
        self.trace.noted.append(roots)

    def bind(self, name: str, value: Value, scope: Scope, /) -> None:
        """Bind a name, weakly inside a branch."""
        names = scope.owner_of(name).names if scope.globals or scope.nonlocals else scope.names
        names[name] = join(names.get(name), value) if self.weak else value

    def record(self, site: CallSite, /) -> None:
        """Keep what a call is called with; ways beyond the first few only add their root."""
        known = self.sites.get(site.node)
        if known is None:
            self.sites[site.node] = [site]
            kept = site
        else:
            same = next((other for other in known if other.same_call(site)), None)
            if same is None and len(known) < _MAX_SITES:
                known.append(site)
            kept = same or known[-1]
            kept.roots |= site.roots
        self.trace.sites.append(kept)
        self.files.note(site)

    def reach_again(self, trace: _Trace, /) -> None:
        """Let all that a remembered function reached run on behalf of the present root too."""
        waiting = [trace]
        while waiting:
            trace = waiting.pop()
            if self.root in trace.roots or len(trace.roots) >= _MAX_ROOTS:
                continue
            trace.roots.add(self.root)
            self.roots[trace.qualname].add(self.root)
            for site in trace.sites:
                site.roots.add(self.root)
            for roots in trace.noted:
                roots.add(self.root)
            waiting += trace.inner

    def call_local(self, function: LocalFunction, args: Sequence[Value], keywords: Mapping[str, Value], /) -> Value:
        """Follow a call of a function of this file and return what it may return."""
        node = function.node
        args = (*function.bound, *args)
        given = (*args, *keywords.values())
        if self.trace.qualname:
            self.inner.setdefault(self.trace.qualname, {})[function.qualname] = None
        if len(self.active) >= _MAX_CALL_DEPTH:
            self.deferred.setdefault((function.qualname, self.root), function)
        if node in self.active or len(self.active) >= _MAX_CALL_DEPTH:
            return derive(*given)
        informative = bool(self.exact) or any(map(_informs, given))
        known = self.remembered.get(node)
        if known is not None and known.scope is not function.scope and self.reentry_steps > 0 and not self.frugal:
            known = None  # another closure: what it holds may differ
        if known is not None and (known.general or informative) and not (informative and self._is_worth(given)):
            self.trace.inner.append(known.trace)
            self.reach_again(known.trace)
            return known.result if not informative else derive(known.result, *given, name=known.result.name)
        outer, trace = self.trace, _Trace(function.qualname, {self.root})
        outer.inner.append(trace)
        self.trace = trace
        try:
            result = self._enter(function, args, keywords)
        except OutOfSteps:
            if self.exact:
                raise
            result = self._enter(function, args, keywords)
        finally:
            self.trace = outer
        if known is None or not informative:
            self.remembered[node] = _Remembered(result, trace, general=not informative, scope=function.scope)
        return result

    def _is_worth(self, given: Sequence[Value], /) -> bool:
        """Whether a function is to be followed once more, for these arguments."""
        if self.frugal:
            return False
        return bool(self.exact) or self.reentry_steps > 0 or any(value.taints - _COMMON for value in given)

    def _enter(self, function: LocalFunction, args: Sequence[Value], keywords: Mapping[str, Value]) -> Value:
        node = function.node
        self.entered.add(node)
        self.roots.setdefault(function.qualname, set()).add(self.root)
        scope = Scope(qualname=function.qualname, parent=function.scope)
        bind_parameters(node.args, args, keywords, scope)
        weak, self.weak = self.weak, 0
        self.active.append(node)
        self.running.append(function)
        try:
            if isinstance(node, ast.Lambda):
                return self.value(node.body, scope)
            self.execute(node.body, scope)
        finally:
            self.running.pop()
            self.active.pop()
            self.weak = weak
        result = sequence_value(_LIST, scope.yields) if scope.yields else None
        for value in scope.returns:
            result = join(result, value)
        return result if result is not None else Value(const=None)

    def run_rest(self) -> None:
        """Follow each function that was called too deep, then, on its own behalf, each that nothing entered."""
        self.steps, self.frugal, self.first_calls = EVAL_STEPS, False, 1
        followed = 0
        while followed < len(self.deferred):  # it grows on the way
            for (_, root), function in list(self.deferred.items())[followed:]:
                self.root = root
                followed += 1
                self.call_local(function, (), {})
        for function in self.functions:  # grows while it is walked: functions define functions
            if function.node not in self.entered and (self.linked is None or self.linked.is_main(function.scope)):
                self.root = function.qualname
                owner = self.owners.get(function.node)
                member = Value(function=function)
                method = bind_method(member, Value(instance_of=owner)) if owner is not None else member
                self.call_local(method.function or function, *self._received(function, owner))
        for root, function in list(self.stale.values()):
            # what it takes out of a queue was put there after it was followed
            self.root = root
            self.remembered.pop(function.node, None)
            self.call_local(function, (), {})

    def _received(
        self, function: LocalFunction, owner: LocalClass | None
    ) -> tuple[tuple[Value, ...], dict[str, Value]]:
        """Return the arguments of a function that is called with what comes in from elsewhere; else none."""
        node = function.node
        bases = (base.name for base in owner.foreign_bases()) if owner is not None else ()
        if node not in self.receivers and not receives_events(function.qualname.rpartition(".")[2], bases):
            return (), {}
        message = Value(taints=frozenset((NETWORK, CHAT_MESSAGE)))
        return arguments_of(function, message, given=owner is not None)


_COMMON: Final = ALL_FACTS | {GIVEN, CREDENTIAL, TOKEN, HOOKED, INHERITED, KEY_PAIR}
"""Taints that honest code is full of: following a function once more for them alone is bounded."""


def _informs(value: Value, /) -> bool:
    return value.known or bool(
        value.taints
        or value.name
        or value.function
        or value.cls
        or value.items
        or value.pieces
        or value.mapping
        or value.origin
    )
