"""A small abstract interpreter: follows one file's statements in order and records what each call is called with.

Nothing of the file is run. Names, constants and taints are followed through assignments, containers, local
functions and classes; of a branch both ways are taken, and loops are taken once unless what they iterate over is
constant. Work is bounded by counting steps, so that the answer does not depend on the machine.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeVar

from pydepgate.limits import EVAL_STEPS
from pydepgate.source.calls import CallSite
from pydepgate.source.expressions import EXPRESSIONS, evaluate_children
from pydepgate.source.objects import bind_method
from pydepgate.source.statements import STATEMENTS, defaults_key
from pydepgate.source.values import NOTHING, LocalClass, LocalFunction, Scope, Value, derive, join

MODULE_ROOT: Final = "<module>"
MAIN_ROOT: Final = "<main>"

_MAX_DEPTH: Final = 120
_MAX_CALL_DEPTH: Final = 6
_MAX_SITES: Final = 4


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What following one file gave.

    `calls`: for each call node that was reached, what it is called with (once for each distinct way there, a few
    at most); `imports` and `late_imports` as in `model.FileFacts`; `hooks`: qualified names of
    the classes that the installer runs; `truncated`: whether the step budget ended a loop or a call early.
    """

    calls: Mapping[ast.Call, tuple[CallSite, ...]]
    imports: tuple[str, ...]
    late_imports: tuple[str, ...]
    hooks: frozenset[str]
    truncated: bool


def evaluate(tree: ast.Module, text: str, /, *, steps: int = EVAL_STEPS) -> Evaluation:
    """Follow a module from its first statement to its last, then every function that this did not enter."""
    interpreter = Interpreter(lines=text.split("\n"), steps=steps)
    scope = Scope()
    interpreter.execute(tree.body, scope)
    interpreter.run_rest()
    return Evaluation(
        calls={node: tuple(sites) for node, sites in interpreter.sites.items()},
        imports=tuple(dict.fromkeys(interpreter.imports)),
        late_imports=tuple(dict.fromkeys(interpreter.late_imports)),
        hooks=frozenset(interpreter.hooks),
        truncated=interpreter.truncated,
    )


_Result = TypeVar("_Result")


class OutOfSteps(Exception):
    """The step budget of loops and calls is used up."""


@dataclass(slots=True, eq=False)
class _Remembered:
    """What evaluating a function with arguments of which nothing is known gave, so that once is enough."""

    result: Value
    sites: list[CallSite]


