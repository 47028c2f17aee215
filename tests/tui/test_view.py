"""The totals of views, checked against the analysis and against the entries themselves."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings

import layerscope
from layerscope.analysis.model import Analysis
from layerscope.errors import Cancelled
from layerscope.layers.entry import METADATA
from layerscope.tui.model.outline import ROOT, TreeOutline
from layerscope.tui.model.view import (
    ADDED,
    FLEETING,
    MODES,
    MODIFIED,
    REMOVED,
    REWRITTEN,
    SAME,
    Scope,
    Totals,
    measure,
)
from tests.builder import FORMS, OPAQUE, WHITEOUT, BuiltImage, File, Hardlink, ImageBuilder, Member
from tests.builder.random_stacks import image_of, stacks
from tests.effort import examples
from tests.tui.images import analysed, web_app


def outside_the_tree(analysis: Analysis, layer: int) -> int:
    """Content stored under no name in the filesystem, only for links."""
    return sum(
        entry.size
        for entry in analysis.tree.layers[layer]
        if entry.kind == METADATA and entry.content is not None
    )


def check_sums(analysis: Analysis) -> None:
    outline = TreeOutline(analysis.tree)
    last = len(analysis.layers) - 1
    whole = measure(outline, Scope("tree", last, last))
    assert whole.size[ROOT] == analysis.sizes.live
    assert whole.wasted[ROOT] == 0
    stored = 0
    for layer in analysis.layers:
        totals = measure(outline, Scope("layer", layer.index, layer.index))
        aside = outside_the_tree(analysis, layer.index)
        assert totals.size[ROOT] + aside == layer.sizes.content
        if not aside:
            assert totals.wasted[ROOT] == layer.sizes.wasted
        stored += totals.size[ROOT]
        check_subtrees(outline, totals)
    if last >= 0:
        assert measure(outline, Scope("range", 0, last)).size[ROOT] == stored


def test_views_sum_up_what_a_pull_transfers(tmp_path: Path) -> None:
    image = (
        ImageBuilder("x:1")
        .layer({"d/a": b"a" * 9000, "d/b": b"b" * 50, "c": b"c" * 700}, "RUN a")
        .layer({"d/a": WHITEOUT, "c": b"C" * 700}, "RUN b")
        .build()
    )
    reference = FORMS["oci-archive"].write([image], tmp_path / "x.tar", "gzip")
    with layerscope.load(reference) as loaded:
        analysis = layerscope.analyze(loaded)
    outline = TreeOutline(analysis.tree)
    whole = measure(outline, Scope("tree", 1, 1)).download
    assert whole is not None
    assert whole[ROOT] == analysis.sizes.compressed_live
    for layer in analysis.layers:
        found = measure(outline, Scope("layer", layer.index, layer.index)).download
        sizes = layer.sizes
        assert sizes.compressed_live is not None
        assert sizes.compressed_wasted is not None
        assert found is not None
        assert found[ROOT] == sizes.compressed_live + sizes.compressed_wasted > 0
    stored = measure(outline, Scope("range", 0, 1)).download
    assert stored is not None
    assert analysis.sizes.compressed_wasted is not None
    assert stored[ROOT] == whole[ROOT] + analysis.sizes.compressed_wasted
    with layerscope.load(FORMS["docker-legacy"].write([image], tmp_path / "plain.tar")) as loaded:
        plain = layerscope.analyze(loaded)
    assert measure(TreeOutline(plain.tree), Scope("tree", 1, 1)).download is None


def check_subtrees(outline: TreeOutline, totals: Totals) -> None:
    for number in outline.directories:
        children = outline.children(number)
        for values in (totals.size, totals.gone, totals.wasted, totals.files):
            own = values[number] - sum(values[child] for child in children)
            assert own >= 0


@settings(max_examples=examples(60), deadline=None)
@given(stacks())
def test_root_totals_equal_the_analysis(stack: list[list[Member]]) -> None:
    """Checks the live bytes of the whole tree, and the content and waste of each layer."""
    image = image_of(stack)
    with TemporaryDirectory() as folder, analysed(image, Path(folder) / "image.tar") as analysis:
        check_sums(analysis)


def columns_of(analysis: Analysis) -> list[list[object]]:
    """All that every view says of every path."""
    outline = TreeOutline(analysis.tree)
    layers = range(len(analysis.layers))
    scopes = [
        Scope(mode, first, last) for mode in MODES for last in layers for first in range(last + 1)
    ]
    found: list[list[object]] = []
    for scope in scopes:
        totals = measure(outline, scope)
        found.append([list(column or ()) for column in vars(totals).values()])
    return found


@settings(max_examples=examples(30), deadline=None)
@given(stacks())
def test_a_view_is_the_same_whether_files_have_objects_or_not(stack: list[list[Member]]) -> None:
    image = image_of(stack)
    with TemporaryDirectory() as folder, analysed(image, Path(folder) / "image.tar") as analysis:
        before = columns_of(analysis)
        for entry in analysis.tree.entries():
            assert entry.kind >= 0
        assert columns_of(analysis) == before


def test_measuring_creates_no_objects_for_untouched_files(tmp_path: Path) -> None:
    image = ImageBuilder("t").layer({"d/a": b"123", "d/b": b"12345"}, "RUN one").build()
    with analysed(image, tmp_path / "image.tar") as analysis:
        totals = measure(TreeOutline(analysis.tree), Scope("tree", 0, 0))
        assert totals.size[ROOT] == 8
        assert analysis.tree.layers[0].records.count(None) >= 2


def test_the_sums_of_an_application_add_up(tmp_path: Path) -> None:
    with analysed(web_app(), tmp_path / "image.tar") as analysis:
        check_sums(analysis)


def view(image: BuiltImage, scope: Scope, path: Path) -> dict[str, tuple[int, int, int]]:
    """The mark, size, and removed bytes of each path."""
    with analysed(image, path / "image.tar") as analysis:
        outline = TreeOutline(analysis.tree)
        totals = measure(outline, scope)
        return {
            outline.path(number).decode(): (
                totals.marks[number],
                totals.size[number],
                totals.gone[number],
            )
            for number in range(len(outline))
        }


@pytest.fixture
def three_layers() -> BuiltImage:
    return (
        ImageBuilder("t")
        .layer({"a": b"1", "keep": b"22", "d/x": b"333", "d/y": b"4444"}, "RUN one")
        .layer({"a": b"changed", "new": b"55555", "d": OPAQUE, "keep": b"22"}, "RUN two")
        .layer({"new": WHITEOUT, "d/z": b"z"}, "RUN three")
        .build()
    )


def test_a_layer_view_marks_its_changes(three_layers: BuiltImage, tmp_path: Path) -> None:
    found = view(three_layers, Scope("layer", 1, 1), tmp_path)
    assert found["a"] == (MODIFIED, 7, 0)
    assert found["new"] == (ADDED, 5, 0)
    assert found["keep"] == (REWRITTEN, 2, 0)
    assert found["d/x"] == (REMOVED, 0, 3)
    assert found["d"][1:] == (0, 7)
    assert found["d/z"][0] == 0


def test_a_tree_view_marks_the_last_layers_changes(
    three_layers: BuiltImage, tmp_path: Path
) -> None:
    found = view(three_layers, Scope("tree", 2, 2), tmp_path)
    assert found["a"] == (SAME, 7, 0)
    assert found["new"] == (REMOVED, 0, 5)
    assert found["d/z"] == (ADDED, 1, 0)
    assert found["d/x"][0] == 0, "removed in an earlier layer, so it is not to be seen here"
    assert found[""][1] == 7 + 2 + 1


def test_a_range_view_marks_changes_over_all_its_layers(
    three_layers: BuiltImage, tmp_path: Path
) -> None:
    found = view(three_layers, Scope("range", 1, 2), tmp_path)
    assert found["new"] == (FLEETING, 5, 0)
    assert found["a"][0] == MODIFIED
    assert found["d/z"][0] == ADDED
    assert found["d/y"] == (REMOVED, 0, 4)


def test_a_hard_link_shows_bytes_whose_own_name_is_gone(tmp_path: Path) -> None:
    image = (
        ImageBuilder("t")
        .layer({"a": b"12345", "b": Hardlink("a"), "c": Hardlink("a")}, "RUN one")
        .layer({"a": WHITEOUT}, "RUN two")
        .build()
    )
    before = view(image, Scope("tree", 0, 0), tmp_path)
    assert (before["a"][1], before["b"][1], before[""][1]) == (5, 0, 5)
    after = view(image, Scope("tree", 1, 1), tmp_path)
    assert after["b"][1] + after["c"][1] == 5
    assert after[""][1] == 5


def test_a_file_removed_and_added_again_is_modified_over_the_range(tmp_path: Path) -> None:
    image = (
        ImageBuilder("t")
        .layer({"a": b"1"}, "RUN one")
        .layer({"a": WHITEOUT}, "RUN two")
        .layer({"a": File(b"22")}, "RUN three")
        .build()
    )
    assert view(image, Scope("range", 1, 2), tmp_path)["a"] == (MODIFIED, 2, 0)
    assert view(image, Scope("layer", 2, 2), tmp_path)["a"] == (ADDED, 2, 0)


def test_measuring_can_be_canceled(tmp_path: Path) -> None:
    with analysed(web_app(), tmp_path / "image.tar") as analysis:
        outline = TreeOutline(analysis.tree)
        with pytest.raises(Cancelled):
            measure(outline, Scope("tree", 0, 0), lambda: True)


def test_content_that_a_layer_stores_twice_counts_twice(tmp_path: Path) -> None:
    image = ImageBuilder("t").layer([("d/a", b"123"), ("d/a", b"12345")], "RUN one").build()
    assert view(image, Scope("layer", 0, 0), tmp_path)["d/a"] == (ADDED, 8, 0)
    assert view(image, Scope("tree", 0, 0), tmp_path)["d/a"] == (ADDED, 5, 0)
