"""The union filesystem of a layer stack, computed slowly: the whole tree is copied per layer.

It reads the builder's input, not tar bytes, and shares no code with layerscope.
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
    Meta,
    Opaque,
    Sparse,
    Symlink,
    Whiteout,
    as_bytes,
)

KINDS = ("deleted", "overwritten", "metadata_only", "identical_rewrite", "duplicate_entry")
LOOP = "in a loop of symlinks"
AUFS_PREFIX = b".wh..wh."
Path = tuple[bytes, ...]


@dataclass(eq=False)
class Content:
    """The stored bytes of one regular file: an inode with any number of names."""

    layer: int
    path: Path
    data: bytes
    attributes: tuple[object, ...]


@dataclass(frozen=True, eq=False)
class Entry:
    """What is at a path; `header` holds the fields whose change counts."""

    kind: str
    layer: int
    content: Content | None = None
    explicit: bool = False
    header: tuple[object, ...] = ()
    target: bytes = b""


IMPLICIT = ("directory", 0o755, 0, 0, ())
"""The header of a directory without a tar entry."""


@dataclass(frozen=True)
class Waste:
    path: bytes
    kind: str
    bytes: int
    layer: int
    wasted_by: int


@dataclass(frozen=True)
class LayerSums:
    """The bytes of a layer, and how many paths it added, modified and deleted."""

    content: int
    live: int
    wasted: int
    added: int
    modified: int
    deleted: int


@dataclass
class Expected:
    """The result of the rules; `disputed` lists what engines disagree on or refuse."""

    live_files: dict[bytes, bytes] = field(default_factory=dict)
    layers: list[LayerSums] = field(default_factory=list)
    waste: list[Waste] = field(default_factory=list)
    disputed: list[str] = field(default_factory=list)

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
    """The path that a member's name means, always under the root."""
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
    """Stack the layers and return what is left, what is wasted, and by which event."""
    return Stack().run(layers)


class Stack:
    def __init__(self) -> None:
        self.number = 0
        self.tree: dict[Path, Entry] = {(): Entry("directory", 0, header=IMPLICIT)}
        self.contents: list[Content] = []
        self.lost: list[tuple[Content, Path | None]] = []
        self.out = Expected()

    def run(self, layers: Sequence[Sequence[Member]]) -> Expected:
        out = self.out
        changes = []
        for number, members in enumerate(layers):
            self.number = number
            self.lost = []
            before = self.tree
            self.tree = dict(before)
            whiteouts = self.whiteouts(members)
            for folder, victim in whiteouts:
                self.hide(folder, victim)
            for folder, _ in whiteouts:
                self.turn(folder)
            for name, node in members:
                self.put(as_bytes(name), node)
            self.judge()
            changes.append(self.changes(before))
        wasted: Counter[int] = Counter()
        for item in out.waste:
            wasted[item.layer] += item.bytes
        for number, counts in enumerate(changes):
            total = sum(len(content.data) for content in self.contents if content.layer == number)
            sums = (total, total - wasted[number], wasted[number])
            out.layers.append(LayerSums(*sums, *counts))
        for path, entry in self.tree.items():
            if entry.content is not None:
                out.live_files[show(path)] = entry.content.data
        return out

    # What a layer removes from the layers below it.

    def whiteouts(self, members: Sequence[Member]) -> list[tuple[Path, Path | None]]:
        """The folder and target of each whiteout, through the symlinks before it in its layer."""
        found: list[tuple[Path, Path | None]] = []
        for position, (name, node) in enumerate(members):
            folder, victim = whiteout(as_bytes(name), node)
            if folder is None:
                continue
            alone = Stack()
            for earlier, other in members[:position]:
                alone.put(as_bytes(earlier), other)
            folder = alone.lead(folder, own=True)
            self.out.disputed += [text for text in alone.out.disputed if LOOP in text]
            found.append((folder, None if victim is None else (*folder, victim[-1])))
        return found

    def hide(self, folder: Path, victim: Path | None) -> None:
        for path in list(self.tree):
            if below(path, folder if victim is None else victim) and path != folder:
                self.remove(path, None)

    def turn(self, folder: Path) -> None:
        """A whiteout's parent is a directory, as in an overlay, whether its target exists or not."""
        for path in ancestors((*folder, b"")):
            if path in self.tree and self.tree[path].kind != "directory":
                self.out.disputed.append(f"whiteout in {folder!r} below a file or link")
                self.remove(path, path)
                self.tree[path] = Entry("directory", self.number, header=IMPLICIT)

    def remove(self, path: Path, at: Path | None) -> None:
        """Remove a name; `at` is where something else replaces it, if so."""
        content = self.tree.pop(path).content
        if content is not None and all(e.content is not content for e in self.tree.values()):
            self.lost.append((content, at))

    # What a layer adds on top.

    def put(self, name: bytes, node: object) -> None:
        path = clean(name)
        if not path or isinstance(node, Whiteout | Opaque) or path[-1].startswith(WHITEOUT_PREFIX):
            return
        path = (*self.lead(path[:-1], own=True), path[-1])
        for above in ancestors(path):
            old = self.tree.get(above)
            if old is None or old.kind != "directory":
                if old is not None:
                    self.out.disputed.append(f"{path!r} below a file or link")
                    self.remove(above, above)
                self.tree[above] = Entry("directory", self.number, header=IMPLICIT)
        entry = self.entry(path, node)
        old = self.tree.get(path)
        if old is not None and old.kind == entry.kind == "directory":
            self.tree[path] = entry
            return
        replaced = () if old is None or old.kind == "directory" else (path,)
        names = [p for p in self.tree if below(p, path) and p != path]
        for gone in [*names, *replaced]:
            held = self.tree[gone].content
            if held is not None and held is entry.content:
                del self.tree[gone]
            else:
                self.remove(gone, path if gone in replaced else None)
        self.tree[path] = entry
        if entry.content is not None and entry.content not in self.contents:
            self.contents.append(entry.content)

    def lead(self, path: Path, *, own: bool) -> Path:
        """Where a path leads through the current symlinks, or only through this layer's."""
        done: Path = ()
        rest = list(path)
        links = 0
        while rest:
            part = rest.pop(0)
            entry = self.tree.get((*done, part))
            if part == b"..":
                done = done[:-1]
            elif entry is not None and entry.target and (entry.layer == self.number or not own):
                links += 1
                if links > 40:
                    self.out.disputed.append(f"{path!r} {LOOP}")
                    return path
                done = () if entry.target.startswith(b"/") else done
                rest = entry.target.split(b"/") + rest
            elif part not in (b"", b"."):
                done = (*done, part)
        return done

    def entry(self, path: Path, node: object) -> Entry:
        number = self.number
        match node:
            case Directory():
                return Entry("directory", number, None, True, header("directory", node)[:-1])
            case Symlink():
                target = as_bytes(node.target)
                facts = (*header("symlink", node), node.target)
                return Entry("symlink", number, None, True, facts, target)
            case Hardlink():
                found = self.target(path, clean(as_bytes(node.target)))
                kind = "hardlink" if found is None else found.kind
                content = None if found is None else found.content
                return Entry(kind, number, content, True, header("file", node))
            case File():
                content = Content(number, path, node.data, header("file", node))
            case Sparse():
                table = tuple((offset, len(part)) for offset, part in node.chunks)
                data = b"".join(part for _, part in node.chunks)
                content = Content(number, path, data, (*header("file", node), node.size, table))
            case _:
                return Entry("other", number, None, True, (*header("other", node), node))
        return Entry("file", number, content, True, header("file", node))

    def target(self, path: Path, target: Path) -> Entry | None:
        """The entry that a hard link at `path` is another name for, or None for a broken link."""
        named = target
        if target and target not in self.tree:
            target = (*self.lead(target[:-1], own=False), target[-1])
        if any(below(each, path) or below(path, each) for each in (named, target)):
            self.out.disputed.append(f"link {path!r} above or below its target")
        for above in ancestors(target):
            entry = self.tree.get(above)
            if entry is not None and entry.kind != "directory":
                self.out.disputed.append(f"link {path!r} through {above!r}")
        found = self.tree.get(target)
        if found is None or target == path or found.kind == "directory":
            self.out.disputed.append(f"broken link {path!r}")
            return None
        return found

    # The outcome.

    def judge(self) -> None:
        """Give a kind of waste to each content that lost its last name to this layer."""
        for content, at in self.lost:
            if content.layer == self.number:
                kind = "duplicate_entry"
            elif at is None:
                kind = "deleted"
            else:
                kind = replaced_by(content, self.tree.get(at))
            if content.data:
                row = Waste(show(content.path), kind, len(content.data), content.layer, self.number)
                self.out.waste.append(row)

    def changes(self, before: dict[Path, Entry]) -> tuple[int, int, int]:
        added = modified = deleted = 0
        for path, entry in self.tree.items():
            if not entry.explicit or entry.layer != self.number:
                continue
            if path not in before:
                added += 1
            elif differs(before[path], entry):
                modified += 1
        for path, entry in before.items():
            deleted += entry.explicit and path not in self.tree
        return added, modified, deleted


