from __future__ import annotations

import posixpath

from hypothesis import given
from hypothesis import strategies as st

from layerscope.analysis.grouping import WasteSummary
from layerscope.analysis.model import WASTE_KINDS, WastedFile
from tests.report.sample import python_app, wasted

names = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=6)
files = st.lists(
    st.builds(
        lambda parts, size, pair, kind: wasted("/".join(parts), size, pair[0], pair[1], kind),
        names,
        st.integers(0, 1000),
        st.sampled_from([(0, 1), (0, 2), (1, 2)]),
        st.sampled_from(WASTE_KINDS),
    ),
    max_size=40,
)


@given(files)
def test_groups_and_pairs_contain_all_waste_once(waste: list[WastedFile]) -> None:
    summary = WasteSummary(waste)
    total = sum(file.bytes for file in waste)
    for rows in (summary.groups(), summary.pairs()):
        assert sum(row.bytes for row in rows) == total
        assert sum(row.files for row in rows) == len(waste)
        assert [row.bytes for row in rows] == sorted((row.bytes for row in rows), reverse=True)


@given(files)
def test_a_group_only_contains_files_of_its_pair(waste: list[WastedFile]) -> None:
    for group in WasteSummary(waste).groups():
        below = [
            file
            for file in waste
            if (file.kind, file.written_by, file.wasted_by)
            == (group.kind, group.written_by, group.wasted_by)
            and (group.path in (file.path, b"/") or file.path.startswith(group.path + b"/"))
        ]
        assert len(below) >= group.files
        assert sum(file.bytes for file in below) >= group.bytes
        if not group.rest and group.files > 1:
            assert posixpath.commonpath([b"/" + file.path for file in below]).startswith(
                b"/" + group.path.strip(b"/")
            )


def test_a_large_file_gets_its_own_group() -> None:
    groups = WasteSummary(python_app().waste).groups()
    shown = [(group.path, group.files, group.rest) for group in groups]
    assert shown[:3] == [
        (b"/app/data/model.bin", 1, False),
        (b"/root/.cache/pip/http", 410, False),
        (b"/app/static", 100, False),
    ]


def test_a_group_says_if_other_groups_took_files_below_it() -> None:
    groups = WasteSummary(
        [wasted("/app/model", 900, 0, 1), *(wasted(f"/app/{n}", 10, 0, 1) for n in range(5))]
    ).groups()
    assert [(group.path, group.files, group.rest) for group in groups] == [
        (b"/app/model", 1, False),
        (b"/app", 5, True),
    ]


def test_general_folders_are_split_and_specific_ones_kept() -> None:
    files = [f"/app/.git/objects/{n}" for n in range(30)]
    files += [f"/root/.cache/pip/{n}" for n in range(10)]
    groups = WasteSummary([wasted(path, 10, 0, 1) for path in files]).groups()
    assert [(group.path, group.files, group.rest) for group in groups] == [
        (b"/app/.git/objects", 30, False),
        (b"/root/.cache/pip", 10, False),
    ]


def test_very_deep_paths_count_as_one_folder() -> None:
    deep = "/".join(["d"] * 20_000)
    groups = WasteSummary([wasted(f"{deep}/{n}", 10, 0, 1) for n in range(50)]).groups()
    assert [(group.files, group.bytes) for group in groups] == [(50, 500)]
    assert len(groups[0].path) < 100


def test_a_pair_names_what_changed_in_any_of_its_files() -> None:
    (pair,) = WasteSummary(
        [
            wasted("a", 1, 0, 1, "metadata_only", ["uid"]),
            wasted("b", 1, 0, 1, "metadata_only", ["mode", "uid"]),
        ]
    ).pairs()
    assert pair.changed == ("mode", "uid")
