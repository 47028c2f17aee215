"""The index of a layer as a value: shared by trees, threads, and images, written to bytes and read back."""

from __future__ import annotations

import operator
import random
from array import array
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest
import xxhash

import layerscope
from layerscope.analysis.model import Analysis
from layerscope.errors import FormatError
from layerscope.filesystem.tree import FileTree
from layerscope.layers.entry import FILE, Extra, Member
from layerscope.layers.index_bytes import MAGIC, VERSION, from_bytes, to_bytes
from layerscope.layers.layer_index import MARK_BYTES, LayerIndex, packed
from layerscope.layers.reader import StoredLayer
from layerscope.layers.stack import index_stack
from layerscope.notes import Notes
from tests.builder import (
    FORMS,
    OPAQUE,
    WHITEOUT,
    Device,
    Directory,
    File,
    Hardlink,
    ImageBuilder,
    Sparse,
    Symlink,
)
from tests.builder.compression import COMPRESSIONS
from tests.builder.tar import tar
from tests.layers.reading import index

BASE = tar(
    [
        ("d/", Directory()),
        ("d/a", File(b"a" * 700)),
        ("d/b", File(b"b" * 30)),
        ("d/h", Hardlink("d/a")),
        ("l", Symlink("d")),
        ("l/led", File(b"led")),
        ("n", Device(major=1, minor=3)),
        ("s", Sparse(size=5000, chunks=((10, b"xyz"), (4000, b"end")))),
        ("x", File(b"x", xattrs={"user.k": b"\0\xff"})),
        ("../up", File(b"up")),
    ],
    "pax",
)
NEXT = tar(
    [
        ("d/b", File(b"B" * 30)),
        ("d/.wh.a", File(b"")),
        ("x", File(b"x")),
        ("l/.wh..wh..opq", File(b"")),
        ("new/deep/f", File(b"f", mtime=-5, uid=70_000)),
    ],
    "pax",
)


def facts(tree: FileTree) -> list[object]:
    """Everything a tree says about its layers."""
    return [
        [
            (e.member, e.path, e.layer, e.ended, e.names, e.change, e.content and e.content.path)
            for e in tree.entries()
        ],
        [(loss.content.path, loss.event, loss.layer, loss.node.path) for loss in tree.losses],
        [(a.path, b.path) for a, b in tree.rewrites],
        tree.deleted,
        [entry.path for entry in tree.never_seen],
        [(node.path, node.visible) for node in tree.nodes()],
    ]


def replayed(*layers: LayerIndex) -> list[object]:
    tree = FileTree(Notes())
    for layer in layers:
        tree.apply(layer)
    return facts(tree)


def read() -> list[LayerIndex]:
    return [index(data).index for data in (BASE, NEXT, NEXT)]


def test_an_index_in_two_trees_equals_two_fresh_readings() -> None:
    shared = read()
    first, second = replayed(*shared), replayed(*shared)
    assert first == second == replayed(*read())
    assert len(first[1]) == 5  # type: ignore[arg-type]
    assert shared == read()


def test_an_index_used_twice_equals_two_fresh_readings() -> None:
    base, again, _ = read()
    assert replayed(base, again, again, base) == replayed(base, *read()[1:], read()[0])


def test_an_index_in_many_threads_equals_fresh_readings() -> None:
    shared = read()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: replayed(*shared), range(40)))
    fresh = replayed(*read())
    assert all(each == fresh for each in found)


