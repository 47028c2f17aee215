"""`dataclass`, with methods that are made when they are first needed.

The standard decorator writes and compiles up to eight methods for each class while its module is imported. A report
imports more than a hundred such classes, and instantiates half of them. With the standard decorator, the start of
`layerscope report` takes 51 ms longer (260 instead of 209 ms of CPU time), and `layerscope --help` 60 ms (161 instead
of 101 ms): the least of 20 alternating runs each, with Python 3.11, bytecode, and a small image. Named tuples would take
9 ms longer, but they are equal to any tuple with the same values, and can't check their fields.

Here a class compiles its `__init__` at its first instance, and the other methods need no compiling. Everything else,
such as `fields` and `replace`, is that of the standard library, and so are the types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    import dataclasses
    from operator import attrgetter
    from types import MemberDescriptorType

    def dataclass(
        cls=None,
        /,
        *,
        frozen=False,
        slots=False,
        kw_only=False,
        repr=True,  # noqa: A002  # as in the standard library
        eq=True,
    ):
        """Make a dataclass, as the standard decorator does. Classes with an order need that one."""

        def decorate(plain):
            return _made(plain, frozen=frozen, slots=slots, kw_only=kw_only, shown=repr, eq=eq)

        return decorate if cls is None else decorate(cls)

    def _made(plain, *, frozen, slots, kw_only, shown, eq):
        own = set(plain.__dict__)
        if plain.__doc__ is None:
            plain.__doc__ = plain.__name__
        made = dataclasses.dataclass(
            init=False, repr=False, eq=False, slots=slots, kw_only=kw_only
        )(plain)
        fields = dataclasses.fields(made)
        methods = {"__init__": _first_init(made, frozen)}
        if shown:
            methods["__repr__"] = _repr(fields)
        if eq:
            methods["__eq__"] = _eq(fields)
            methods["__hash__"] = _hash(fields) if frozen else None
        if frozen:
            methods["__setattr__"], methods["__delattr__"] = _frozen(made, fields)
        if frozen and slots:
            methods["__getstate__"], methods["__setstate__"] = _state(fields)
        for name, method in methods.items():
            if name not in own:
                setattr(made, name, method)
        return made

    def _first_init(made, frozen):
        """An `__init__` that puts the real one in its place."""

        def first_init(self, *args, **keywords):
            made.__init__ = _compiled_init(made, frozen)
            made.__init__(self, *args, **keywords)

        return first_init

    def _compiled_init(made, frozen):
        fields = dataclasses.fields(made)
        names = {"_missing": dataclasses.MISSING, "_set": object.__setattr__}
        positional, keywords, lines = [], [], []
        for field in fields:
            name = field.name
            parameter = value = name
            if field.default is not dataclasses.MISSING:
                names[f"_default_{name}"] = field.default
                parameter = f"{name}=_default_{name}"
                value = name if field.init else f"_default_{name}"
            elif field.default_factory is not dataclasses.MISSING:
                names[f"_make_{name}"] = field.default_factory
                parameter = f"{name}=_missing"
                make = f"_make_{name}()"
                value = f"{make} if {name} is _missing else {name}" if field.init else make
            elif not field.init:
                continue
            if field.init:
                (keywords if field.kw_only else positional).append(parameter)
            slot = getattr(made, name, None)
            if not frozen:
                lines.append(f"self.{name} = {value}")
            elif isinstance(slot, MemberDescriptorType):
                names[f"_set_{name}"] = slot.__set__
                lines.append(f"_set_{name}(self, {value})")
            else:
                lines.append(f"_set(self, {name!r}, {value})")
        if hasattr(made, "__post_init__"):
            lines.append("self.__post_init__()")
        parameters = ", ".join(["self", *positional, *(["*", *keywords] if keywords else [])])
        body = "\n    ".join(lines or ["pass"])
        exec(f"def __init__({parameters}):\n    {body}", names)  # noqa: S102  # names of fields, as dataclasses does
        made_init = names["__init__"]
        made_init.__qualname__ = f"{made.__qualname__}.__init__"
        return made_init

    def _values(fields):
        """What takes the values of fields from an object."""
        names = [field.name for field in fields]
        return attrgetter(*names) if names else lambda _: ()

    def _repr(fields):
        names = [field.name for field in fields if field.repr]

        def show(self):
            shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
            return f"{self.__class__.__qualname__}({shown})"

        return show

    def _eq(fields):
        values = _values([field for field in fields if field.compare])

        def equals(self, other):
            if other.__class__ is not self.__class__:
                return NotImplemented
            return values(self) == values(other)

        return equals

    def _hash(fields):
        values = _values(
            [field for field in fields if (field.compare if field.hash is None else field.hash)]
        )

        def hashed(self):
            return hash(values(self))

        return hashed

    def _frozen(made, fields):
        names = frozenset(field.name for field in fields)

        def refuse_to_set(self, name, value):
            if type(self) is made or name in names:
                raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
            super(made, self).__setattr__(name, value)

        def refuse_to_delete(self, name):
            if type(self) is made or name in names:
                raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
            super(made, self).__delattr__(name)

        return refuse_to_set, refuse_to_delete

    def _state(fields):
        """How an object without a `__dict__` is copied and pickled, although it cannot change."""
        names = [field.name for field in fields]

        def values(self):
            return [getattr(self, name) for name in names]

        def restore(self, state):
            for name, value in zip(names, state, strict=True):
                object.__setattr__(self, name, value)

        return values, restore
