"""`dataclass`, with methods that are made when they are first needed.

The standard decorator writes and compiles up to eight methods for each class while its module is imported. A report
imports more than a hundred such classes, and instantiates half of them. With the standard decorator, the start of
`layerscope report` takes 51 ms longer (260 instead of 209 ms of CPU time), and `layerscope --help` 60 ms (161 instead
of 101 ms): the least of 20 alternating runs each, with Python 3.11, bytecode, and a small image. Named tuples would take
9 ms longer, but they are equal to any tuple with the same values, and can't check their fields.

Here a class compiles its `__init__` when it has made some objects, since most classes make few, and the other methods
need no compiling. `fields` and `replace` ask the standard decorator when they first need it, so that what they say, and
the types, are those of the standard library. A report would take 15 ms longer if each class asked at its definition, and
compiled its `__init__` at its first object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    import dataclasses
    import inspect
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
        fields = _fields(plain, kw_only)
        made = _slotted(plain, fields, kw_only) if slots else _standard(plain, kw_only)
        methods = {"__init__": _first_init(made, fields, frozen)}
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
        setattr(made, _OWN, fields)
        return made

    def _standard(plain, kw_only):
        return dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=kw_only)(plain)

    def _fields(plain, kw_only):
        """The fields, those of the bases first. Class variables are not fields."""
        found = {}
        for base in plain.__mro__[:0:-1]:
            known = base.__dict__.get(_OWN)
            if known is None:
                known = base.__dict__.get("__dataclass_fields__", {}).values()
            found.update({field.name: field for field in known})
        for name, kind in inspect.get_annotations(plain).items():
            if "ClassVar" in str(kind):
                continue
            given = plain.__dict__.get(name, dataclasses.MISSING)
            own = isinstance(given, dataclasses.Field)
            field = given if own else dataclasses.field(default=given)
            field.name = name
            if field.kw_only is dataclasses.MISSING:
                field.kw_only = kw_only
            found[name] = field
        return list(found.values())

    def _slotted(plain, fields, kw_only):
        """The class with slots. What `dataclasses` says of its fields is found out when something asks for it."""
        names = [field.name for field in fields]
        inherited = {
            slot for base in plain.__mro__[1:-1] for slot in base.__dict__.get("__slots__", ())
        }
        content = {
            name: value
            for name, value in plain.__dict__.items()
            if name not in ("__dict__", "__weakref__", *names)
        }
        content["__slots__"] = tuple(name for name in names if name not in inherited)
        content.setdefault(
            "__match_args__",
            tuple(field.name for field in fields if field.init and not field.kw_only),
        )
        content["__dataclass_fields__"] = _Deferred(plain, kw_only)
        made = type(plain)(plain.__name__, plain.__bases__, content)
        made.__qualname__ = plain.__qualname__
        return made

    class _Deferred:
        """What `dataclasses` knows of a class. The standard decorator takes longer to find it out than all the rest."""

        def __init__(self, plain, kw_only):
            self._plain = plain
            self._kw_only = kw_only

        def __get__(self, _, asked):
            known = _standard(self._plain, self._kw_only)
            for made in asked.__mro__:
                if made.__dict__.get("__dataclass_fields__") is self:
                    made.__dataclass_fields__ = known.__dataclass_fields__
                    made.__dataclass_params__ = known.__dataclass_params__
            return known.__dataclass_fields__

    def _first_init(made, fields, frozen):
        """An `__init__` for the first objects. Then it puts one in its place that takes longer to make and less to run."""
        by_name = {field.name: field for field in fields}
        positional = [field.name for field in fields if field.init and not field.kw_only]
        checks = hasattr(made, "__post_init__")
        left = _UNCOMPILED

        def first_init(self, *args, **keywords):
            nonlocal left
            left -= 1
            values = dict(zip(positional, args, strict=False))
            values.update(keywords)
            if (
                left < 0
                or len(values) < len(args) + len(keywords)
                or not all(name in by_name and by_name[name].init for name in values)
                or not _is_complete(fields, values)
            ):
                made.__init__ = _compiled_init(made, fields, frozen)
                made.__init__(self, *args, **keywords)
                return
            for name, field in by_name.items():
                if name in values:
                    _set(self, name, values[name])
                elif field.default is not dataclasses.MISSING:
                    _set(self, name, field.default)
                elif field.default_factory is not dataclasses.MISSING:
                    _set(self, name, field.default_factory())
            if checks:
                self.__post_init__()

        return first_init

    def _is_complete(fields, values):
        """Whether all fields without a default have a value."""
        return all(
            field.name in values
            or field.default is not dataclasses.MISSING
            or field.default_factory is not dataclasses.MISSING
            or not field.init
            for field in fields
        )

    _set = object.__setattr__
    _OWN = "__record_fields__"
    _UNCOMPILED = 8
    """So many objects of a class are made before its `__init__` is compiled."""

    def _compiled_init(made, fields, frozen):
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
