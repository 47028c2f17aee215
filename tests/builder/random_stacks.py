"""Random layer stacks, with few names to make layers collide at the same paths: for Hypothesis, or from a seed."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from hypothesis import strategies as st

from tests.builder.image import BuiltImage, ImageBuilder
from tests.builder.nodes import (
    OPAQUE,
    WHITEOUT,
    Device,
    Directory,
    Fifo,
    File,
    Hardlink,
    Member,
    Node,
    Symlink,
    as_bytes,
)

LETTERS = ("a", "b", "c")
LAST = ("a", "b", "c", "é", "name with blank")
CONTENTS = (b"", b"one", b"two", b"1" * 512, b"2" * 512, b"3" * 1300)
DEEP = "/".join(["d"] * 60)
DEEP_PATHS = (f"{DEEP}/a", f"{DEEP}/b", DEEP, "d", "d/d/d")
CAPABILITY = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)
XATTRS: Sequence[Mapping[str, bytes]] = (
    *({},) * 3,
    {"user.x": b"1"},
    {"security.capability": CAPABILITY},
)
OTHERS: Sequence[Node] = (Fifo(), Device(major=1, minor=3))
KINDS = (
    *("file",) * 8,
    *("whiteout",) * 4,
    *("hardlink",) * 3,
    *("directory",) * 3,
    *("symlink",) * 2,
    "opaque",
    "other",
)
T = TypeVar("T")


class Source(Protocol):
    """Where the choices come from."""

    def choice(self, options: Sequence[T], /) -> T: ...

    def randint(self, least: int, most: int, /) -> int: ...


@dataclass(frozen=True)
class Drawn:
    """Choices that Hypothesis draws, and shrinks."""

    draw: st.DrawFn

    def choice(self, options: Sequence[T], /) -> T:
        return self.draw(st.sampled_from(options))

    def randint(self, least: int, most: int, /) -> int:
        return self.draw(st.integers(least, most))


def folder(source: Source) -> str:
    return "/".join(source.choice(LETTERS) for _ in range(source.randint(0, 3)))


def path(source: Source) -> str:
    if source.randint(0, 1):
        return source.choice(DEEP_PATHS)
    above, base = folder(source), source.choice(LAST)
    return f"{above}/{base}" if above else base


def file(source: Source) -> File:
    return File(
        source.choice(CONTENTS),
        mode=source.choice((0o644, 0o755, 0o4755)),
        uid=source.choice((0, 0, 1000)),
        gid=source.choice((0, 0, 50)),
        mtime=source.choice((0, 0, 1700000000)),
        xattrs=source.choice(XATTRS),
    )


def member(source: Source) -> Member:
    """One member of a layer."""
    where = path(source)
    style = source.choice(("", "", "", "./", "/"))
    kind = source.choice(KINDS)
    node: Node
    if kind == "file":
        node = file(source)
    elif kind == "whiteout":
        node = WHITEOUT
    elif kind == "opaque":
        node = OPAQUE
        where = folder(source)
    elif kind == "directory":
        node = Directory(mode=source.choice((0o755, 0o700)))
        where += source.choice(("", "/"))
    elif kind == "symlink":
        node = Symlink(path(source))
    elif kind == "hardlink":
        node = Hardlink(path(source), header_size=source.choice((0, 0, 3, 512)))
    else:
        node = source.choice(OTHERS)
    return style + where, node


def again(source: Source, earlier: Sequence[Member]) -> Member:
    """A member of an earlier layer: unchanged, with other attributes, or as another node."""
    name, node = source.choice(earlier)
    if not isinstance(node, File):
        return name, node
    match source.choice(("same", "mode", "mtime", "owner", "data", "whiteout", "link")):
        case "mode":
            node = replaced(node, mode=0o600)
        case "mtime":
            node = replaced(node, mtime=node.mtime + 1)
        case "owner":
            node = replaced(node, uid=node.uid + 1)
        case "data":
            node = replaced(node, data=bytes(reversed(node.data)) + b"!")
        case "whiteout":
            return as_bytes(name).rstrip(b"/"), WHITEOUT
        case "link":
            return path(source), Hardlink(name)
    return name, node


def replaced(node: File, **changes: object) -> File:
    fields = {name: getattr(node, name) for name in node.__dataclass_fields__} | changes
    return File(**fields)


def stack(source: Source, most: int = 5, size: int = 9) -> list[list[Member]]:
    """Up to `most` layers with up to `size` members each, from the base up."""
    layers: list[list[Member]] = []
    for _ in range(source.randint(1, most)):
        known = [each for layer in layers for each in layer]
        layers.append(
            [
                again(source, known) if known and source.randint(0, 1) else member(source)
                for _ in range(source.randint(0, size))
            ]
        )
    return layers


@st.composite
def stacks(draw: st.DrawFn, most: int = 5, size: int = 9) -> list[list[Member]]:
    """What `stack` makes of Hypothesis's choices."""
    return stack(Drawn(draw), most, size)


def numbered(
    number: int, seed: int = 1, unwanted: Callable[[list[list[Member]]], bool] | None = None
) -> list[list[Member]]:
    """The stack with this number, always the same for the same seed, without the members that make it unwanted."""
    made = stack(random.Random(f"stack {seed}/{number}"))
    if unwanted is None or not unwanted(made):
        return made
    kept: list[list[Member]] = []
    for layer in made:
        kept.append(layer)
        if not unwanted(kept):
            continue
        kept[-1] = []
        for each in layer:
            kept[-1].append(each)
            if unwanted(kept):
                kept[-1].pop()
    return kept


def image_of(layers: Sequence[Sequence[Member]]) -> BuiltImage:
    """An image of these layers, each made by one RUN."""
    builder = ImageBuilder("random:1")
    for number, layer in enumerate(layers):
        builder.layer(layer, f"/bin/sh -c step {number}")
    return builder.build()
