"""What runs because a class is made: its metaclass, hooks of its bases, and those of what its body binds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydepgate.source.objects import dict_value, method_of
from pydepgate.source.values import LocalClass, LocalFunction, Value

if TYPE_CHECKING:
    from pydepgate.source.interpreter import Interpreter

_MAX_MEMBERS: Final = 64
"""Names of a class body whose values are told that they are its own."""


def created(run: Interpreter, cls: LocalClass, /) -> None:
    """Follow what Python calls once the body of a class has run."""
    made = Value(cls=cls)
    for name, member in list(cls.scope.names.items())[:_MAX_MEMBERS]:
        if (method := method_of(member, "__set_name__")) is not None:
            run.call_local(method, (made, Value(const=name)), {})
        elif member.name.startswith("."):
            run.note_call(f"{member.name}.__set_name__")
    for base in cls.bases:
        if base.cls is None:
            if base.name.startswith("."):
                run.note_call(f"{base.name}.__init_subclass__")
        elif (hook := base.cls.find("__init_subclass__")) is not None and hook.function is not None:
            _call(run, hook.function, (made,))
    _by_metaclass(run, cls, made)


def _by_metaclass(run: Interpreter, cls: LocalClass, made: Value) -> None:
    metaclass = next((one.metaclass for one in (cls, *cls.ancestors()) if one.metaclass is not None), None)
    if metaclass is None:
        return
    if metaclass.cls is None:
        if metaclass.name:
            run.note_call(metaclass.name)
        elif metaclass.function is not None:
            run.call_local(
                metaclass.function, (Value(const=cls.qualname), Value(items=list(cls.bases)), members(cls)), {}
            )
        return
    given = (Value(const=cls.qualname), Value(items=list(cls.bases)), members(cls))
    for name, first in (("__new__", metaclass), ("__init__", made)):
        if (method := metaclass.cls.find(name)) is not None and method.function is not None:
            _call(run, method.function, (first, *given))


def _call(run: Interpreter, function: LocalFunction, args: tuple[Value, ...]) -> None:
    run.call_local(LocalFunction(function.node, function.qualname, function.scope), args, {})


def members(cls: LocalClass, /) -> Value:
    """Return the names of a class and what they hold, as a dict."""
    names = {**cls.scope.names, **cls.attributes}
    return dict_value([(Value(const=name), value) for name, value in names.items()], ())
