"""Hypothesis strategies for layer stacks, with few names to make layers collide at the same paths."""

from __future__ import annotations

import struct
from collections.abc import Sequence

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

folders = st.lists(st.sampled_from(LETTERS), max_size=3).map("/".join)
paths = st.one_of(
    st.builds(
        lambda folder, base: f"{folder}/{base}" if folder else base,
        folders,
        st.sampled_from(LAST),
    ),
    st.sampled_from([f"{DEEP}/a", f"{DEEP}/b", DEEP, "d", "d/d/d"]),
)
CAPABILITY = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)
xattrs = st.sampled_from([{}, {}, {}, {"user.x": b"1"}, {"security.capability": CAPABILITY}])
files = st.builds(
    File,
    st.sampled_from(CONTENTS),
    mode=st.sampled_from([0o644, 0o755, 0o4755]),
    uid=st.sampled_from([0, 0, 1000]),
    gid=st.sampled_from([0, 0, 50]),
    mtime=st.sampled_from([0, 0, 1700000000]),
    xattrs=xattrs,
)
directories = st.builds(Directory, mode=st.sampled_from([0o755, 0o700]))
others: st.SearchStrategy[Node] = st.sampled_from([Fifo(), Device(major=1, minor=3)])


def spelled(path: str, style: str, folder: bool) -> str:
    return style + path + ("/" if folder else "")


@st.composite
def members(draw: st.DrawFn) -> Member:
    """One member of a layer."""
    path = draw(paths)
    style = draw(st.sampled_from(["", "", "", "./", "/"]))
    kind = draw(
        st.sampled_from(
            ["file"] * 8
            + ["whiteout"] * 4
            + ["hardlink"] * 3
            + ["directory"] * 3
            + ["symlink"] * 2
            + ["opaque", "other"]
        )
    )
    node: Node
    if kind == "file":
        node = draw(files)
    elif kind == "whiteout":
        node = WHITEOUT
    elif kind == "opaque":
        node = OPAQUE
        path = draw(folders)
    elif kind == "directory":
        node = draw(directories)
    elif kind == "symlink":
        node = Symlink(draw(paths))
    elif kind == "hardlink":
        node = Hardlink(draw(paths), header_size=draw(st.sampled_from([0, 0, 3, 512])))
    else:
        node = draw(others)
    return spelled(path, style, kind == "directory" and draw(st.booleans())), node


@st.composite
def again(draw: st.DrawFn, earlier: Sequence[Member]) -> Member:
    """A member of an earlier layer: unchanged, with other attributes, or as another node."""
    name, node = draw(st.sampled_from(list(earlier)))
    if isinstance(node, File):
        how = draw(st.sampled_from(["same", "mode", "mtime", "owner", "data", "whiteout", "link"]))
        if how == "mode":
            node = replace_file(node, mode=0o600)
        elif how == "mtime":
            node = replace_file(node, mtime=node.mtime + 1)
        elif how == "owner":
            node = replace_file(node, uid=node.uid + 1)
        elif how == "data":
            node = replace_file(node, data=bytes(reversed(node.data)) + b"!")
        elif how == "whiteout":
            return as_bytes(name).rstrip(b"/"), WHITEOUT
        elif how == "link":
            return draw(paths), Hardlink(name)
    return name, node


def replace_file(node: File, **changes: object) -> File:
    fields = {name: getattr(node, name) for name in node.__dataclass_fields__} | changes
    return File(**fields)


@st.composite
def stacks(draw: st.DrawFn, most: int = 5, size: int = 9) -> list[list[Member]]:
    """Up to `most` layers with up to `size` members each, from the base up."""
    layers: list[list[Member]] = []
    for _ in range(draw(st.integers(1, most))):
        known = [member for layer in layers for member in layer]
        one = st.one_of(members(), again(known)) if known else members()
        layers.append(draw(st.lists(one, max_size=size)))
    return layers


def image_of(stack: Sequence[Sequence[Member]]) -> BuiltImage:
    """An image of these layers, each made by one RUN."""
    builder = ImageBuilder("random:1")
    for number, layer in enumerate(stack):
        builder.layer(layer, f"/bin/sh -c step {number}")
    return builder.build()