@dataclass(slots=True, eq=False)
class Interpreter:
    """The state of following one file.

    `root` says on whose behalf code is followed (see `model.Signal.roots`), `weak` counts the branches around the
    statement, `exact` the unrolled loops around it. `steps` bounds what is followed more than once; all else is linear.
    """

    lines: Sequence[str]
    steps: int
    root: str = MODULE_ROOT
    weak: int = 0
    exact: int = 0
    depth: int = 0
    frugal: bool = False
    truncated: bool = False
    sites: dict[ast.Call, list[CallSite]] = field(default_factory=dict)
    site_log: list[CallSite] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)
    late_imports: list[str] = field(default_factory=list)
    star_imports: list[str] = field(default_factory=list)
    hooks: set[str] = field(default_factory=set)
    functions: list[LocalFunction] = field(default_factory=list)
    owners: dict[ast.AST, LocalClass] = field(default_factory=dict)
    entered: set[ast.AST] = field(default_factory=set)
    active: list[ast.AST] = field(default_factory=list)
    remembered: dict[ast.AST, _Remembered] = field(default_factory=dict)

    def value(self, node: ast.expr, scope: Scope, /) -> Value:
        """Evaluate an expression."""
        if self.exact or len(self.active) > 1:
            self.spend()
        if self.depth >= _MAX_DEPTH:
            self.truncated = True
            return NOTHING
        self.depth += 1
        try:
            return EXPRESSIONS.get(type(node), evaluate_children)(self, node, scope)
        finally:
            self.depth -= 1

    def execute(self, body: Sequence[ast.stmt], scope: Scope, /) -> None:
        """Follow statements in order."""
        if self.depth >= _MAX_DEPTH:
            self.truncated = True
            return
        self.depth += 1
        try:
            for statement in body:
                handler = STATEMENTS.get(type(statement))
                if handler is not None:
                    handler(self, statement, scope)
        finally:
            self.depth -= 1

    def spend(self) -> None:
        """Count work that is done more than once; when it is too much, give up the loop or call at hand and be
        frugal from then on: loops are gone through once, local calls are not entered."""
        self.steps -= 1
        if self.steps < 0 and not self.frugal:
            self.truncated = self.frugal = True
            raise OutOfSteps

    def unrolled(self, work: Callable[[], _Result], /) -> _Result:
        """Do the work of a loop round by round; once for all if that turns out to be too much."""
        self.exact += 1
        weak, self.weak = self.weak, 0
        try:
            return work()
        except OutOfSteps:
            if self.exact > 1:
                raise
        finally:
            self.exact -= 1
            self.weak = weak
        return work()

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

    def note_import(self, module: str, /) -> None:
        """Keep the name of an imported module, by whether importing the file imports it."""
        (self.imports if self.root == MODULE_ROOT else self.late_imports).append(module)

    def bind(self, name: str, value: Value, scope: Scope, /) -> None:
        """Bind a name, weakly inside a branch."""
        names = scope.module.names if name in scope.globals else scope.names
        names[name] = join(names.get(name), value) if self.weak else value

    def record(self, site: CallSite, /) -> None:
        """Keep what a call is called with; ways beyond the first few only add their root."""
        self.site_log.append(site)
        known = self.sites.setdefault(site.node, [])
        for other in known:
            if other.same_call(site):
                other.roots |= site.roots
                return
        if len(known) < _MAX_SITES:
            known.append(site)
        else:
            known[-1].roots |= site.roots

    def call_local(self, function: LocalFunction, args: Sequence[Value], keywords: Mapping[str, Value], /) -> Value:
        """Follow a call of a function of this file and return what it may return."""
        node = function.node
        args = (*function.bound, *args)
        if node in self.active or len(self.active) >= _MAX_CALL_DEPTH or (self.frugal and self.active):
            return derive(*args, *keywords.values())
        informative = self.exact or any(map(_informs, args)) or any(map(_informs, keywords.values()))
        if not informative and (known := self.remembered.get(node)) is not None:
            for site in known.sites:
                site.roots.add(self.root)
            return known.result
        logged = len(self.site_log)
        try:
            result = self._enter(function, args, keywords)
        except OutOfSteps:
            if self.exact:
                raise
            result = self._enter(function, args, keywords)
        if not informative:
            self.remembered[node] = _Remembered(result, _unique(self.site_log[logged:]))
        return result

    def _enter(self, function: LocalFunction, args: Sequence[Value], keywords: Mapping[str, Value]) -> Value:
        node = function.node
        self.entered.add(node)
        scope = Scope(qualname=function.qualname, parent=function.scope)
        bind_parameters(node.args, args, keywords, scope)
        weak, self.weak = self.weak, 0
        self.active.append(node)
        try:
            if isinstance(node, ast.Lambda):
                return self.value(node.body, scope)
            self.execute(node.body, scope)
        finally:
            self.active.pop()
            self.weak = weak
        result: Value | None = None
        for value in scope.returns:
            result = join(result, value)
        return result if result is not None else Value(const=None)

    def run_rest(self) -> None:
        """Follow each function that nothing entered yet, on its own behalf, with arguments that are unknown."""
        self.steps, self.frugal = EVAL_STEPS, False
        for function in self.functions:  # grows while it is walked: functions define functions
            if function.node not in self.entered:
                self.root = function.qualname
                owner = self.owners.get(function.node)
                member = Value(function=function)
                method = bind_method(member, Value(instance_of=owner)) if owner is not None else member
                self.call_local(method.function or function, (), {})


def bind_parameters(
    parameters: ast.arguments, args: Sequence[Value], keywords: Mapping[str, Value], scope: Scope, /
) -> None:
    """Bind a call's arguments to parameter names; what is not given gets its default from the enclosing scope."""
    names = [parameter.arg for parameter in (*parameters.posonlyargs, *parameters.args)]
    defaults = scope.parent.names.get(defaults_key(parameters)) if scope.parent else None
    if defaults is not None and defaults.mapping:
        scope.names.update({str(name): value for name, value in defaults.mapping.items()})
    scope.names.update(zip(names, args, strict=False))
    if parameters.vararg:
        scope.names[parameters.vararg.arg] = Value(items=list(args[len(names) :]))
    accepted = {*names, *(parameter.arg for parameter in parameters.kwonlyargs)}
    scope.names.update({name: value for name, value in keywords.items() if name in accepted})
    if parameters.kwarg:
        rest: dict[object, Value] = {name: value for name, value in keywords.items() if name not in accepted}
        scope.names[parameters.kwarg.arg] = Value(mapping=rest)
    for name in accepted:
        scope.names.setdefault(name, NOTHING)


def _informs(value: Value, /) -> bool:
    return value.known or bool(
        value.taints or value.name or value.function or value.cls or value.items or value.mapping or value.origin
    )


def _unique(sites: Sequence[CallSite], /) -> list[CallSite]:
    return list({id(site): site for site in sites}.values())
