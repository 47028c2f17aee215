"""Our dataclasses do what those of the standard library do, and compile nothing before their first instance."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field, fields, replace
from typing import Any

import pytest

from layerscope.limits import DEFAULT_LIMITS
from layerscope.notes import Note
from layerscope.records import dataclass

Decorator = Callable[..., Any]
BOTH = pytest.mark.parametrize("decorator", [dataclass, dataclasses.dataclass])


def point(decorator: Decorator, **options: bool) -> Any:
    @decorator(**options)
    class Point:
        x: int
        y: int = 0
        tags: list[str] = field(default_factory=list)
        cached: int = field(default=7, init=False, repr=False, compare=False)
        name: str = field(default="p", kw_only=True)

        @property
        def total(self) -> int:
            return self.x + self.y

    return Point


@BOTH
@pytest.mark.parametrize("slots", [True, False])
@pytest.mark.parametrize("frozen", [True, False])
def test_an_object_holds_its_values_and_defaults(
    decorator: Decorator, slots: bool, frozen: bool
) -> None:
    kind = point(decorator, slots=slots, frozen=frozen)
    one = kind(1, name="a")
    assert (one.x, one.y, one.tags, one.cached, one.name, one.total) == (1, 0, [], 7, "a", 1)
    assert kind(1).tags is not kind(1).tags
    assert kind(1, 2, ["t"], name="q").tags == ["t"]
    assert repr(one).endswith("Point(x=1, y=0, tags=[], name='a')")
    assert hasattr(one, "__dict__") is not slots
    assert [each.name for each in fields(kind)] == ["x", "y", "tags", "cached", "name"]


@BOTH
def test_equal_values_of_the_same_class_are_equal(decorator: Decorator) -> None:
    kind, other = point(decorator), point(decorator)
    assert kind(1, 2) == kind(1, 2)
    assert kind(1, 2) != kind(1, 3)
    assert kind(1) != kind(1, name="other")
    assert kind(1) != other(1)


@BOTH
def test_only_frozen_objects_have_a_hash(decorator: Decorator) -> None:
    @decorator(frozen=True, slots=True)
    class Key:
        a: int
        b: str = ""

    key: Any = Key
    assert hash(key(1, "x")) == hash(key(1, "x"))
    assert len({key(1), key(1), key(2)}) == 2
    with pytest.raises(TypeError, match="unhashable"):
        hash(point(decorator)(1))


@BOTH
def test_methods_that_a_class_defines_are_kept(decorator: Decorator) -> None:
    @decorator(frozen=True, slots=True)
    class Own:
        a: int

        def __hash__(self) -> int:
            return 42

        def __repr__(self) -> str:
            return "own"

    own: Any = Own
    assert hash(own(1)) == 42
    assert repr(own(1)) == "own"


@BOTH
@pytest.mark.parametrize("slots", [True, False])
def test_a_frozen_object_cannot_change(decorator: Decorator, slots: bool) -> None:
    one = point(decorator, frozen=True, slots=slots)(1)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
        one.x = 2
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'x'"):
        del one.x
    assert replace(one, x=5).x == 5
    assert one.x == 1


@BOTH
@pytest.mark.parametrize("slots", [True, False])
@pytest.mark.parametrize("frozen", [True, False])
def test_an_object_can_be_copied(decorator: Decorator, slots: bool, frozen: bool) -> None:
    one = point(decorator, slots=slots, frozen=frozen)(1, 2, ["t"])
    assert copy.copy(one) == one
    assert copy.deepcopy(one).tags is not one.tags


def test_objects_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(DEFAULT_LIMITS)) == DEFAULT_LIMITS
    note = Note("code", "message", 1, b"path")
    assert pickle.loads(pickle.dumps(note)) == note


@BOTH
def test_wrong_arguments_are_refused_by_the_first_call_as_well(decorator: Decorator) -> None:
    for _ in range(2):
        with pytest.raises(TypeError, match=r"Point\.__init__\(\) got an unexpected keyword"):
            point(decorator)(1, nothing=2)
    with pytest.raises(TypeError, match="positional"):
        point(decorator, kw_only=True)(1)


@BOTH
def test_a_subclass_has_the_fields_of_both(decorator: Decorator) -> None:
    @decorator(slots=True)
    class Base:
        a: int = 0
        b: int | None = 0

    @decorator(slots=True)
    class More(Base):
        c: str = field(kw_only=True)
        d: int = 3

    base: Any = Base
    make: Any = More
    more = make(1, 2, 4, c="c")
    assert (more.a, more.b, more.c, more.d) == (1, 2, "c", 4)
    assert base(1, 2) != more
    assert base(5).b == 0


@BOTH
def test_what_follows_the_values_runs_after_them(decorator: Decorator) -> None:
    @decorator
    class Checked:
        a: int

        def __post_init__(self) -> None:
            if self.a < 0:
                raise ValueError("negative")

    checked: Any = Checked
    assert checked(1).a == 1
    with pytest.raises(ValueError, match="negative"):
        checked(-1)


def test_a_class_is_compiled_once_after_some_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []

    def counted(source: str, names: dict[str, object]) -> None:
        compiled.append(source)
        exec(source, names)

    monkeypatch.setitem(vars(__import__("layerscope.records", fromlist=["x"])), "exec", counted)
    kind = point(dataclass, frozen=True, slots=True)
    assert compiled == []
    made = [kind(number) for number in range(20)]
    assert len(compiled) == 1
    assert [one.x for one in made] == list(range(20))
    assert len({type(one) for one in made}) == 1


def test_a_record_survives_pickle_and_copy() -> None:
    from layerscope.limits import Limits

    limits = Limits(layers=7)
    assert pickle.loads(pickle.dumps(limits)) == limits
    assert copy.copy(limits) == limits
