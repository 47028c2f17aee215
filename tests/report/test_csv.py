from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from layerscope.analysis.model import Analysis, LiveFile
from layerscope.report.document.builder import build
from layerscope.report.formats.csv import COLUMNS
from tests.report.golden import check_golden
from tests.report.pictured import pictured, written
from tests.report.sample import make_analysis, python_app, wasted


def rows(document: Any, table: str | None = None) -> list[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(written("csv", document), newline=""), strict=True)
    made = list(reader)
    assert reader.fieldnames == list(COLUMNS)
    assert all(None not in row and None not in row.values() for row in made)
    return [row for row in made if table in (None, row["table"])]


def test_csv_matches_its_golden_file(app_analysis: Analysis) -> None:
    check_golden("app.csv", written("csv", pictured(app_analysis)))


def test_tables_follow_one_another() -> None:
    tables = [row["table"] for row in rows(build(python_app()))]
    assert sorted(set(tables), key=tables.index) == [
        *("layer", "instruction", "waste", "cause", "file"),
    ]
    assert tables.count("layer") == 6
    assert tables.count("instruction") == 8


def test_each_table_adds_up() -> None:
    document = build(python_app(), top=3)
    sizes = document["sizes"]
    for table in ("layer", "instruction"):
        for name in ("tar", "content", "overhead", "live", "wasted"):
            assert sum(int(row[name]) for row in rows(document, table)) == sizes[name]
    waste = rows(document, "waste")
    assert sum(int(row["bytes"]) for row in waste) == sizes["wasted"]
    assert waste[-1]["path"] == "(rest)"
    assert waste[-1]["files"] == "510"


def test_an_unknown_value_is_an_empty_cell() -> None:
    layer = rows(build(python_app()), "layer")[0]
    assert layer["compressed"] == ""
    assert layer["tar"] == "77810000"


def test_instructions_have_their_dockerfile_lines() -> None:
    assert [row["line"] for row in rows(build(python_app()), "instruction")][:3] == ["1", "2", "3"]


def test_the_files_of_every_layer_are_listed_if_the_document_has_them(
    app_analysis: Analysis,
) -> None:
    few = rows(build(app_analysis, top=2), "file")
    assert [row["path"] for row in few] == [
        "/srv/app/data/model.bin",
        "/usr/lib/x86_64-linux-gnu/libc.so.6",
    ]
    files = rows(build(app_analysis, files=True), "file")
    assert len(files) == 73
    by_path = {row["path"]: row for row in files}
    assert by_path["/bin/sh"]["kind"] == "symlink"
    assert by_path["/bin/sh"]["text"] == "busybox"
    assert by_path["/root/.cache"]["kind"] == "whiteout"
    assert [row["index"] for row in files] == [str(number) for number in range(len(files))]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "＝", "＠"])
def test_text_is_never_a_formula(start: str) -> None:
    text = f"{start}cmd|' /C calc'!A0"
    analysis = make_analysis(
        [(text, 500), ("RUN rm", 0)],
        [wasted("/x", 100, 0, 1)],
        largest=[LiveFile(path=b"/y", bytes=10, layer=0, written_by=0)],
    )
    for row in rows(build(analysis)):
        for cell in row.values():
            assert not cell.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠")), cell
    shown = rows(build(analysis), "instruction")[0]["text"]
    assert shown.startswith("'")
