"""The rows of waste, without a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerscope.analysis.model import WASTE_KINDS, WastedFile
from layerscope.tui.model import waste_rows
from layerscope.tui.model.waste_rows import Key, WasteRows, key_of
from tests.report.sample import wasted
from tests.tui.images import analysed, web_app


def files_of(pairs: Sequence[tuple[str, int, int, int]]) -> list[WastedFile]:
    files = [
        wasted(f"/f{number}", size, written, by, kind)  # type: ignore[arg-type]
        for number, (kind, written, by, size) in enumerate(pairs)
    ]
    return sorted(files, key=lambda file: (-file.bytes, file.path))


PAIRS = st.lists(
    st.tuples(
        st.sampled_from(WASTE_KINDS), st.integers(0, 2), st.integers(0, 2), st.integers(0, 9)
    ),
    max_size=30,
)


@given(PAIRS, st.integers(1, 4))
def test_every_level_adds_up_to_all_waste(
    pairs: list[tuple[str, int, int, int]], most: int
) -> None:
    files = files_of(pairs)
    before = waste_rows.MOST_FILES
    try:
        waste_rows.MOST_FILES = most  # type: ignore[misc]
        waste = WasteRows(files)
        every: set[Key] = {*WASTE_KINDS, *((f.kind, f.written_by, f.wasted_by) for f in files)}
        rows = list(waste.rows(every))
    finally:
        waste_rows.MOST_FILES = before  # type: ignore[misc]
    for depth in range(3):
        level = [row for row in rows if row.depth == depth]
        assert sum(row.bytes for row in level) == waste.size == sum(file.bytes for file in files)
        assert sum(row.files for row in level) == len(files)
    for row in rows:
        if row.file is not None:
            assert row.pair is not None
            file = row.file
            assert (file.kind, file.written_by, file.wasted_by) == key_of(row.pair)
    kinds = [row.bytes for row in rows if row.depth == 0]
    assert kinds == sorted(kinds, reverse=True)


def test_closed_groups_are_not_listed(tmp_path: Path) -> None:
    with analysed(web_app(), tmp_path / "image.tar") as analysis:
        waste = WasteRows(analysis.waste)
        assert waste.size == analysis.sizes.wasted
        closed = list(waste.rows(()))
        assert [row.kind for row in closed] == ["metadata_only", "deleted"]
        opened = list(waste.rows({"metadata_only"}))
        assert [row.depth for row in opened] == [0, 1, 0]
        pair = opened[1].key
        assert pair == ("metadata_only", 2, 4)
        files = list(waste.rows({"metadata_only", pair}))
        assert [row.depth for row in files] == [0, 1, 2, 0]
        assert files[2].key is None
        assert list(waste.rows({pair})) == closed, "a pair is open only where its kind is"


def test_no_waste_has_no_rows() -> None:
    assert list(WasteRows(()).rows(WASTE_KINDS)) == []


@pytest.mark.parametrize("count", [0, 1])
def test_there_is_a_row_for_the_rest_only_if_there_is_one(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waste_rows, "MOST_FILES", 3)
    files = files_of([("deleted", 0, 1, 5)] * (3 + count))
    rows = list(WasteRows(files).rows({"deleted", ("deleted", 0, 1)}))
    assert len(rows) == 2 + 3 + count
    assert (rows[-1].file is None) == bool(count)
