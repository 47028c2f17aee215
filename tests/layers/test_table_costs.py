"""The compressed bytes of members from any table of contents, also one that lies."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from layerscope.layers.lazy.costs import NOBODY, TableCosts
from layerscope.layers.lazy.table import Chunks
from tests.effort import examples

Row = tuple[bool, list[tuple[int, int, int]]]
"""Whether the member is kept, and for each of its chunks the size, the distance in the blob, and that of its end."""

rows = st.lists(
    st.tuples(
        st.booleans(),
        st.lists(
            st.tuples(st.integers(1, 1 << 40), st.integers(-5, 100_000), st.integers(0, 50_000)),
            max_size=4,
        ),
    ),
    max_size=30,
)


def computed(table: list[Row], end: int) -> tuple[list[int] | None, bool]:
    """The costs of the kept members, and whether the chunks are in order."""
    chunks, shares = Chunks(end), TableCosts()
    kept = at = 0
    ordered = True
    for keeps, parts in table:
        shares.add(kept if keeps else NOBODY, chunks)
        kept += keeps
        for size, step, length in parts:
            ordered = ordered and step >= 0
            chunks.add(size, at + step, 0, None, False, at + step + length if length else 0)
            at = max(at + step, at + step + length)
    found = shares.compute(kept, chunks, end)
    return (None if found is None else found.tolist()), ordered and at <= end


@settings(deadline=None, max_examples=examples(300))
@given(rows, st.integers(1, 3_000_000))
def test_no_member_takes_bytes_that_the_blob_does_not_have(table: list[Row], end: int) -> None:
    found, ordered = computed(table, end)
    assert (found is not None) == ordered
    if found is not None:
        assert min(found, default=0) >= 0
        assert sum(found) <= end


def test_a_file_with_known_ends_takes_exactly_its_bytes_and_a_share_of_the_headers() -> None:
    table: list[Row] = [(True, [(5000, 100, 3000)]), (True, []), (True, [(10, 200, 40)])]
    found, _ = computed(table, 3400)
    assert found is not None
    assert found[0] == 100 + 3000
    assert found[1] + found[2] == 200 + 40


def test_a_member_that_is_left_out_takes_its_bytes_along() -> None:
    table: list[Row] = [(True, [(5000, 100, 3000)]), (False, [(9000, 0, 8000)]), (True, [])]
    found, _ = computed(table, 11_200)
    assert found is not None
    assert sum(found) <= 3100 + 100