def test_two_images_can_share_the_indexes_of_their_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Analyzes both images with the same index objects, as from a cache, and with fresh readings."""
    base = {"d/a": File(b"a" * 900), "d/b": File(b"b" * 9)}
    one = ImageBuilder("one").layer(base).layer({"d/a": WHITEOUT}).build()
    two = ImageBuilder("two").layer(base).layer({"d": OPAQUE, "d/b": File(b"b" * 9)}).build()
    paths = [
        FORMS["oci-archive"].write([built], tmp_path / f"{number}.tar")
        for number, built in enumerate((one, two))
    ]
    fresh = [_shown(_analyzed(path)) for path in paths]
    assert fresh[0] != fresh[1]
    kept: dict[object, LayerIndex] = {}
    stacked = index_stack

    def cached(*arguments: object, **options: object) -> tuple[StoredLayer | None, ...]:
        return tuple(
            stored and replace(stored, index=kept.setdefault(stored.index.diff_id, stored.index))
            for stored in stacked(*arguments, **options)  # type: ignore[arg-type]
        )

    monkeypatch.setattr("layerscope.analysis.analyze.index_stack", cached)
    for _ in range(2):
        assert [_shown(_analyzed(path)) for path in paths] == fresh
    assert len(kept) == 3


def _analyzed(reference: str) -> Analysis:
    with layerscope.load(reference) as image:
        return layerscope.analyze(image)


def _shown(analysis: Analysis) -> list[object]:
    return [analysis.sizes, analysis.layers, analysis.waste, facts(analysis.tree)]


def test_an_index_is_immutable() -> None:
    found = index(BASE).index
    attempts: list[Callable[[], None]] = [
        lambda: found.sizes.__setitem__(0, 1),
        lambda: operator.setitem(found.links, 0, b""),  # type: ignore[call-overload]
        lambda: operator.setitem(found.extras, 0, Extra()),  # type: ignore[call-overload]
        lambda: setattr(found, "tar_size", 1),
    ]
    for attempt in attempts:
        with pytest.raises((TypeError, AttributeError, FrozenInstanceError)):
            attempt()


# As bytes


@pytest.mark.parametrize("data", [BASE, NEXT, tar([])])
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_an_index_read_from_its_bytes_is_equal(data: bytes, compression: str) -> None:
    found = index(COMPRESSIONS[compression](data), diff_id=None).index
    again = from_bytes(to_bytes(found))
    assert again == found
    assert hash(again) == hash(found)
    assert list(again.members()) == list(found.members())
    assert to_bytes(again) == to_bytes(found)


def test_numbers_of_every_width_survive() -> None:
    members = [
        Member(
            b"p%d" % width, FILE, (1 << width) - 1, 1 << width, (0, 0, 0), sign * (1 << width) - 1
        )
        for width in (0, 7, 8, 15, 16, 31, 32, 62)
        for sign in (1, -1)
    ]
    for count in range(len(members) + 1):
        found = LayerIndex.of(members[:count])
        assert list(found.members()) == members[:count]
        assert from_bytes(to_bytes(found)) == found


def test_every_changed_byte_is_detected() -> None:
    data = to_bytes(index(COMPRESSIONS["gzip"](BASE)).index)
    for position in range(len(data)):
        broken = bytearray(data)
        broken[position] ^= 0x41
        with pytest.raises(FormatError, match=r"^kept: "):
            from_bytes(bytes(broken), "kept")


def test_every_truncation_is_detected() -> None:
    data = to_bytes(index(BASE).index)
    for length in range(len(data)):
        with pytest.raises(FormatError):
            from_bytes(data[:length])
    with pytest.raises(FormatError):
        from_bytes(data + b"\0")


@pytest.mark.parametrize("version", [0, VERSION - 1, VERSION + 1, 255])
def test_another_version_is_refused(version: int) -> None:
    data = bytearray(to_bytes(index(BASE).index))
    data[len(MAGIC)] = version
    with pytest.raises(FormatError, match=f"version {version},"):
        from_bytes(bytes(data))


def test_forged_bytes_with_a_valid_checksum_are_read_or_refused() -> None:
    """Any body gives an index with valid members, or a `FormatError`."""
    data = to_bytes(index(COMPRESSIONS["gzip"](BASE)).index)
    head = len(MAGIC) + 1
    source = random.Random(7)
    refused = 0
    for _ in range(4000):
        body = bytearray(data[head + MARK_BYTES :])
        for _ in range(source.randint(1, 3)):
            body[source.randrange(len(body))] = source.choice((0, 1, 0x22, 0x2C, 0x39, 0x7F, 0xFF))
        forged = data[:head] + xxhash.xxh3_128_digest(body) + bytes(body)
        try:
            found = from_bytes(forged)
        except FormatError:
            refused += 1
            continue
        assert len(list(found.members())) == len(found)
        replayed(found)
    assert refused > 400


@pytest.mark.parametrize("code", ["I", "q"])
@pytest.mark.parametrize(
    ("most", "width"), [(0, 1), (255, 1), (256, 2), (65_535, 2), (65_536, 4), ((1 << 32) - 1, 4)]
)
def test_a_column_has_the_narrowest_type_for_its_numbers(code: str, most: int, width: int) -> None:
    numbers = [0, most, 7 % (most + 1)]
    column = packed(array(code, numbers))
    assert (column.tolist(), column.itemsize, column.readonly) == (numbers, width, True)


@pytest.mark.parametrize("numbers", [[], [-1, 3], [1 << 32], [-(1 << 63), (1 << 63) - 1]])
def test_a_column_keeps_negative_and_large_numbers(numbers: list[int]) -> None:
    assert packed(array("q", numbers)).tolist() == numbers
