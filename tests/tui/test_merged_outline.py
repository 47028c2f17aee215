"""The rows for two images, without a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import layerscope
from layerscope.analysis.comparison.side import Side
from layerscope.analysis.filter.query import BadQuery, parse
from layerscope.report.escape import cell_width
from layerscope.tui.compare.deltas import ZERO, delta_bar, delta_text
from layerscope.tui.compare.merged_outline import (
    BELOW,
    MARKS,
    MOVED_AWAY,
    MOVED_HERE,
    QUERY_KINDS,
    CompareTotals,
    MergedOutline,
)
from layerscope.tui.compare.overview import overview_lines
from layerscope.tui.compare.pair_session import CompareSession
from layerscope.tui.model.finder import Finder
from layerscope.tui.model.outline import ROOT
from layerscope.tui.model.rows import TreeRows, spread
from tests.builder import FORMS, BuiltImage, Hardlink, ImageBuilder, Symlink
from tests.tui.compared import first, second
from tests.tui.images import hostile


@contextmanager
def compared(
    a: BuiltImage, b: BuiltImage, path: Path, pattern: str | None = None
) -> Iterator[CompareSession]:
    with (
        layerscope.load(FORMS["oci-archive"].write([a], path / "a.tar")) as one,
        layerscope.load(FORMS["oci-archive"].write([b], path / "b.tar")) as other,
    ):
        sides = [Side.of(layerscope.analyze(image)) for image in (one, other)]
        yield CompareSession(layerscope.compare(*sides, path=pattern))


def flat(session: CompareSession) -> tuple[MergedOutline, CompareTotals]:
    assert session.merged is not None
    return session.merged.outline, session.merged.totals


def names(rows: TreeRows) -> list[str]:
    return [
        "  " * depth + rows.outline.names[number].decode()
        for number, depth in zip(rows.numbers, rows.depths, strict=True)
    ]


def marks(session: CompareSession) -> dict[str, str]:
    outline, totals = flat(session)
    return {
        outline.path(number).decode(): MARKS[totals.marks[number]]
        for number in range(len(outline))
        if totals.marks[number] not in (1, BELOW)
    }


def test_every_difference_has_its_mark(tmp_path: Path) -> None:
    with compared(first(), second(), tmp_path) as session:
        assert marks(session) == {
            "app/gone.txt": "-",
            "app/main.py": "~",
            "app/new.txt": "+",
            "app/run.sh": "m",
            "app/turns": "t",
            "etc": "+",
            "etc/more": "+",
            "here": "+",
            "here/moved.bin": "←",
            "link": "~",
            "there": "-",
            "there/moved.bin": "→",
        }
        outline, totals = flat(session)
        away, here = outline.find(b"there/moved.bin"), outline.find(b"here/moved.bin")
        assert away is not None
        assert here is not None
        assert (totals.marks[away], totals.marks[here]) == (MOVED_AWAY, MOVED_HERE)
        assert (totals.a[away], totals.b[away], totals.a[here], totals.b[here]) == (
            *(7000, 0),
            *(0, 7000),
        )


@pytest.mark.parametrize("turned", [False, True])
def test_a_directory_is_the_sum_of_everything_below(tmp_path: Path, *, turned: bool) -> None:
    images = (
        ImageBuilder("a")
        .layer({"d/x": b"12", "d/y": Hardlink("d/x"), "t": b"123"}, "RUN a", parents=True)
        .build(),
        ImageBuilder("b")
        .layer({"d/y": b"1234", "t/in": b"12345", "e": Symlink("t")}, "RUN b", parents=True)
        .build(),
    )
    a, b = reversed(images) if turned else images
    with compared(a, b, tmp_path) as session:
        outline, totals = flat(session)
        for sums, live in (
            (totals.a, session.comparison.a.sizes.live),
            (totals.b, session.comparison.b.sizes.live),
        ):
            assert sums[ROOT] == live
            for number in outline.directories:
                own = outline.change(number)
                inner = sum(sums[child] for child in outline.children(number))
                file = own.a_bytes + own.b_bytes if own and own.kind == "type" else 0
                assert sums[number] in (inner, inner + file)
        assert totals.delta(ROOT) == (-2 if turned else 2) * 2
        turns = outline.find(b"t")
        assert turns is not None
        assert abs(totals.delta(turns)) == 2


def test_differences_are_sorted_by_size(tmp_path: Path) -> None:
    with compared(first(), second(), tmp_path) as session:
        outline, totals = flat(session)
        rows = TreeRows(outline, totals, totals.changed)
        rows.open_all(ROOT)
        assert names(rows) == [
            "",
            "  here",
            "    moved.bin",
            "  there",
            "    moved.bin",
            "  app",
            "    new.txt",
            "    gone.txt",
            "    turns",
            "    main.py",
            "    run.sh",
            "  etc",
            "    more",
            "  link",
        ]
        rows.show(totals, bytearray(b"\1" * len(outline)))
        assert "    same.txt" in names(rows)
        rows.sort_by("name")
        assert names(rows)[1] == "  app"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("kind:added", ["app/new.txt", "etc", "etc/more", "here"]),
        ("kind:moved", ["here/moved.bin", "there/moved.bin"]),
        ("kind:metadata", ["app/run.sh"]),
        ("kind:content", ["app/main.py", "link"]),
        (">6kB kind:changed", ["here/moved.bin", "there/moved.bin"]),
        ("*.txt", ["app/gone.txt", "app/new.txt"]),
        ("re:^app/.*\\.py$", ["app/main.py"]),
        ("MAIN", []),
    ],
)
def test_a_filter_finds_paths_by_word_kind_and_size(
    tmp_path: Path, text: str, found: list[str]
) -> None:
    with compared(first(), second(), tmp_path) as session:
        outline, totals = flat(session)
        hits = Finder(outline, totals).find(parse(text, QUERY_KINDS), bytearray(totals.changed))
        rows = TreeRows(outline, totals, totals.changed)
        rows.set_filter(*spread(outline, hits, totals.changed))
        numbers = [number for number in range(len(outline)) if hits[number]]
        assert sorted(outline.path(number).decode() for number in numbers) == found


def test_kinds_for_one_image_are_refused_for_two() -> None:
    with pytest.raises(BadQuery, match="kind: is one of added, removed, changed, content"):
        parse("kind:wasted", QUERY_KINDS)


def test_a_path_leaves_out_the_other_files(tmp_path: Path) -> None:
    with compared(first(), second(), tmp_path, "/app/*.py") as session:
        outline, totals = flat(session)
        files = [
            path
            for path in outline.texts(names=False, folded=False)
            if path.endswith((b".py", b".txt", b".sh"))
        ]
        assert files == [b"app/main.py"]
        assert totals.files[ROOT] == 1


def test_the_same_image_shows_no_difference(tmp_path: Path) -> None:
    with compared(first(), first(), tmp_path) as session:
        _, totals = flat(session)
        assert (totals.files[ROOT], totals.most, totals.changed.count(1)) == (0, 0, 0)
        lines = ["".join(text for text, _ in line) for line in overview_lines(session, 80)]
        assert "same image" in " ".join(" ".join(lines).split())


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_the_overview_keeps_its_width_and_escapes(tmp_path: Path, width: int) -> None:
    with compared(hostile(), second(), tmp_path) as session:
        lines = overview_lines(session, width)
        for line in lines:
            text = "".join(text for text, _ in line)
            assert text.isprintable(), text
            assert cell_width(text) <= max(width, 58), text


@pytest.mark.parametrize("width", [3, 8, 13, 14, 41])
@pytest.mark.parametrize("delta", [-100, -51, -1, 0, 1, 50, 100])
def test_a_bar_keeps_the_zero_line_in_the_middle(delta: int, width: int) -> None:
    text = "".join(text for text, _ in delta_bar(delta, 100, width))
    half = (width - 1) // 2
    assert len(text) == width
    assert text[half] == ZERO
    assert bool(text[:half].strip()) == (delta < 0)
    assert bool(text[half + 1 :].strip()) == (delta > 0)
    if abs(delta) == 100:
        assert text.count("█") == half


def test_a_difference_is_a_signed_size_or_a_dash() -> None:
    assert [delta_text(each) for each in (0, None, 1500, -1500)] == ["–", "–", "+1.5 kB", "−1.5 kB"]
