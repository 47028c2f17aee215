"""The union filesystem of a layer stack, worked out slowly: the whole tree is copied per layer.

It reads what the builder was told to write, not tar bytes, and shares no code with layerscope.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.builder.nodes import (
    OPAQUE_NAME,
    WHITEOUT_PREFIX,
    Directory,
    File,
    Hardlink,
    Member,
    Opaque,
    Sparse,
    Symlink,
    Whiteout,
    as_bytes,
)

KINDS = ("deleted", "overwritten", "metadata_only", "identical_rewrite", "duplicate_entry")
AUFS_PREFIX = b".wh..wh."
Path = tuple[bytes, ...]


@dataclass(eq=False)
class Content:
    """The stored bytes of one regular file: an inode, with as many names as there are."""

    layer: int
    path: Path
    data: bytes
    attributes: tuple[object, ...]


@dataclass(frozen=True, eq=False)
class Entry:
    kind: str
    layer: int
    content: Content | None = None
    target: bytes = b""


@dataclass(frozen=True)
class Waste:
    path: bytes
    kind: str
    bytes: int
    layer: int
    wasted_by: int


@dataclass(frozen=True)
class LayerSums:
    content: int
    live: int
    wasted: int


@dataclass
class Expected:
    """What the rules give; `ambiguous` names what no rule decides, so that no number is sure."""

    live_files: dict[bytes, bytes] = field(default_factory=dict)
    tree: dict[bytes, str] = field(default_factory=dict)
    layers: list[LayerSums] = field(default_factory=list)
    waste: list[Waste] = field(default_factory=list)
    broken_links: int = 0
    replaced_parents: int = 0
    ambiguous: list[str] = field(default_factory=list)

    @property
    def content(self) -> int:
        return sum(layer.content for layer in self.layers)

    @property
    def live(self) -> int:
        return sum(layer.live for layer in self.layers)

    @property
    def wasted(self) -> int:
        return sum(layer.wasted for layer in self.layers)

    @property
    def by_kind(self) -> dict[str, int]:
        sums: Counter[str] = Counter()
        for item in self.waste:
            sums[item.kind] += item.bytes
        return {kind: sums[kind] for kind in KINDS}


def clean(name: bytes) -> Path:
    """The path that a member's name stands for, under the root whatever it says."""
    parts: list[bytes] = []
    for part in name.split(b"/"):
        if part == b"..":
            del parts[-1:]
        elif part not in (b"", b"."):
            parts.append(part)
    return tuple(parts)


def show(path: Path) -> bytes:
    return b"/" + b"/".join(path)


def expect(layers: Sequence[Sequence[Member]]) -> Expected:
    """Stack the layers and say what is left, what is wasted, and by which event."""
    return Stack().run(layers)


