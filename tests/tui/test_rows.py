"""The rows of a tree, without a terminal."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerscope.tui.model import outline as tui_outline
from layerscope.tui.model import rows as tui_rows
from layerscope.tui.model.outline import ROOT, Outline
from layerscope.tui.model.rows import MOST_ROWS, TreeRows, lead_to, spread


class Sizes:
    """A ranking by given sizes."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self.sizes = sizes
        self.files: Sequence[int] = [1] * len(sizes)

    def weights(self, numbers: range) -> Sequence[int]:
        return self.sizes[numbers.start : numbers.stop]


def outline_of(paths: Sequence[str]) -> Outline:
    """An outline of the paths, and of the directories above them."""
    children: dict[bytes, dict[bytes, None]] = {b"": {}}
    for path in paths:
        above = b""
        for part in path.encode().split(b"/"):
            children[above][part] = None
            above = above + b"/" + part if above else part
            children.setdefault(above, {})
    names, parent, first, count = [b""], array("i", [-1]), array("i"), array("i")
    whole = [b""]
    for number, path_ in enumerate(whole):
        below = list(children[path_])
        first.append(len(whole))
        count.append(len(below))
        for name in below:
            whole.append(path_ + b"/" + name if path_ else name)
            names.append(name)
            parent.append(number)
    directories = [number for number, below in enumerate(count) if below]
    return Outline(names, parent, first, count, directories)


PATHS = ("usr/lib/big.so", "usr/lib/small.so", "usr/bin/python", "etc/passwd", "app/main.py")
SIZES = {
    "usr/lib/big.so": 100,
    "usr/lib/small.so": 1,
    "usr/bin/python": 50,
    "etc/passwd": 2,
    "app/main.py": 3,
}


def rows_of(paths: Sequence[str] = PATHS) -> TreeRows:
    outline = outline_of(paths)
    sizes = [SIZES.get(outline.path(number).decode(), 0) for number in range(len(outline))]
    for number in reversed(outline.directories):
        sizes[number] += sum(sizes[child] for child in outline.children(number))
    return TreeRows(outline, Sizes(sizes), bytearray([1]) * len(outline))


def shown(rows: TreeRows) -> list[str]:
    return [
        "  " * depth + rows.outline.names[number].decode()
        for number, depth in zip(rows.numbers, rows.depths, strict=True)
    ]


def find(rows: TreeRows, path: str) -> int:
    number = rows.outline.find(path.encode())
    assert number is not None
    return number


def search(rows: TreeRows, *paths: str) -> None:
    hits = bytearray(len(rows.outline))
    for path in paths:
        hits[find(rows, path)] = 1
    rows.set_filter(*spread(rows.outline, hits, rows.shown))


def test_the_root_is_open_and_sorted_by_size() -> None:
    assert shown(rows_of()) == ["", "  usr", "  app", "  etc"]


def test_opening_adds_rows_and_closing_removes_them() -> None:
    rows = rows_of()
    assert rows.open(1) == 2
    assert rows.open(2) == 2
    assert shown(rows) == [
        "",
        "  usr",
        "    lib",
        "      big.so",
        "      small.so",
        "    bin",
        "  app",
        "  etc",
    ]
    assert rows.close(1) == 4
    assert rows.open(1) == 4, "what was open below is open again"


def test_a_file_does_not_open() -> None:
    rows = rows_of(("a",))
    assert rows.open(1) == 0
    assert rows.close(1) == 0


@pytest.mark.parametrize(
    ("sort", "order"), [("name", ["app", "etc", "usr"]), ("size", ["usr", "app", "etc"])]
)
def test_rows_are_sorted_by_size_name_or_files(sort: str, order: list[str]) -> None:
    rows = rows_of()
    rows.sort_by(sort)  # type: ignore[arg-type]
    assert shown(rows)[1:] == [f"  {name}" for name in order]


def test_reveal_opens_the_parents() -> None:
    rows = rows_of()
    row = rows.reveal(find(rows, "usr/lib/small.so"))
    assert row is not None
    assert shown(rows)[row] == "      small.so"


def test_reveal_finds_nothing_that_the_view_hides() -> None:
    rows = rows_of()
    search(rows, "etc/passwd")
    assert rows.reveal(find(rows, "app/main.py")) is None


def test_parent_row_is_the_row_of_the_directory() -> None:
    rows = rows_of()
    row = rows.reveal(find(rows, "usr/lib/small.so"))
    assert row is not None
    assert shown(rows)[rows.parent_row(row)] == "    lib"
    assert rows.parent_row(0) == 0


