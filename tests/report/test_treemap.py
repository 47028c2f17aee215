"""The layout fills its rectangle without overlap, and the tree adds up to what the image contains."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from layerscope.analysis.model import Analysis
from layerscope.report.document.filesystem import CHILDREN, LONGEST_NAME
from layerscope.report.document.filesystem import filesystem as filesystem_of
from layerscope.report.parts.treemap import Rect, Spacing, children_of, layout, squarify
from layerscope.report.paths import escape_path
from layerscope.report.schema import schema_text
from tests.builder import WHITEOUT, File, Hardlink, ImageBuilder
from tests.builder.random_stacks import image_of, stacks
from tests.effort import examples
from tests.report.pictured import analyze, pictured

sides = st.floats(min_value=1, max_value=5000)
falling = st.lists(st.integers(1, 10**12), min_size=1, max_size=60).map(
    lambda sizes: sorted(sizes, reverse=True)
)


def filesystem(analysis: Analysis, **options: int) -> Any:
    assert analysis.facts.files is not None
    return filesystem_of(analysis.facts.files, analysis.layers, **options)


def area(rect: Rect) -> float:
    return rect.width * rect.height


def overlap(one: Rect, two: Rect) -> float:
    width = min(one.x + one.width, two.x + two.width) - max(one.x, two.x)
    height = min(one.y + one.height, two.y + two.height) - max(one.y, two.y)
    return max(0.0, width) * max(0.0, height)


@given(falling, sides, sides)
def test_areas_are_proportional_to_sizes(sizes: list[int], width: float, height: float) -> None:
    whole = Rect(3, 5, width, height)
    places = squarify(sizes, whole)
    assert len(places) == len(sizes)
    for size, place in zip(sizes, places, strict=True):
        wanted = area(whole) * size / sum(sizes)
        assert math.isclose(area(place), wanted, rel_tol=1e-6, abs_tol=1e-6 * area(whole))
        assert place.x >= 3 - 1e-6
        assert place.y >= 5 - 1e-6
        assert place.x + place.width <= 3 + width * (1 + 1e-9) + 1e-6
        assert place.y + place.height <= 5 + height * (1 + 1e-9) + 1e-6


@given(falling, sides, sides)
def test_no_two_tiles_overlap(sizes: list[int], width: float, height: float) -> None:
    whole = Rect(0, 0, width, height)
    for one, two in itertools.combinations(squarify(sizes, whole), 2):
        assert overlap(one, two) <= 1e-6 * area(whole)


def test_equal_sizes_in_a_square_are_squares() -> None:
    places = squarify([1] * 9, Rect(0, 0, 30, 30))
    assert all(math.isclose(place.width, 10) and math.isclose(place.height, 10) for place in places)


def test_the_example_in_the_paper_is_reproduced() -> None:
    """Bruls, Huizing, van Wijk: 6, 6, 4, 3, 2, 2, 1 in a rectangle of 6 by 4."""
    places = squarify([6, 6, 4, 3, 2, 2, 1], Rect(0, 0, 6, 4))
    shown = [(round(p.x, 2), round(p.y, 2), round(p.width, 2), round(p.height, 2)) for p in places]
    assert shown == [
        (0, 0, 3, 2), (0, 2, 3, 2),
        (3, 0, 1.71, 2.33), (4.71, 0, 1.29, 2.33),
        (3, 2.33, 1.2, 1.67), (4.2, 2.33, 1.2, 1.67), (5.4, 2.33, 0.6, 1.67),
    ]  # fmt: skip


def test_an_empty_rectangle_or_list_draws_nothing() -> None:
    assert squarify([], Rect(0, 0, 10, 10)) == []
    assert squarify([5, 4], Rect(1, 2, 0, 10)) == [Rect(1, 2, 0, 0)] * 2


def test_tiles_are_within_their_folders(app_analysis: Analysis) -> None:
    nodes = filesystem(app_analysis)["nodes"]
    tiles = layout(nodes, Rect(0, 0, 1200, 600))
    places = {tile.node: tile for tile in tiles}
    assert len(tiles) > 60
    for tile in tiles[1:]:
        above = places[nodes[tile.node]["parent"]]
        assert above.open
        assert above.depth == tile.depth - 1
        assert overlap(above.rect, tile.rect) == pytest.approx(area(tile.rect))
        assert tile.rect.y >= above.rect.y + above.header - 1e-9


def test_tiles_that_are_too_small_are_not_drawn(app_analysis: Analysis) -> None:
    nodes = filesystem(app_analysis)["nodes"]
    tiles = layout(nodes, Rect(0, 0, 120, 60), spacing=Spacing(smallest=8))
    assert 1 < len(tiles) < len(nodes)
    assert all(min(tile.rect.width, tile.rect.height) >= 8 for tile in tiles)


def test_a_folder_can_be_the_root(app_analysis: Analysis) -> None:
    nodes = filesystem(app_analysis)["nodes"]
    static = next(i for i, node in enumerate(nodes) if node["name"] == "static/js")
    tiles = layout(nodes, Rect(0, 0, 600, 600), root=static)
    assert tiles[0].node == static
    assert tiles[0].rect == Rect(0, 0, 600, 600)
    assert len(tiles) == 61


# The tree


def check_tree(tree: Any, live: int) -> None:
    nodes = tree["nodes"]
    assert tree["bytes"] == nodes[0]["bytes"] == live
    assert tree["files"] == nodes[0]["files"]
    assert nodes[0]["parent"] is None
    for index, (node, below) in enumerate(zip(nodes, children_of(nodes), strict=True)):
        assert sum(share["bytes"] for share in node["instructions"]) == node["bytes"]
        assert [child for child in below if child <= index] == []
        assert sum(nodes[child]["kind"] == "rest" for child in below) <= 1
        if below:
            assert node["kind"] == "directory"
            assert sum(nodes[child]["bytes"] for child in below) == node["bytes"]
            assert sum(nodes[child]["files"] for child in below) <= node["files"]


def paths_of(tree: Any) -> dict[str, Any]:
    """Rows by path. A rest is `…`."""
    paths = [""]
    for node in tree["nodes"][1:]:
        paths.append(f"{paths[node['parent']]}/{'…' if node['name'] is None else node['name']}")
    return dict(zip(paths, tree["nodes"], strict=True))


def test_the_tree_has_names_sizes_and_instructions(app_analysis: Analysis) -> None:
    tree = filesystem(app_analysis)
    check_tree(tree, app_analysis.sizes.live)
    rows = paths_of(tree)
    assert rows["/bin"]["bytes"] == 700_000
    assert rows["/bin"]["files"] == 3
    assert rows["/bin/busybox"]["instructions"] == [{"bytes": 700_000, "instruction": 0}]
    assert "/bin/ls" not in rows
    assert rows["/usr/lib"]["kind"] == "directory"
    assert rows["/usr/lib"]["instructions"] == [
        {"bytes": 2_700_000, "instruction": 0},
        {"bytes": 450_000, "instruction": 2},
    ]
    assert rows["/usr/lib/python3/site.py"]["kind"] == "file"
    assert rows["/srv/app/data"]["instructions"] == [{"bytes": 2_500_000, "instruction": 3}]
    assert not any(".git" in path or ".cache" in path for path in rows)
    assert [row["bytes"] for row in tree["nodes"][1:4]] == [4_369_000, 3_150_000, 700_000]


def test_the_document_with_a_filesystem_fits_the_schema(app_analysis: Analysis) -> None:
    document = json.loads(json.dumps(pictured(app_analysis)))
    schema = json.loads(schema_text())
    jsonschema.Draft202012Validator(schema).validate(document)
    del document["filesystem"]["nodes"][0]["parent"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(document)


def test_content_whose_first_name_is_gone_counts_at_its_link(tmp_path: Path) -> None:
    built = (
        ImageBuilder()
        .layer([("a/x", File(b"1" * 900)), ("b/y", Hardlink("a/x")), ("c/z", Hardlink("a/x"))])
        .layer({"a/x": WHITEOUT})
        .build()
    )
    analysis = analyze(built, tmp_path)
    tree = filesystem(analysis)
    check_tree(tree, 900)
    assert [row["name"] for row in tree["nodes"]] == ["/", "b", "y"]
    assert tree["files"] == 2


def test_an_image_without_files_has_only_a_root(tmp_path: Path) -> None:
    tree = filesystem(analyze(ImageBuilder().layer({"etc/": b""}).build(), tmp_path))
    assert tree == {
        "bytes": 0,
        "compressed": None,
        "files": 0,
        "nodes": [
            {
                "bytes": 0,
                "compressed": None,
                "files": 0,
                "instructions": [],
                "kind": "directory",
                "name": "/",
                "parent": None,
            }
        ],
    }


def test_small_files_are_summed_up_in_one_row(tmp_path: Path) -> None:
    files = {f"d/{n:04}": b"x" * 10 for n in range(3000)} | {"d/big": b"x" * 100_000}
    tree = filesystem(analyze(ImageBuilder().layer(files).build(), tmp_path))
    check_tree(tree, 130_000)
    names = [(row["name"], row["kind"], row["bytes"], row["files"]) for row in tree["nodes"]]
    assert names == [
        ("/", "directory", 130_000, 3001),
        ("d", "directory", 130_000, 3001),
        ("big", "file", 100_000, 1),
        (None, "rest", 30_000, 3000),
    ]


def test_the_rows_of_a_folder_are_limited(tmp_path: Path) -> None:
    files = {f"{n:04}": b"x" * 100 for n in range(900)}
    tree = filesystem(analyze(ImageBuilder().layer(files).build(), tmp_path))
    check_tree(tree, 90_000)
    assert len(tree["nodes"]) == 1 + CHILDREN + 1
    assert tree["nodes"][-1]["files"] == 900 - CHILDREN


def test_rows_go_to_the_largest_folders_first(tmp_path: Path) -> None:
    files = {
        f"{folder}/{n}": b"x" * size
        for folder, size in (("a", 90), ("b", 900), ("c", 9))
        for n in range(9)
    }
    tree = filesystem(analyze(ImageBuilder().layer(files).build(), tmp_path), nodes=5)
    check_tree(tree, 9 * 999)
    assert [row["name"] for row in tree["nodes"][:4]] == ["/", "b", "a", "c"]
    assert {row["parent"] for row in tree["nodes"][4:]} == {1}


def test_folders_that_contain_only_a_folder_are_merged_at_any_depth(tmp_path: Path) -> None:
    deep = "/".join(["d"] * 3000)
    built = ImageBuilder().layer({f"{deep}/file": b"x" * 50, "a": b"y"}).build()
    tree = filesystem(analyze(built, tmp_path))
    check_tree(tree, 51)
    assert [row["kind"] for row in tree["nodes"]] == ["directory", "directory", "file", "file"]
    assert len(tree["nodes"][1]["name"]) <= LONGEST_NAME
    assert "…" in tree["nodes"][1]["name"]


def test_a_deep_tree_that_branches_everywhere_is_drawn(tmp_path: Path) -> None:
    files = {"/".join(["d"] * depth + ["f"]): b"x" * 9000 for depth in range(600)}
    tree = filesystem(analyze(ImageBuilder().layer(files).build(), tmp_path))
    check_tree(tree, 600 * 9000)
    assert len(layout(tree["nodes"], Rect(0, 0, 1200, 600))) > 20


def test_names_are_escaped_like_paths(tmp_path: Path) -> None:
    name = b"\xff\\\x1b[31m"
    tree = filesystem(analyze(ImageBuilder().layer([(name, File(b"x"))]).build(), tmp_path))
    assert tree["nodes"][1]["name"] == escape_path(name)[1:] == "\\xff\\\\\x1b[31m"


@settings(max_examples=examples(150), deadline=None, suppress_health_check=list(HealthCheck))
@given(stacks(), st.integers(1, 12))
def test_random_stacks_add_up_to_the_live_content(
    tmp_path_factory: pytest.TempPathFactory, stack: object, rows: int
) -> None:
    folder = tmp_path_factory.mktemp("stack")
    analysis = analyze(image_of(stack), folder)  # type: ignore[arg-type]
    for tree in (filesystem(analysis), filesystem(analysis, nodes=rows)):
        check_tree(tree, analysis.sizes.live)
