"""What a pull costs, in the report: closed sums, the treemap's directories, and saved reports."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import lxml.html
import pytest

import layerscope
from layerscope.errors import UsageError
from layerscope.report.document.builder import build
from layerscope.report.document.filesystem import with_filesystem
from layerscope.report.formats.format import Display
from layerscope.report.saved.report import parse_saved
from layerscope.units import format_size
from tests.builder import FORMS, ImageBuilder
from tests.builder.image import BuiltImage
from tests.model.sums import check_sums
from tests.report.pictured import written
from tests.test_conformance import sample


def whole(reference: str) -> dict[str, Any]:
    with layerscope.load(reference) as image:
        analysis = layerscope.analyze(image)
        document: Any = with_filesystem(build(analysis, files=True), analysis.facts)
        for layer in document["layers"]:
            layer["entries"] = list(layer["entries"])
        loaded: dict[str, Any] = json.loads(json.dumps(document))
        return loaded


@pytest.mark.parametrize("compression", ["gzip", "zstd-frames", "xz"])
def test_costs_close_in_every_list_of_the_report(tmp_path: Path, compression: str) -> None:
    report = whole(FORMS["oci-archive"].write([sample()], tmp_path / "x.tar", compression))
    check_sums(report)
    sizes, tree = report["sizes"], report["filesystem"]
    assert tree["compressed"] == sizes["compressed_live"] > 0
    children: dict[int, int] = {}
    for row in tree["nodes"][1:]:
        children[row["parent"]] = children.get(row["parent"], 0) + row["compressed"]
    assert all(tree["nodes"][parent]["compressed"] == cost for parent, cost in children.items())


def test_costs_are_null_where_the_source_holds_only_tars(tmp_path: Path) -> None:
    report = whole(FORMS["docker-legacy"].write([sample()], tmp_path / "x.tar", "none"))
    parts = ("compressed", "compressed_live", "compressed_wasted", "compressed_overhead")
    for row in (report, *report["layers"], *report["instructions"]):
        if row.get("layers") != []:
            assert [row["sizes"][part] for part in parts] == [None] * 4
    for key in ("waste", "waste_groups", "waste_pairs", "largest", "advice"):
        assert {row["compressed"] for row in report[key]} == {None}
    entries = [entry for layer in report["layers"] for entry in layer["entries"]]
    assert {entry["compressed"] for entry in entries} == {None}
    assert {node["compressed"] for node in report["filesystem"]["nodes"]} == {None}


def twice() -> BuiltImage:
    """A layer that stores two files, one that deletes one of them, and the first one again."""
    builder = ImageBuilder("x:1").layer({"a": b"a" * 5000, "b": b"b" * 100}, "RUN a")
    return (
        builder.layer({"c": b"c" * 50}, "RUN c")
        .layer({"a": b"a" * 5000, "b": b"b" * 100}, "RUN again")
        .build()
    )


def test_a_blob_that_is_listed_twice_is_charged_to_its_last_place(tmp_path: Path) -> None:
    report = whole(FORMS["oci-archive"].write([twice()], tmp_path / "x.tar", "gzip"))
    check_sums(report)
    first, _, last = report["instructions"]
    assert first["sizes"]["compressed"] == 0
    assert last["sizes"]["compressed"] == report["layers"][2]["sizes"]["compressed"] > 0
    assert report["sizes"]["wasted"] == 5100
    assert report["sizes"]["compressed_wasted"] == 0
    assert {row["compressed"] for row in report["waste"]} == {0}


def test_a_saved_report_keeps_what_a_pull_costs(tmp_path: Path) -> None:
    report = whole(FORMS["oci-archive"].write([sample()], tmp_path / "x.tar", "gzip"))
    saved = parse_saved(json.dumps(report).encode(), "saved.json")
    facts = saved.facts
    sizes = report["sizes"]
    assert facts.sizes.compressed_live == sizes["compressed_live"]
    assert facts.sizes.compressed_overhead == sizes["compressed_overhead"]
    assert [row.compressed for row in facts.waste] == [row["compressed"] for row in report["waste"]]
    assert facts.files is not None
    for layer, row in zip(facts.files.tree.layers, report["layers"], strict=True):
        assert [each.compressed for each in layer] == [x["compressed"] for x in row["entries"]]
    again: Any = with_filesystem(dict(report), facts)  # type: ignore[arg-type]
    assert again["filesystem"] == report["filesystem"]


@pytest.mark.parametrize("key", ["compressed", "compressed_live", "compressed_wasted"])
def test_a_saved_report_whose_costs_do_not_add_up_is_refused(tmp_path: Path, key: str) -> None:
    report = whole(FORMS["oci-archive"].write([sample()], tmp_path / "x.tar", "gzip"))
    report["sizes"][key] += 1
    with pytest.raises(UsageError, match="add up"):
        parse_saved(json.dumps(report).encode(), "saved.json")


@pytest.mark.parametrize("form", ["text", "markdown", "html", "csv"])
def test_formats_show_what_a_pull_costs_beside_the_content(tmp_path: Path, form: str) -> None:
    for name, compression in (("oci-archive", "gzip"), ("docker-legacy", "none")):
        report = whole(FORMS[name].write([sample()], tmp_path / name, compression))
        text = written(form, report, Display(width=120))
        largest = report["largest"][0]["compressed"]
        if form == "csv":
            rows = [row for row in csv.DictReader(text.splitlines()) if row["table"] == "waste"]
            costs = [
                str("" if row["compressed"] is None else row["compressed"])
                for row in report["waste"]
            ]
            assert [row["compressed"] for row in rows] == costs
        elif form == "text":
            assert (" wasted  download" in text) == (compression == "gzip")
            assert (f"download {format_size(largest)}" in text) == (largest is not None)
        elif form == "markdown":
            lines = [line for line in text.splitlines() if "written by" in line]
            assert any("download" in line for line in lines) == (largest is not None)
        else:
            page = lxml.html.fromstring(text)
            for table in ("waste-table", "files-table"):
                titles = page.get_element_by_id(table).find("thead").text_content()
                assert ("download" in titles) == (largest is not None)