def test_a_filter_shows_hits_and_their_parents_and_clearing_restores_the_rows() -> None:
    rows = rows_of()
    rows.open(1)
    before = shown(rows)
    search(rows, "usr/lib/small.so", "etc/passwd")
    assert shown(rows) == ["", "  usr", "    lib", "      small.so", "  etc", "    passwd"]
    assert rows.hit_count == 2
    rows.clear_filter()
    assert shown(rows) == before


def test_everything_below_a_directory_that_is_a_hit_is_shown() -> None:
    rows = rows_of()
    search(rows, "usr")
    assert shown(rows) == ["", "  usr"]
    rows.open(1)
    assert shown(rows) == ["", "  usr", "    lib", "    bin"]


def test_stepping_through_the_hits_opens_their_parents() -> None:
    rows = rows_of()
    search(rows, "usr/lib/small.so", "etc/passwd", "usr")
    rows.close_all()
    seen = []
    row = rows.next_hit(0)
    while row is not None:
        seen.append(shown(rows)[row].strip())
        row = rows.next_hit(row)
    assert seen == ["usr", "small.so", "passwd"]
    rows.close_all()
    seen = []
    row = len(rows) - 1
    while row is not None:
        if rows.hits is not None and rows.hits[rows.numbers[row]]:
            seen.append(shown(rows)[row].strip())
        row = rows.previous_hit(row)
    assert seen == ["small.so", "usr"]


def test_without_a_filter_there_are_no_hits() -> None:
    assert rows_of().next_hit(0) is None
    assert rows_of().previous_hit(0) is None


def test_open_all_stops_at_a_limit() -> None:
    rows = rows_of([f"{a}/{b}" for a in range(300) for b in range(300)])
    assert not rows.open_all(0)
    assert 300 < len(rows) <= MOST_ROWS
    small = rows_of()
    assert small.open_all(0)
    assert len(small) == len(small.outline)


def test_a_thousand_levels_open_at_once() -> None:
    rows = rows_of(["/".join(["d"] * 5000)])
    assert rows.open_all(0)
    assert len(rows) == 5001
    assert rows.depths[-1] == 5000
    rows.close(1)
    assert len(rows) == 2


def test_another_view_keeps_directories_open() -> None:
    rows = rows_of()
    rows.open(1)
    fewer = bytearray(len(rows.outline))
    for path in ("", "usr", "usr/bin", "usr/bin/python"):
        fewer[find(rows, path)] = 1
    rows.show(Sizes([1] * len(rows.outline)), fewer)
    assert shown(rows) == ["", "  usr", "    bin"]


@given(st.lists(st.sampled_from(PATHS), unique=True), st.lists(st.integers(0, 40), max_size=30))
def test_rows_always_equal_a_walk_over_open_directories(hits: list[str], steps: list[int]) -> None:
    """After any opening, closing, and filtering, splicing gives the same rows as rebuilding."""
    rows = rows_of()
    for step in steps:
        row = step % len(rows)
        if step % 5 == 4:
            search(rows, *hits)
        elif step % 7 == 6:
            rows.clear_filter()
        else:
            rows.toggle(row)
        spliced = shown(rows)
        rows.sort_by(rows.sort)
        assert shown(rows) == spliced


def test_leading_flags_mark_the_directories_above() -> None:
    outline = outline_of(PATHS)
    flags = bytearray(len(outline))
    number = outline.find(b"/usr/lib/big.so")
    assert number is not None
    flags[number] = 1
    leading = lead_to(outline, flags)
    paths = {outline.path(n).decode() for n in range(len(outline)) if leading[n]}
    assert paths == {"", "usr", "usr/lib", "usr/lib/big.so"}
    assert leading[ROOT]


def test_the_order_of_a_large_directory_is_cached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tui_rows, "LARGE", 1)
    monkeypatch.setattr(tui_outline, "LARGE", 1)
    paths = [f"d/{name}" for name in "cabd"]
    outline = outline_of(paths)
    asked = []

    class Asked(Sizes):
        def weights(self, numbers: range) -> Sequence[int]:
            asked.append(numbers)
            return super().weights(numbers)

    every = bytearray([1]) * len(outline)
    rows = TreeRows(outline, Asked([9, 9, 3, 1, 2, 4]), every)
    rows.open(1)
    assert "".join(outline.names[n].decode() for n in rows.numbers[2:]) == "dcba"
    for sort in ("name", "files", "size"):
        rows.sort_by(sort)
    search(rows, "d/c", "d/a")
    assert "".join(outline.names[n].decode() for n in rows.numbers[2:]) == "ca"
    assert len(asked) == 2, "one for each directory"
    rows.show(Asked([9, 9, 1, 5, 3, 2]), every)
    assert "".join(outline.names[n].decode() for n in rows.numbers[2:]) == "abdc"
    rows.sort_by("name")
    assert "".join(outline.names[n].decode() for n in rows.numbers[2:]) == "abcd"