class Stack:
    def __init__(self) -> None:
        self.tree: dict[Path, Entry] = {(): Entry("directory", 0)}
        self.contents: list[Content] = []
        self.waste: list[Waste] = []
        self.gone: set[int] = set()
        self.out = Expected()

    def run(self, layers: Sequence[Sequence[Member]]) -> Expected:
        for number, members in enumerate(layers):
            self.tree = dict(self.tree)
            for name, node in members:
                self.hide(number, as_bytes(name), node)
            for name, node in members:
                self.put(number, as_bytes(name), node)
        out = self.out
        out.waste = self.waste
        alive = self.named()
        for number in range(len(layers)):
            mine = [content for content in self.contents if content.layer == number]
            live = sum(len(content.data) for content in mine if id(content) in alive)
            total = sum(len(content.data) for content in mine)
            out.layers.append(LayerSums(total, live, total - live))
        for path, entry in self.tree.items():
            out.tree[show(path)] = entry.kind
            if entry.content is not None:
                out.live_files[show(path)] = entry.content.data
        return out

    def named(self) -> set[int]:
        return {id(entry.content) for entry in self.tree.values() if entry.content is not None}

    # What a layer removes from the layers below it.

    def hide(self, number: int, name: bytes, node: object) -> None:
        path = clean(name)
        if isinstance(node, Opaque) and (not path or path[-1] != OPAQUE_NAME):
            path = (*path, OPAQUE_NAME)
        if isinstance(node, Whiteout) and not path[-1].startswith(WHITEOUT_PREFIX):
            path = (*path[:-1], WHITEOUT_PREFIX + path[-1])
        if not path or not path[-1].startswith(WHITEOUT_PREFIX) or is_aufs(path):
            return
        folder, base = path[:-1], path[-1]
        for above in ancestors((*folder, b"")):
            entry = self.tree.get(above)
            if entry is not None and entry.kind != "directory":
                self.out.ambiguous.append(f"{show(path)!r} below a {entry.kind}")
        if base == OPAQUE_NAME:
            self.remove(number, [p for p in self.tree if p != folder and below(p, folder)])
        else:
            victim = (*folder, base.removeprefix(WHITEOUT_PREFIX))
            if victim[-1] in (b"", b".", b".."):
                return
            self.remove(number, [path for path in self.tree if below(path, victim)])

    def remove(self, number: int, paths: list[Path]) -> None:
        for path in paths:
            del self.tree[path]
        self.settle(number, "deleted")

    # What a layer puts on top.

    def put(self, number: int, name: bytes, node: object) -> None:
        path = clean(name)
        if isinstance(node, Whiteout | Opaque) or is_aufs(path):
            return
        if not path or path[-1].startswith(WHITEOUT_PREFIX):
            return
        for above in ancestors(path):
            old = self.tree.get(above)
            if old is not None and old.kind == "symlink" and old.layer == number:
                self.out.ambiguous.append(f"{show(path)!r} below a symlink of its own layer")
            if old is None or old.kind != "directory":
                self.out.replaced_parents += old is not None
                self.tree[above] = Entry("directory", number)
                self.settle(number, "overwritten")
        entry = self.entry(number, path, node)
        old = self.tree.get(path)
        if old is not None and old.kind == entry.kind == "directory":
            return
        self.tree[path] = entry
        if entry.content is not None and entry.content not in self.contents:
            self.contents.append(entry.content)
        for inner in [p for p in self.tree if p != path and below(p, path)]:
            del self.tree[inner]
        self.settle(number, replaced(old, entry))

    def entry(self, number: int, path: Path, node: object) -> Entry:
        match node:
            case Directory():
                return Entry("directory", number)
            case Symlink():
                return Entry("symlink", number, target=as_bytes(node.target))
            case Hardlink():
                return self.link(number, path, clean(as_bytes(node.target)))
            case File():
                content = Content(number, path, node.data, attributes(node))
            case Sparse():
                table = tuple((offset, len(part)) for offset, part in node.chunks)
                data = b"".join(part for _, part in node.chunks)
                content = Content(number, path, data, (*attributes(node), node.size, table))
            case _:
                return Entry("other", number)
        return Entry("file", number, content)

    def link(self, number: int, path: Path, target: Path) -> Entry:
        if target != path and (below(target, path) or below(path, target)):
            self.out.ambiguous.append(f"link {show(path)!r} above or below {show(target)!r}")
        for above in ancestors(target):
            entry = self.tree.get(above)
            if entry is not None and entry.kind != "directory":
                self.out.ambiguous.append(f"link {show(path)!r} through {show(above)!r}")
        found = self.tree.get(target)
        if found is None or target == path or found.kind == "directory":
            self.out.broken_links += 1
            return Entry("broken", number)
        if found.kind == "broken":
            self.out.ambiguous.append(f"link {show(path)!r} to a broken link")
            return Entry("broken", number)
        return Entry(found.kind, number, found.content, found.target)

    def settle(self, number: int, kind: str) -> None:
        """Count the contents that the event just now took the last name from."""
        alive = self.named()
        for content in self.contents:
            key = id(content)
            if key in alive or key in self.gone:
                continue
            self.gone.add(key)
            how = "duplicate_entry" if content.layer == number else kind
            if content.data:
                self.waste.append(
                    Waste(show(content.path), how, len(content.data), content.layer, number)
                )


def attributes(node: File | Sparse) -> tuple[object, ...]:
    mode = 0o644 if node.mode is None else node.mode
    return (mode, node.uid, node.gid, node.mtime, tuple(sorted(node.xattrs.items())))


def replaced(old: Entry | None, new: Entry) -> str:
    """The kind of waste when `new` takes the path of `old`."""
    if old is not None and old.kind == "directory":
        return "deleted"
    if old is None or old.content is None or new.content is None:
        return "overwritten"
    if old.content.data != new.content.data:
        return "overwritten"
    if old.content.attributes != new.content.attributes:
        return "metadata_only"
    return "identical_rewrite"


def ancestors(path: Path) -> Iterator[Path]:
    for depth in range(1, len(path)):
        yield path[:depth]


def below(path: Path, top: Path) -> bool:
    """Whether `path` is `top` or under it."""
    return path[: len(top)] == top


def is_aufs(path: Path) -> bool:
    return any(part.startswith(AUFS_PREFIX) and part != OPAQUE_NAME for part in path)
