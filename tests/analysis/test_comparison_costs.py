"""Compressed bytes in comparisons: of files, directories, kinds, and packages, from images and saved reports."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings

import layerscope
from layerscope.analysis.comparison.compare import Comparison, compare
from layerscope.analysis.comparison.side import Side
from layerscope.analysis.model import Analysis
from layerscope.layers.entry import VISIBLE
from layerscope.report.comparison.document import build as build_comparison
from layerscope.report.comparison.renderers import COMPARISON_RENDERERS
from layerscope.report.document.builder import build
from layerscope.report.document.serialize import dumps
from layerscope.report.formats.format import Display
from layerscope.report.saved.report import parse_report
from layerscope.report.schema import schema_text
from tests.analysis.images import analysed, image_of
from tests.analysis.test_compressed_rules import NOISE
from tests.analysis.test_ownership import RELEASE, debian
from tests.builder import FORMS, BuiltImage, Hardlink
from tests.builder.random_stacks import image_of as random_image
from tests.builder.random_stacks import stacks
from tests.effort import examples

GZIP = ("oci-archive", "gzip")
PLAIN = ("docker-legacy", "none")


def before() -> BuiltImage:
    return image_of(
        {
            **RELEASE,
            **debian(("noise", "1", ("opt/noise",))),
            "opt/noise": NOISE,
            "opt/text": b"text " * 20_000,
            "srv/moved": NOISE[:5000],
            "srv/b": NOISE[5000:9000],
            "srv/c": Hardlink("srv/b"),
        },
        {"usr/old": NOISE[::2]},
    )


def after() -> BuiltImage:
    return image_of(
        {
            **RELEASE,
            **debian(("noise", "2", ("opt/noise",))),
            "opt/noise": NOISE + NOISE[:4000],
            "opt/text": b"text " * 20_000,
            "srv/here": NOISE[:5000],
            "srv/b": NOISE[5000:9000],
        },
        {"usr/new": NOISE[1::2]},
    )


def compared(
    a: tuple[str, str], b: tuple[str, str], *, saved: bool = False, path: str | None = None
) -> Comparison:
    """Both images compared while they are open, or their saved reports."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        sides = []
        for name, image, (form, compression) in (("a", before(), a), ("b", after(), b)):
            reference = FORMS[form].write([image], Path(folder) / name, compression)
            analysis = layerscope.analyze(stack.enter_context(layerscope.load(reference)))
            if saved:
                document = dumps(build(analysis, files=True, hashes=True))
                sides.append(parse_report(document.encode(), "saved.json"))
            else:
                sides.append(Side.of(analysis))
        return compare(sides[0], sides[1], path=path)


def document_of(comparison: Comparison, top: int | None = None) -> Any:
    return build_comparison(comparison, top=top)


def by_path(comparison: Comparison) -> dict[str, Any]:
    document = document_of(comparison)
    return {str(row["path"]): row for row in document["changes"]}


def placed_costs(analysis: Analysis) -> dict[bytes, int]:
    """What each file takes at its first visible name, by a walk of its own."""
    names: dict[int, tuple[bytes, int]] = {}
    pending = [(b"", analysis.tree.root)]
    while pending:
        path, node = pending.pop()
        for name, child in (node.children or {}).items():
            below = path + b"/" + name
            entry = child.latest
            if entry is None or entry.ended != VISIBLE:
                continue
            pending.append((below, child))
            if entry.content is not None:
                cost = entry.content.compressed
                assert cost is not None
                found = names.get(id(entry.content))
                if found is None or below < found[0]:
                    names[id(entry.content)] = below, cost
    return dict(names.values())


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stacks(), stacks())
def test_directories_sum_up_the_compressed_bytes_of_their_files(a: Any, b: Any) -> None:
    one, other = (analysed(random_image(layers), *GZIP) for layers in (a, b))
    files = compare(Side.of(one), Side.of(other)).files
    assert files is not None
    for analysis, name in ((one, "a"), (other, "b")):
        costs = placed_costs(analysis)
        for directory in files.directories:
            below = directory.path + b"/"
            expected = sum(cost for path, cost in costs.items() if path.startswith(below))
            assert getattr(directory, f"{name}_compressed") == expected
        for change in files.changes:
            if getattr(change, f"{name}_bytes"):
                path = getattr(change, f"path_{name}")
                assert getattr(change, f"{name}_compressed") == costs[path]
        unplaced = files.unplaced_compressed[0 if name == "a" else 1]
        assert analysis.sizes.compressed_live == sum(costs.values()) + (unplaced or 0)


