"""The replay's work is linear in its input, for any input.

Work is the number of executed lines of the replay's code, so no clock is involved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from layerscope.filesystem import links as links_module
from layerscope.filesystem import node as node_module
from layerscope.filesystem import tree as tree_module
from layerscope.filesystem.tree import FileTree
from layerscope.layers import names
from layerscope.layers.entry import DIRECTORY, FILE, HARDLINK, OPAQUE, SYMLINK, WHITEOUT, Member
from layerscope.layers.layer_index import LayerIndex
from layerscope.notes import Notes
from tests.counting import lines_run

COUNTED = {tree_module.__file__, node_module.__file__, links_module.__file__, names.__file__}
Layers = list[list[Member]]


def entry(path: bytes, kind: int = FILE, layer: int = 0, link: bytes = b"") -> Member:
    size = 1 if kind == FILE else 0
    return Member(path, kind, size, 0, (0o644, 0, 0), 0, link)


def work(layers: Layers) -> int:
    """The number of lines executed to replay these layers."""
    tree = FileTree(Notes())
    indexes = [LayerIndex.of(members) for members in layers]

    def run() -> None:
        for index in indexes:
            tree.apply(index)

    return lines_run(run, COUNTED.__contains__)


def whited_out_one_by_one(size: int) -> Layers:
    paths = [b"d/%d" % number for number in range(size)]
    return [[entry(path) for path in paths], [entry(path, WHITEOUT, 1) for path in paths]]


def opaque_again_and_again(size: int) -> Layers:
    first = [entry(b"d/%d" % number) for number in range(size)]
    return [first, *([entry(b"d", OPAQUE, layer)] for layer in range(1, size))]


def opaque_with_new_children(size: int) -> Layers:
    return [
        [
            entry(b"d", OPAQUE, layer),
            *(entry(b"d/%d" % number, FILE, layer) for number in range(10)),
        ]
        for layer in range(size)
    ]


def one_path_in_every_layer(size: int) -> Layers:
    return [[entry(b"a/b/c", FILE, layer)] for layer in range(size)]


def made_and_removed_by_turns(size: int) -> Layers:
    return [[entry(b"f", (FILE, WHITEOUT)[layer % 2], layer)] for layer in range(size)]


def duplicates(size: int) -> Layers:
    return [[entry(b"f") for _ in range(size)]]


def duplicates_over_a_lower_file(size: int) -> Layers:
    return [[entry(b"f")], [entry(b"f", FILE, 1) for _ in range(size)]]


def file_and_directory_by_turns(size: int) -> Layers:
    return [[entry((b"f", b"f/c")[number % 2]) for number in range(size)]]


def links_to_one_file(size: int) -> Layers:
    links = [entry(b"l%d" % number, HARDLINK, 0, b"f") for number in range(size)]
    return [[entry(b"f"), *links], [entry(link.path, WHITEOUT, 1) for link in links]]


def whiteouts_of_nothing(size: int) -> Layers:
    return [[entry(b"d/x")], [entry(b"d/none%d" % number, WHITEOUT, 1) for number in range(size)]]


def whiteouts_below_a_link(size: int) -> Layers:
    return [[entry(b"f")], [entry(b"f/%d" % number, WHITEOUT, 1) for number in range(size)]]


def below_a_link_of_its_own_layer(size: int) -> Layers:
    chain = [entry(b"l%d" % number, SYMLINK, 1, b"l%d" % (number + 1)) for number in range(9)]
    files = [entry(b"l0/%d" % number, FILE, 1) for number in range(size)]
    links = [entry(b"h%d" % number, HARDLINK, 1, b"l0/%d" % number) for number in range(size)]
    return [[entry(b"l9", DIRECTORY)], [*chain, *files, *links]]


def whiteouts_below_a_link_of_its_own_layer(size: int) -> Layers:
    first = [entry(b"d/%d" % number) for number in range(size)]
    second = [entry(b"l/%d" % number, WHITEOUT, 1) for number in range(size)]
    return [first, [entry(b"l", SYMLINK, 1, b"d"), *second]]


def nested_directories(size: int) -> Layers:
    """The paths have as many bytes as the square of the depth, and the work is at most linear in those bytes."""
    depth = int(size**0.5)
    return [[entry(b"/".join([b"d"] * number), DIRECTORY) for number in range(1, depth)] * 10]


def deep_whiteout_of_nothing(size: int) -> Layers:
    deep = b"/".join([b"d"] * size)
    return [[entry(deep + b"/x")], [entry(deep + b"/none", WHITEOUT, 1)]]


def deep_opaque_below_a_file(size: int) -> Layers:
    deep = b"/".join([b"d"] * size)
    return [[entry(b"f")], [entry(b"f/" + deep, OPAQUE, 1), entry(b"n/" + deep, OPAQUE, 1)]]


def one_deep_path_in_every_layer(size: int) -> Layers:
    deep = b"/".join([b"d"] * 50)
    return [[entry(deep, (FILE, WHITEOUT)[layer % 2], layer)] for layer in range(size)]


SHAPES: Sequence[Callable[[int], Layers]] = (
    whited_out_one_by_one,
    opaque_again_and_again,
    opaque_with_new_children,
    one_path_in_every_layer,
    made_and_removed_by_turns,
    duplicates,
    duplicates_over_a_lower_file,
    file_and_directory_by_turns,
    links_to_one_file,
    whiteouts_of_nothing,
    whiteouts_below_a_link,
    below_a_link_of_its_own_layer,
    whiteouts_below_a_link_of_its_own_layer,
    nested_directories,
    deep_whiteout_of_nothing,
    deep_opaque_below_a_file,
    one_deep_path_in_every_layer,
)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_work_is_linear_in_the_input(shape: Callable[[int], Layers]) -> None:
    small, large = work(shape(300)), work(shape(1200))
    assert small > 100 or shape is deep_opaque_below_a_file
    assert large <= 4.6 * small + 2000


def test_the_measure_detects_quadratic_work() -> None:
    """Checks the measure: it distinguishes a lookup for each level of a deep path from a single walk along it."""

    def each_level(size: int) -> int:
        tree = FileTree(Notes())
        tree.apply(LayerIndex.of([entry(b"/".join([b"d"] * size) + b"/x")]))

        def run() -> None:
            path = b"/".join([b"d"] * size)
            while path:
                tree.find(path)
                path = path.rpartition(b"/")[0]

        return lines_run(run, COUNTED.__contains__)

    assert each_level(400) > 10 * each_level(100)