def header(kind: str, node: object) -> tuple[object, ...]:
    """A member's kind, mode, owner, attributes and, last, time."""
    assert isinstance(node, Meta)
    usual = {"directory": 0o755, "symlink": 0o777}.get(kind, 0o644)
    mode = usual if node.mode is None else node.mode
    return (kind, mode, node.uid, node.gid, tuple(sorted(node.xattrs.items())), node.mtime)


def replaced_by(content: Content, new: Entry | None) -> str:
    """The kind of waste for content whose path holds `new` after the layer."""
    if new is None or new.content is None or new.content.data != content.data:
        return "overwritten"
    if new.content.attributes != content.attributes:
        return "metadata_only"
    return "identical_rewrite"


def differs(old: Entry, new: Entry) -> bool:
    """Whether a path changed. A broken link has no content, like an empty file."""
    return old.header != new.header or stored(old) != stored(new)


def stored(entry: Entry) -> bytes:
    return b"" if entry.content is None else entry.content.data


def whiteout(name: bytes, node: object) -> tuple[Path | None, Path | None]:
    """A whiteout's folder and the path it hides, or None for the folder's content.

    (None, None) for a member that isn't a whiteout, or one that doesn't name a file.
    """
    path = clean(name)
    if isinstance(node, Opaque) and path[-1:] != (OPAQUE_NAME,):
        return path, None
    if isinstance(node, Whiteout) and not path[-1].startswith(WHITEOUT_PREFIX):
        return path[:-1], path
    if not path or not path[-1].startswith(WHITEOUT_PREFIX) or is_aufs(path):
        return None, None
    folder, base = path[:-1], path[-1]
    if base == OPAQUE_NAME:
        return folder, None
    victim = base.removeprefix(WHITEOUT_PREFIX)
    if victim in (b"", b".", b".."):
        return None, None
    return folder, (*folder, victim)


def ancestors(path: Path) -> Iterator[Path]:
    for depth in range(1, len(path)):
        yield path[:depth]


def below(path: Path, top: Path) -> bool:
    """Whether `path` is `top` or under it."""
    return path[: len(top)] == top


def is_aufs(path: Path) -> bool:
    return any(part.startswith(AUFS_PREFIX) and part != OPAQUE_NAME for part in path)