def test_each_file_has_its_compressed_bytes_on_both_sides() -> None:
    rows = by_path(compared(GZIP, GZIP))
    noise = rows["/opt/noise"]["compressed"]
    assert noise["a"] == pytest.approx(40_000, rel=0.03)
    assert noise["b"] == pytest.approx(44_000, rel=0.03)
    assert noise["delta"] == noise["b"] - noise["a"]
    assert rows["/usr/new"]["compressed"]["a"] == 0
    assert rows["/usr/old"]["compressed"]["b"] == 0
    moved = rows["/srv/here"]
    assert moved["kind"] == "moved"
    assert moved["compressed"]["a"] == pytest.approx(5000, rel=0.15)
    assert moved["compressed"]["b"] == pytest.approx(5000, rel=0.15)


def test_a_side_without_compressed_bytes_is_null_where_it_has_content() -> None:
    rows = by_path(compared(PLAIN, GZIP))
    noise = rows["/opt/noise"]["compressed"]
    assert (noise["a"], noise["delta"]) == (None, None)
    assert noise["b"] == pytest.approx(44_000, rel=0.03)
    new = rows["/usr/new"]["compressed"]
    assert (new["a"], new["delta"]) == (0, new["b"])
    document = document_of(compared(PLAIN, GZIP), top=1)
    files, packages = document["files"], document["packages"]
    assert files["placed"]["compressed"]["a"] is None
    assert files["placed"]["compressed"]["b"] is not None
    assert files["kinds"]["content"]["compressed"]["a"] is None
    assert document["changes"][-1]["compressed"]["delta"] is None
    assert packages["owned"]["compressed"]["a"] is None
    assert packages["owned"]["compressed"]["b"] is not None


def test_a_saved_report_gives_the_same_compressed_bytes() -> None:
    images = document_of(compared(GZIP, GZIP))
    saved = document_of(compared(GZIP, GZIP, saved=True))
    for key in ("changes", "directories", "files", "packages"):
        assert saved[key] == images[key]


def test_a_pattern_splits_the_compressed_bytes_into_inside_and_outside() -> None:
    whole = document_of(compared(GZIP, GZIP))["files"]
    part = document_of(compared(GZIP, GZIP, path="/srv/**"))["files"]
    for name in ("a", "b"):
        inside = part["placed"]["compressed"][name]
        outside = part["outside"]["compressed"][name]
        assert inside + outside == whole["placed"]["compressed"][name]


def test_cut_off_rows_carry_the_rest_of_the_compressed_bytes() -> None:
    comparison = compared(GZIP, GZIP)
    every = document_of(comparison)["changes"]
    cut = document_of(comparison, top=2)["changes"]
    assert cut[-1]["path"] is None
    for name in ("a", "b", "delta"):
        sums = [sum(row["compressed"][name] for row in rows) for rows in (every, cut)]
        assert sums[0] == sums[1]


@pytest.mark.parametrize("forms", [(GZIP, GZIP), (PLAIN, GZIP), (GZIP, PLAIN), (PLAIN, PLAIN)])
def test_every_document_fits_the_schema(forms: tuple[Any, Any]) -> None:
    document = json.loads(dumps(document_of(compared(*forms), top=1)))
    jsonschema.validate(document, json.loads(schema_text("comparison")))


def rendered(name: str, comparison: Comparison) -> str:
    out = io.StringIO()
    document = document_of(comparison)
    COMPARISON_RENDERERS[name].create(Display(width=100)).render(document, out)
    return out.getvalue()


@pytest.mark.parametrize("name", ["text", "markdown", "html"])
def test_reports_show_downloads_only_where_they_are_known(name: str) -> None:
    known, unknown = rendered(name, compared(GZIP, GZIP)), rendered(name, compared(PLAIN, PLAIN))
    start = 'id="directories"' if name == "html" else "where"
    for text, shown in ((known, True), (unknown, False)):
        part = text[text.lower().index(start) :].partition("noise")[0]
        assert ("download" in part) == shown


def test_the_csv_has_compressed_bytes_of_files_directories_and_packages() -> None:
    rows = list(csv.DictReader(io.StringIO(rendered("csv", compared(GZIP, GZIP)))))
    document = document_of(compared(GZIP, GZIP))
    for table, key in (("file", "changes"), ("directory", "directories")):
        found = [row["compressed_delta"] for row in rows if row["table"] == table]
        assert found == [str(row["compressed"]["delta"]) for row in document[key]]
    packages = [row["compressed_b"] for row in rows if row["table"] == "package"]
    assert packages == [str(row["compressed"]["b"]) for row in document["packages"]["changes"]]


def test_a_library_user_compares_files_of_two_opened_images(tmp_path: Path) -> None:
    first = FORMS["oci-archive"].write([before()], tmp_path / "a", "gzip")
    second = FORMS["oci-archive"].write([after()], tmp_path / "b", "zstd")
    with layerscope.load(first) as a, layerscope.load(second) as b:
        files = layerscope.compare(a, b).files
    assert files is not None
    assert files.root.a_compressed
    assert files.root.b_compressed
