"""Compares the tree with what umoci unpacks and with what the kernel's overlayfs shows, on random stacks of layers.

Seven of eight stacks are without what engines are known to disagree on (`Expected.disputed`). There, a difference from
the kernel is a find, except for the two listed here and for a stack that both refuse. umoci applies whiteouts in the
order of the tar, though they hide only lower layers, so it refuses or changes a few stacks of which the kernel shows what
we show. Those are counted.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from layerscope.filesystem.tree import FileTree
from layerscope.notes import Notes
from tests import mounts
from tests.builder.nodes import Member, Opaque, as_bytes
from tests.builder.random_stacks import numbered
from tests.builder.tar import tar
from tests.differential import umoci
from tests.differential.on_disk import Things, different, things_below, things_of
from tests.differential.overlay_layer import OverlayLayer
from tests.layers.reading import index
from tests.model import expect
from tests.model.union import clean

UMOCI, OVERLAY = "umoci unpack", "kernel overlayfs"
WILD = 8
"""One of this many stacks has anything in it."""
BARE = "a directory that only a whiteout names"
"""An overlay needs it to hold the mark. It hides nothing, and no tar entry describes it."""
COPIES = "a link to a lower layer is a copy"
"""The kernel copies the file up for the link, and its other names keep the old copy."""


def stack_of(number: int, seed: int) -> tuple[list[list[Member]], bool]:
    """The stack with this number, and whether engines disagree on it."""
    if number % WILD:
        return numbered(number, seed, is_disputed), False
    stack = numbered(number, seed)
    return stack, is_disputed(stack)


def is_disputed(stack: Sequence[Sequence[Member]]) -> bool:
    return bool(expect(stack).disputed)


def ours(tars: Sequence[bytes]) -> Things:
    tree = FileTree(Notes())
    for data in tars:
        tree.apply(index(data).index)
    return things_of(tree, tars)


@dataclass
class Shown:
    """What the kernel shows of a stack."""

    things: Things = field(default_factory=dict)
    bare: set[bytes] = field(default_factory=set)
    """The folders of whiteouts, and those above them."""
    copied: bool = False
    """Whether a file was copied up for a link to it."""


def relation(mine: Things, shown: Shown) -> str:
    """How the two filesystems relate, in a few words."""
    theirs = shown.things
    allowed = {COPIES} if shown.copied else set()
    for path in sorted(mine.keys() | theirs.keys()):
        if path not in theirs:
            return "we show a path, it does not"
        if path not in mine:
            if path in shown.bare and theirs[path].kind == "directory":
                allowed.add(BARE)
                continue
            return "it shows a path, we do not"
        wrong = different(mine[path], theirs[path])
        if wrong is not None and not (wrong == "names" and shown.copied):
            return f"another {wrong}"
    return ", and ".join(("the same", *sorted(allowed)))


def overlaid(stack: Sequence[Sequence[Member]], folder: Path) -> Shown:
    """What the kernel shows of the stack. Raises `OSError` if it cannot be kept as an overlay."""
    shown = Shown()
    for name in ("empty", "mount", "work"):
        (folder / name).mkdir(parents=True)
    lower = [folder / "empty"]
    for number, members in enumerate(stack):
        layer = folder / str(number)
        work = folder / "work" / str(number)
        work.mkdir()
        kept = OverlayLayer(layer, lower[1:] and lower, folder / "mount", work)
        kept.write(members)
        shown.bare |= kept.bare
        shown.copied |= kept.copied
        if any(isinstance(node, Opaque) and not clean(as_bytes(path)) for path, node in members):
            del lower[1:]  # overlayfs ignores the mark on the root
        lower.append(layer)
    if len(lower) > 1:
        with mounts.overlay(folder / "mount", lower):
            shown.things = things_below(folder / "mount")
    return shown


def run(program: Path, first: int, count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Compare on the stacks with these numbers. Returns how often each relation was seen, and the finds."""
    counts: Counter[str] = Counter()
    finds: list[str] = []
    mounts.own_mounts()
    stacks = [stack_of(number, seed) for number in range(first, first + count)]
    tars = [[tar(members) for members in stack] for stack, _ in stacks]
    with tempfile.TemporaryDirectory() as name, mounts.memory(Path(name)):
        folder = Path(name)
        os.mkdir(folder / "umoci")
        os.mkdir(folder / "overlay")
        errors = umoci.unpack(program, tars, folder / "umoci")
        for place, ((stack, disputed), layers) in enumerate(zip(stacks, tars, strict=True)):
            mine = ours(layers)
            counts["all"] += 1
            counts["disputed"] += disputed
            if errors[place]:
                by_umoci = "refused"
            else:
                by_umoci = relation(mine, Shown(things_below(folder / "umoci" / str(place))))
            try:
                by_kernel = relation(mine, overlaid(stack, folder / "overlay" / str(place)))
            except OSError as error:
                by_kernel = f"refused: {error.strerror}"
            for what, found in ((UMOCI, by_umoci), (OVERLAY, by_kernel)):
                counts[f"{what}, {'disputed' if disputed else 'agreed'}: {found}"] += 1
            refused = by_umoci == "refused" and by_kernel.startswith("refused")
            if not (disputed or refused or by_kernel.startswith("the same")):
                finds.append(
                    f"seed {seed}, stack {first + place}: {OVERLAY}: {by_kernel}; {UMOCI}: {by_umoci}"
                )
    return counts, finds
