"""From an image to its numbers: counts, sums, the largest files, and notes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import layerscope
from layerscope.analysis.largest import LARGEST, largest_files
from layerscope.errors import DigestMismatch, LimitExceeded, UsageError
from layerscope.limits import DEFAULT_LIMITS
from tests.analysis.images import analysed, analysis_of, closes, image_of
from tests.builder import (
    COMPRESSIONS,
    OPAQUE,
    WHITEOUT,
    Device,
    Directory,
    Fifo,
    File,
    Hardlink,
    ImageBuilder,
    Other,
    Sparse,
    Symlink,
    docker_legacy,
)
from tests.builder.image import Members

MIXED: list[Members] = [
    {
        "d/": Directory(),
        "d/f": b"f" * 1000,
        "d/h": Hardlink("d/f", header_size=1000),
        "s": Symlink("d/f"),
        "c": Device(major=1, minor=3),
        "p": Fifo(),
        "v": Other(typeflag=b"7", data=b"z" * 300),
        "deep/er/g": b"g" * 600,
    },
    {"d/f": b"F" * 1000, "d/n": b"n", "deep": WHITEOUT, "d/": Directory(mtime=99)},
    {"s": Symlink("d/n"), "d": OPAQUE, "d/again": b"n" * 50},
]


def changes(*layers: Members) -> list[tuple[int, int, int]]:
    analysis = analysis_of(*layers)
    closes(analysis)
    return [
        (layer.changes.added, layer.changes.modified, layer.changes.deleted)
        for layer in analysis.layers
    ]


def test_entries_are_counted_by_type() -> None:
    files = analysis_of(*MIXED).files
    assert dataclasses.asdict(files) == {
        "regular": 5,
        "directories": 2,
        "symlinks": 2,
        "hardlinks": 1,
        "others": 3,
        "whiteouts": 2,
    }


def test_added_modified_and_deleted_paths_are_counted_per_layer() -> None:
    # Layer 1 modifies d/f, adds d/n, and removes deep/er/g, which counts as one path because its two directories are
    # implicit. Layer 2 modifies s, adds d/again, and removes d/f, d/h, and d/n.
    assert changes(*MIXED) == [(8, 0, 0), (1, 1, 1), (1, 1, 3)]


@pytest.mark.parametrize(
    ("second", "counts"),
    [
        ({"f": b"new"}, (0, 1, 0)),
        ({"f": b"old"}, (0, 0, 0)),
        ({"f": File(b"old", mode=0o600)}, (0, 1, 0)),
        ({"g": b"new"}, (1, 0, 0)),
        ({"f": WHITEOUT}, (0, 0, 1)),
        ([("f", WHITEOUT), ("f", b"new")], (0, 1, 0)),
        ([("f", WHITEOUT), ("f", b"old")], (0, 0, 0)),
        ({"d": WHITEOUT}, (0, 0, 3)),
        ({"d": OPAQUE}, (0, 0, 2)),
        ([("d", WHITEOUT), ("d/", Directory()), ("d/a", b"a")], (0, 0, 1)),
        ({"d": b"file"}, (0, 1, 2)),
        ({"f/c": b"below a file"}, (1, 0, 0)),
        ({"d/": Directory(mtime=5)}, (0, 0, 0)),
        ({"d/": Directory(mode=0o700)}, (0, 1, 0)),
        ({"nothing": WHITEOUT}, (0, 0, 0)),
        ([("f", b"1"), ("f", b"2")], (0, 1, 0)),
        ([("n", b"1"), ("n", b"2"), ("n", b"3")], (1, 0, 0)),
        ([("n/x", b"1"), ("n", b"2")], (1, 0, 0)),
        ([("d/a", b"1"), ("d", b"2")], (0, 1, 2)),
        ({"x/y/z": b"implicit"}, (1, 0, 0)),
    ],
)
def test_a_layer_counts_what_it_changes_relative_to_the_layer_below(
    second: Members, counts: tuple[int, int, int]
) -> None:
    base: Members = {"f": b"old", "d/": Directory(), "d/a": b"a", "d/b": b"b"}
    assert changes(base, second)[1] == counts


@pytest.mark.parametrize("compression", sorted(COMPRESSIONS))
def test_numbers_do_not_depend_on_compression(compression: str) -> None:
    plain = analysis_of(*MIXED)
    other = analysis_of(*MIXED, form="oci-archive", compression=compression)
    for analysis in (plain, other):
        closes(analysis)
    assert [dataclasses.replace(row, compressed=None) for row in other.waste] == list(plain.waste)
    assert other.wasted_by_kind == plain.wasted_by_kind
    assert [layer.changes for layer in other.layers] == [layer.changes for layer in plain.layers]
    unpriced = dataclasses.replace(
        other.sizes, compressed=None, compressed_live=None, compressed_wasted=None
    )
    assert unpriced == plain.sizes
    assert [note.code for note in other.notes] == [note.code for note in plain.notes]
    largest = [dataclasses.replace(row, compressed=None) for row in largest_files(other)]
    assert largest == list(largest_files(plain))


def test_sizes_add_up_and_compressed_counts_the_blobs() -> None:
    image = image_of(*MIXED)
    sizes = analysed(image).sizes
    assert sizes.tar == sum(len(layer.tar) for layer in image.layers)
    assert sizes.content == 1000 + 600 + 1000 + 1 + 50
    assert sizes.live == 50
    assert sizes.compressed is None
    packed = analysed(image, "oci-archive", "gzip").sizes
    assert packed.compressed == sum(len(layer.compressed("gzip")) for layer in image.layers)


def test_a_sparse_file_counts_only_its_stored_bytes() -> None:
    node = Sparse(size=1 << 30, chunks=((0, b"x" * 100),), form="1.0")
    analysis = analysis_of({"holes": node})
    closes(analysis)
    assert analysis.sizes.content == analysis.sizes.live == 100


def test_an_image_without_content_is_fully_efficient() -> None:
    analysis = analysis_of({"d/": Directory()}, {})
    closes(analysis)
    assert analysis.sizes.efficiency == 1.0
    assert analysis_of().sizes.tar == 0


def test_a_layer_twice_is_unpacked_twice_and_transferred_once() -> None:
    layer: Members = {"f": b"x" * 1000, "d/": Directory()}
    analysis = analysis_of(layer, {"g": b"y"}, layer, form="oci-archive", compression="gzip")
    closes(analysis)
    first, second, third = analysis.layers
    assert (first.sizes.tar, first.sizes.content) == (third.sizes.tar, third.sizes.content)
    assert first.sizes.compressed is not None
    assert second.sizes.compressed is not None
    assert analysis.sizes.compressed == first.sizes.compressed + second.sizes.compressed
    assert [row.kind for row in analysis.waste] == ["identical_rewrite"]
    assert [(note.code, note.layer) for note in analysis.notes] == [("layer-repeated", 2)]
    assert third.changes.added == third.changes.modified == 0


def test_a_layer_repeated_a_thousand_times_is_analyzed() -> None:
    layer: Members = {"f": b"x" * 100, "g": b"y" * 10}
    analysis = analysis_of(*[layer] * 1000)
    closes(analysis)
    assert analysis.sizes.content == 110_000
    assert analysis.sizes.live == 110
    assert len(analysis.waste) == 2 * 999
    assert sum(note.code == "layer-repeated" for note in analysis.notes) == 999


def test_more_layers_than_the_limit_are_refused() -> None:
    with pytest.raises(LimitExceeded, match="1025"):
        analysis_of(*[{"f": b"x"}] * 1025)


def test_the_largest_live_files_come_first() -> None:
    members = {f"f{number:03}": bytes(number) for number in range(1, 301)}
    analysis = analysis_of(members, {"f300": WHITEOUT, "f299": b"small"})
    assert [row.bytes for row in largest_files(analysis)] == list(range(298, 298 - LARGEST, -1))
    assert largest_files(analysis)[0].path == b"f298"


def test_files_of_equal_size_are_listed_by_path() -> None:
    members = {f"f{number:04}": b"x" * 10 for number in reversed(range(3000))}
    found = [row.path for row in largest_files(analysis_of(members, {"big": b"x" * 11}))]
    assert found[0] == b"big"
    assert len(found) == LARGEST
    assert found[1:] == sorted(found[1:])


def test_a_file_whose_first_name_is_gone_is_listed_at_its_link() -> None:
    analysis = analysis_of({"a": b"x" * 100, "b": Hardlink("a")}, {"a": WHITEOUT})
    assert [(row.path, row.bytes) for row in largest_files(analysis)] == [(b"b", 100)]


def test_aufs_content_counts_while_something_links_to_it() -> None:
    kept: Members = {".wh..wh.plnk/1": b"x" * 100, "f": Hardlink(".wh..wh.plnk/1")}
    analysis = analysis_of(kept)
    closes(analysis)
    assert analysis.sizes.live == 100
    assert [row.path for row in largest_files(analysis)] == [b"f"]
    gone = analysis_of(kept, {"f": WHITEOUT})
    closes(gone)
    assert [(row.path, row.kind) for row in gone.waste] == [(b"f", "deleted")]
    assert analysis_of({".wh..wh.plnk/1": b"x" * 100}).sizes.content == 0


def test_digests_are_verified_when_bytes_are_read_in_full_or_on_request() -> None:
    image = image_of(*MIXED)
    assert not any(layer.verified for layer in analysed(image).layers)
    assert all(layer.verified for layer in analysed(image, verify="full").layers)
    assert all(layer.verified for layer in analysed(image, "oci-archive", "gzip").layers)
    off = analysed(image, "oci-archive", "gzip", verify="off")
    assert not any(layer.verified for layer in off.layers)
    assert "unverified" in [note.code for note in off.notes]


def test_a_wrong_diff_id_is_refused_when_it_is_verified() -> None:
    builder = ImageBuilder("app:1").layer({"f": b"x"})
    builder.fields["rootfs"] = {"type": "layers", "diff_ids": ["sha256:" + "0" * 64]}
    image = builder.build()
    assert analysed(image).sizes.content == 1
    with pytest.raises(DigestMismatch):
        analysed(image, verify="full")
    for verify in ("auto", "off"):
        assert analysed(image, "oci-archive", "gzip", verify=verify).sizes.content == 1
    with pytest.raises(DigestMismatch):
        analysed(image, "oci-archive", "gzip", verify="full")


def test_more_members_than_the_limit_are_refused() -> None:
    limits = dataclasses.replace(DEFAULT_LIMITS, members=3)
    with pytest.raises(LimitExceeded, match="3 members"):
        analysis_of({"a": b"", "b": b"", "c": b"", "d": b""}, limits=limits)


def test_one_oddity_on_many_paths_is_one_note() -> None:
    analysis = analysis_of({f"../f{number}": b"x" for number in range(4000)})
    (note,) = analysis.notes
    assert (note.code, note.layer, note.path, note.count) == ("parent-name", 0, b"../f0", 4000)
    assert note.message.endswith("(and 3,999 more like this)")


def test_analyzing_a_closed_image_is_an_error(tmp_path: Path) -> None:
    docker_legacy([ImageBuilder("app:1").layer({"a": b"x"}, "RUN a").build()]).write(tmp_path / "x")
    image = layerscope.load(str(tmp_path / "x"))
    image.close()
    with pytest.raises(UsageError, match="is closed; analyze it before"):
        layerscope.analyze(image)
