"""Functions that reach others by name, or call what they are given: `getattr`, `__import__`, `globals`, `map`, ..."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pydepgate.quiet import PARSER_ERRORS, parse_expression_quietly
from pydepgate.regex import regex
from pydepgate.source.assignment import set_attribute
from pydepgate.source.creation import members
from pydepgate.source.objects import (
    MAX_PARTS,
    THIS_MODULE,
    dict_value,
    element_of,
    rounds_of,
    sequence_value,
    spread_of,
    taken_from,
)
from pydepgate.source.texts import text_of
from pydepgate.source.values import NOTHING, LocalClass, LocalFunction, Scope, Step, Value, derive

if TYPE_CHECKING:
    from pydepgate.source.calls import CallSite
    from pydepgate.source.interpreter import Interpreter


def _getattr(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    owner, attribute = site.argument(0), site.argument(1)
    if not attribute.text:
        return derive(*site.args)
    found = run.attribute(owner, attribute.text, scope)
    return found if not owner.known or found.function else None


def _get_by_name(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    name = site.argument(0).text
    return run.attribute(Value(name="builtins"), name, scope) if name else None


def _apply(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    return run.apply(site, site.args[0], site.args[1:], scope) if site.args else None


def _import(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    module = site.argument(0, "name").text
    if site.argument(0, "name").name == "builtins.__name__":
        return Value(name=THIS_MODULE)
    if not module:
        return derive(*site.args, name="?module")
    run.note_import(module)
    if site.name == "builtins.__import__" and not _is_given(site.argument(3, "fromlist")):
        module = module.partition(".")[0]
    return Value(name="builtins" if module == "__builtin__" else module)


def _is_given(value: Value) -> bool:
    return bool(value.const) if value.known else value is not NOTHING


def _namespace(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    if site.name == "builtins.vars" and site.args and (cls := site.args[0].cls or site.args[0].instance_of) is not None:
        return members(cls)
    if site.name == "builtins.vars" and site.args:
        return Value(name=f"{site.args[0].name}.__dict__")
    return Value(name=f"{site.name}()")


def _names_of_module(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    """Return what the module binds so far, as a loop over its name space sees it."""
    names = [(name, value) for name, value in scope.module.names.items() if name.isidentifier()][:MAX_PARTS]
    if site.name.endswith("items"):
        return Value(items=[Value(items=[Value(const=name), value]) for name, value in names])
    return Value(items=[value for _, value in names])


def _members(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    owner = site.argument(0, "object")
    if (cls := owner.cls or owner.instance_of) is not None:
        return taken_from(Value(mapping=spread_of(members(cls))), "items", ())
    if owner.name != THIS_MODULE:
        return None
    return Value(items=[Value(items=[Value(const=n), v]) for n, v in scope.module.names.items()][:MAX_PARTS])


def _get(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    owner = site.receiver
    return element_of(run.work, owner, site.argument(0), scope) if owner is not None else None


def _update(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    new = site.argument(0)
    names: dict[object, Value] = {**(new.mapping or {}), **dict(site.keywords.items())}
    if isinstance(new.const, dict):
        names.update({key: Value(const=value) for key, value in new.const.items()})
    scope.module.names.update({name: value for name, value in names.items() if isinstance(name, str)})
    return Value(const=None)


def _setattr(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    owner, attribute = site.argument(0), site.argument(1)
    if attribute.text and len(site.args) > 2:
        shown = site.node.args[0] if site.node.args else None
        set_attribute(run, owner, attribute.text, site.args[2], scope, shown=shown)
    return Value(const=None)


def _next(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    return element_of(run.work, site.argument(0), Value(const=0), scope)


def _dict(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    if not site.keywords:
        return None
    return dict_value([(Value(const=key), value) for key, value in site.keywords.items()], site.args)


def _type(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    if len(site.args) != 3:
        return None
    name, bases, members = site.args
    inner = Scope(qualname=name.text, parent=scope, is_class=True)
    inner.names.update({key: value for key, value in (members.mapping or {}).items() if isinstance(key, str)})
    if isinstance(members.const, dict):
        inner.names.update({str(key): Value(const=value) for key, value in members.const.items()})
    return Value(cls=LocalClass(name.text, inner, tuple(bases.items or ())))


def _record(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    return Value(instance_of=LocalClass(site.name, Scope(), (), dict(site.keywords)))


def _itself(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    return site.args[0] if site.args and site.args[0].function is not None else None


def _named_tuple(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    given = site.argument(1, "field_names").const
    names = given.replace(",", " ").split() if isinstance(given, str) else given
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        return None
    return Value(cls=LocalClass(site.argument(0).text, Scope(), (), fields=tuple(map(str, names))))


def _substitute(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    """Return what `string.Template` makes of its text, piece by piece."""
    template = (site.receiver.made_with or {}).get(0) if site.receiver is not None else None
    if template is None or not template.text or len(template.text) > _MAX_EVAL:
        return None
    given: dict[object, Value] = {**spread_of(site.argument(0)), **dict(site.keywords.items())}
    parts: list[Value] = []
    for number, part in enumerate(_PLACE.split(template.text)):
        parts.append(given.get(part.strip("{}"), Value()) if number % 2 else Value(const=part))
    return text_of(parts)


_PLACE: Final = regex(r"\$(\w+|\{\w+\})")


def _super(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    cls = run.owners.get(run.active[-1]) if run.active else None
    if cls is None:
        return None
    # a class that has the bases alone; what is called through it is still called on the instance
    above = LocalClass(cls.qualname, Scope(), cls.bases)
    return Value(instance_of=above, bound=(Value(instance_of=cls),))


def _getter(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    return Value(name=f"{site.name}().__call__", bound=site.args)


def _get_attribute(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    value = site.argument(1)
    for part in site.argument(0).text.split("."):
        value = run.attribute(value, part, scope)
    return value


def _get_item(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    return element_of(run.work, site.argument(1), site.argument(0), scope)


def _call_method(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    name, *given, owner = site.args if len(site.args) > 1 else (NOTHING, NOTHING)
    return run.apply(site, run.attribute(owner, name.text, scope), tuple(given), scope)


def _partial(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    target, rest = site.argument(0), site.args[1:]
    if target.function is not None:
        function = target.function
        bound = LocalFunction(function.node, function.qualname, function.scope, (*function.bound, *rest))
        return Value(function=bound)
    return replace(target, bound=rest)


def _map(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    function, source = site.argument(0), site.argument(1)
    keep_if = site.name == "builtins.filter"

    def values() -> list[Value]:
        results = []
        for element in rounds_of(run, source, scope):
            result = run.apply(site, function, (element,), scope)
            if not keep_if:
                results.append(result)
            elif not result.known or result.const:
                results.append(element)
        return results

    return sequence_value(site.node, run.unrolled(values))


def _reduce(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    function, source = site.argument(0), site.argument(1)

    def total() -> Value:
        elements = list(rounds_of(run, source, scope))
        if len(site.args) > 2:
            elements.insert(0, site.args[2])
        value = elements[0]
        for element in elements[1:]:
            value = run.apply(site, function, (value, element), scope)
        return value

    return run.unrolled(total)


def _compile(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    source = site.argument(0, "source")
    value = derive(source, const=source.const, name=source.name, step=Step("compile", site.node.lineno))
    value.made_with = source.made_with
    return value


def _eval(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    source = site.argument(0).text.strip()
    run.work.left -= _EVAL_WORK + 16 * len(source)
    if not source or len(source) > _MAX_EVAL or run.work.left < 0:
        return None
    try:
        expression = parse_expression_quietly(source)
    except PARSER_ERRORS:
        return None
    return derive(found, name=found.name) if (found := run.value(expression, scope)).name else found


_EVAL_WORK: Final = 4096
"""What parsing a constant counts for (see `bounds.Work`), besides its length."""
_MAX_EVAL: Final = 4096
"""Characters of a constant expression given to `eval` that are evaluated in place."""


SPECIAL: Final[Mapping[str, Callable[[Interpreter, CallSite, Scope], Value | None]]] = {
    "builtins.dict": _dict,
    "builtins.__getattribute__": _get_by_name,
    "builtins.getattr": _getattr,
    "builtins.object.__getattribute__": _getattr,
    "builtins.globals().update": _update,
    "builtins.locals().update": _update,
    "builtins.next": _next,
    "builtins.setattr": _setattr,
    "builtins.staticmethod": _itself,
    "builtins.super": _super,
    "builtins.type": _type,
    "builtins.vars().update": _update,
    "operator.attrgetter": _getter,
    "operator.call": _apply,
    "operator.attrgetter().__call__": _get_attribute,
    "operator.itemgetter": _getter,
    "operator.itemgetter().__call__": _get_item,
    "operator.methodcaller": _getter,
    "operator.methodcaller().__call__": _call_method,
    "collections.namedtuple": _named_tuple,
    "string.Template().safe_substitute": _substitute,
    "string.Template().substitute": _substitute,
    "types.SimpleNamespace": _record,
    "builtins.__import__": _import,
    "importlib.import_module": _import,
    "importlib.__import__": _import,
    "builtins.globals": _namespace,
    "builtins.locals": _namespace,
    "builtins.vars": _namespace,
    "builtins.globals().get": _get,
    **dict.fromkeys(
        (f"builtins.{space}().{method}" for space in ("globals", "locals", "vars") for method in ("items", "values")),
        _names_of_module,
    ),
    "inspect.getmembers": _members,
    "builtins.locals().get": _get,
    "builtins.vars().get": _get,
    "builtins.__dict__.get": _get,
    "sys.modules.get": _get,
    "functools.partial": _partial,
    "builtins.map": _map,
    "builtins.filter": _map,
    "functools.reduce": _reduce,
    "builtins.compile": _compile,
    "builtins.eval": _eval,
}
