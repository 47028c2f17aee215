"""The kind of each wasted byte, and who is to blame for it."""

from __future__ import annotations

import pytest

from layerscope.analysis.waste import changed_metadata
from layerscope.filesystem.entry import Entry, PlacedLayer
from layerscope.layers.entry import Extra, Member
from layerscope.layers.layer_index import LayerIndex
from tests.analysis.images import analysis_of, closes, waste_of
from tests.builder import OPAQUE, WHITEOUT, Directory, File, Hardlink, Sparse, Symlink
from tests.builder.image import Members

PATHS = ("none", "gzip", "zstd")
"""Compressed layers are compared by hashes computed while reading, plain ones by hashes computed when needed."""


def one_row(*layers: Members) -> tuple[str, str, int, int, int]:
    rows = []
    for compression in PATHS:
        form = "docker-legacy" if compression == "none" else "oci-archive"
        analysis = analysis_of(*layers, form=form, compression=compression)
        closes(analysis)
        (row,) = waste_of(analysis)
        rows.append(row)
    assert len(set(rows)) == 1
    return rows[0]


DATA = b"x" * 1000


@pytest.mark.parametrize(
    "removal",
    [
        {"d/f": WHITEOUT},
        {"d": WHITEOUT},
        {"d": OPAQUE},
        {"": OPAQUE},
        {"d": b""},
        {"d": Symlink("elsewhere")},
        [("d", WHITEOUT), ("d/", Directory())],
        [("d/f", WHITEOUT), ("d/f", DATA[:1])],
    ],
)
def test_content_removed_by_a_later_layer_is_deleted(removal: Members) -> None:
    assert one_row({"d/f": DATA}, removal) == ("d/f", "deleted", 1000, 0, 1)


@pytest.mark.parametrize(
    "node",
    [
        File(b"y" * 1000),
        File(b"x" * 999),
        File(b"x" * 1001),
        File(b""),
        Symlink("elsewhere"),
        Directory(),
    ],
)
def test_content_replaced_by_other_content_is_overwritten(node: File | Symlink | Directory) -> None:
    assert one_row({"d/f": DATA}, {"d/f": node}) == ("d/f", "overwritten", 1000, 0, 1)


@pytest.mark.parametrize(
    ("node", "changed"),
    [
        (File(DATA, mode=0o600), ("mode",)),
        (File(DATA, uid=1000), ("uid",)),
        (File(DATA, gid=1000), ("gid",)),
        (File(DATA, mtime=5), ("mtime",)),
        (File(DATA, xattrs={"security.capability": b"\1\0"}), ("xattrs",)),
        (File(DATA, mode=0o600, uid=1, gid=2, mtime=3), ("mode", "uid", "gid", "mtime")),
    ],
)
def test_the_same_content_with_new_metadata_is_metadata_only(
    node: File, changed: tuple[str, ...]
) -> None:
    assert one_row({"f": DATA}, {"f": node}) == ("f", "metadata_only", 1000, 0, 1)
    (row,) = analysis_of({"f": DATA}, {"f": node}).waste
    assert row.changed == changed


def test_the_same_content_and_metadata_is_an_identical_rewrite() -> None:
    assert one_row({"f": DATA}, {"f": DATA}) == ("f", "identical_rewrite", 1000, 0, 1)
    fraction = {"f": File(DATA, mtime=0.75)}
    assert one_row({"f": DATA}, fraction) == ("f", "identical_rewrite", 1000, 0, 1)


def test_content_stored_twice_in_one_layer_is_a_duplicate_entry() -> None:
    assert one_row([("f", DATA), ("f", b"y")]) == ("f", "duplicate_entry", 1000, 0, 0)
    assert one_row([("f", DATA), ("f", DATA)]) == ("f", "duplicate_entry", 1000, 0, 0)
    assert one_row([("d/f", DATA), ("d", b"y")]) == ("d/f", "duplicate_entry", 1000, 0, 0)


def test_a_duplicate_over_a_lower_file_wastes_both() -> None:
    analysis = analysis_of({"f": DATA}, [("f", b"y" * 10), ("f", DATA)])
    closes(analysis)
    assert waste_of(analysis) == [
        ("f", "identical_rewrite", 1000, 0, 1),
        ("f", "duplicate_entry", 10, 1, 1),
    ]


def test_waste_names_who_wrote_and_who_wasted_it() -> None:
    analysis = analysis_of({"f": DATA}, {"g": b"g"}, {"f": DATA}, {"f": WHITEOUT})
    blame = [(row.layer, row.wasted_in, row.written_by, row.wasted_by) for row in analysis.waste]
    assert blame == [(0, 2, 0, 2), (2, 3, 2, 3)]


def test_a_file_with_several_names_is_wasted_by_the_last_removal() -> None:
    layers: list[Members] = [{"a": DATA, "b": Hardlink("a")}, {"a": WHITEOUT}, {"b": WHITEOUT}]
    assert analysis_of(*layers[:2]).waste == ()
    assert one_row(*layers) == ("a", "deleted", 1000, 0, 2)


def test_a_link_in_a_later_layer_keeps_a_file_live() -> None:
    assert analysis_of({"a": DATA}, {"b": Hardlink("a")}, {"a": WHITEOUT}).waste == ()


def test_a_link_to_equal_content_is_an_identical_rewrite() -> None:
    row = one_row({"a": DATA, "b": DATA}, {"b": Hardlink("a")})
    assert row == ("b", "identical_rewrite", 1000, 0, 1)


def test_empty_files_are_not_waste() -> None:
    assert analysis_of({"f": b""}, {"f": b""}, {"f": WHITEOUT}).waste == ()


def test_sparse_files_are_equal_if_their_maps_are() -> None:
    def node(at: int, size: int = 100_000) -> Sparse:
        return Sparse(size=size, chunks=((at, b"q" * 700),))

    assert one_row({"f": node(0)}, {"f": node(0)})[1:3] == ("identical_rewrite", 700)
    assert one_row({"f": node(0)}, {"f": node(4096)})[1:3] == ("overwritten", 700)
    assert one_row({"f": node(0)}, {"f": node(0, 200_000)})[1:3] == ("overwritten", 700)


def test_waste_is_sorted_by_size_then_path() -> None:
    analysis = analysis_of({"b": b"1" * 10, "a": b"2" * 10, "c": b"3" * 20}, {"": OPAQUE})
    assert [row.path for row in analysis.waste] == [b"c", b"a", b"b"]


def test_changed_metadata_lists_times_and_attributes() -> None:
    def entry(mtime: int, extra: Extra | None) -> Entry:
        return PlacedLayer(
            LayerIndex.of([Member(b"f", 0, 1, 0, (0o644, 0, 0), mtime, b"", extra)]), 0, []
        )[0]

    plain = entry(5, None)
    assert changed_metadata(plain, entry(5, Extra(device=(1, 1)))) == ()
    assert changed_metadata(plain, entry(6, Extra(xattrs=((b"k", b"v"),)))) == ("mtime", "xattrs")
