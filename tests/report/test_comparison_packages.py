"""The packages of two images side by side: what came, went, or changed its version, from images and saved reports."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from layerscope.analysis.comparison.compare import Comparison, compare
from layerscope.analysis.comparison.side import Side
from layerscope.analysis.model import Analysis
from layerscope.cli.main import main
from layerscope.report.comparison.document import build
from layerscope.report.document.builder import build as build_report
from layerscope.report.document.serialize import dumps
from layerscope.report.saved.report import parse_report
from tests.analysis.images import analysis_of, image_of
from tests.analysis.test_ownership import RELEASE, debian, dist_info
from tests.builder import FORMS
from tests.cli.conftest import ROOT

FIXTURES = ROOT / "fixtures"
PYTHON = str(FIXTURES / "python-3.8.tar.gz")
SLIM = str(FIXTURES / "python-3.8-slim.tar.gz")

Row = dict[str, Any]


def stored(*packages: tuple[str, str, int]) -> Row:
    """Debian packages with a name, a version, and the size of their only file."""
    named = [(name, version, (f"usr/{name}",)) for name, version, _ in packages]
    files: Row = {f"usr/{name}": b"x" * size for name, _, size in packages}
    return {**RELEASE, **debian(*named), **files}


@pytest.fixture(scope="module")
def before() -> Analysis:
    return analysis_of(
        stored(
            ("up", "1.0~rc1", 100),
            ("down", "1:1.0", 5000),
            ("odd", "one", 10),
            ("gone", "1", 700),
            ("same", "1", 30),
            ("rebuilt", "1", 40),
        )
    )


@pytest.fixture(scope="module")
def after() -> Analysis:
    return analysis_of(
        stored(
            ("up", "1.0", 150),
            ("down", "2.0", 1000),
            ("odd", "two", 10),
            ("come", "1", 900),
            ("same", "1", 30),
            ("rebuilt", "1", 45),
        )
    )


def compared(a: Analysis, b: Analysis) -> Comparison:
    return compare(side_of(a), side_of(b))


def side_of(analysis: Analysis) -> Side:
    """A side without its files, whose image need not be open."""
    return replace(Side.of(analysis), files=None)


def packages_of(comparison: Comparison, top: int | None = None) -> Row:
    packages: Row = json.loads(dumps(build(comparison, top=top)))["packages"]
    return packages


def test_the_largest_difference_comes_first_with_both_versions(
    before: Analysis, after: Analysis
) -> None:
    rows = packages_of(compared(before, after))["changes"]
    found = [
        (row["name"], row["status"], row["a"], row["b"], row["versions_a"], row["versions_b"])
        for row in rows
    ]
    assert found == [
        ("down", "downgraded", 5000, 1000, ["1:1.0"], ["2.0"]),
        ("come", "added", 0, 900, [], ["1"]),
        ("gone", "removed", 700, 0, ["1"], []),
        ("up", "upgraded", 100, 150, ["1.0~rc1"], ["1.0"]),
        ("rebuilt", "resized", 40, 45, ["1"], ["1"]),
        ("odd", "changed", 10, 10, ["one"], ["two"]),
    ]
    assert {row["type"] for row in rows} == {"deb"}


@pytest.mark.parametrize("top", [None, 2, 0])
def test_the_rows_add_up_to_what_packages_own(
    before: Analysis, after: Analysis, top: int | None
) -> None:
    comparison = compared(before, after)
    packages = packages_of(comparison, top)
    rows = [*packages["changes"], *([packages["rest"]] if "rest" in packages else [])]
    assert sum(row["delta"] for row in rows) == packages["owned"]["delta"]
    sizes = json.loads(dumps(build(comparison)))["sizes"]["content"]
    for side in ("a", "b", "delta"):
        assert packages["owned"][side] + packages["unowned"][side] == sizes[side]
    assert packages["counts"] == {
        "added": 1, "changed": 1, "downgraded": 1, "removed": 1, "resized": 1, "same": 1, "upgraded": 1,
    }  # fmt: skip
    assert len(packages["changes"]) + packages.get("rest", {"count": 0})["count"] == 6


def test_an_old_version_below_the_new_one_counts_with_it(after: Analysis) -> None:
    a = analysis_of(stored(("a", "1", 100)))
    b = analysis_of(stored(("a", "1", 100)), stored(("a", "2", 130)))
    (row,) = packages_of(compared(a, b))["changes"]
    assert (row["status"], row["a"], row["b"]) == ("upgraded", 100, 230)
    assert (row["versions_a"], row["versions_b"]) == (["1"], ["2"])


def test_a_second_version_beside_the_first_is_neither_up_nor_down() -> None:
    one = {"node_modules/a/package.json": b'{"name": "a", "version": "1.0.0"}'}
    two = {
        **one,
        "node_modules/b/node_modules/a/package.json": b'{"name": "a", "version": "2.0.0"}',
    }
    (row,) = packages_of(compared(analysis_of(one), analysis_of(two)))["changes"]
    assert row["status"] == "changed"
    assert (row["versions_a"], row["versions_b"]) == (["1.0.0"], ["1.0.0", "2.0.0"])


def test_packages_of_one_name_and_two_types_are_apart() -> None:
    a = analysis_of({**stored(("foo", "1", 10)), **dist_info("foo", "venv")})
    b = analysis_of(stored(("foo", "2", 10)))
    rows = packages_of(compared(a, b))["changes"]
    assert {(row["type"], row["status"]) for row in rows} == {
        ("deb", "upgraded"),
        ("pypi", "removed"),
    }


@pytest.mark.parametrize("files", [False, True])
def test_saved_reports_give_the_same_packages(
    before: Analysis, after: Analysis, files: bool
) -> None:
    sides = [
        parse_report(dumps(build_report(each, files=files)).encode(), "saved")
        for each in (before, after)
    ]
    assert packages_of(compare(*sides)) == packages_of(compared(before, after))
    assert packages_of(compare(sides[0], side_of(after))) == packages_of(compared(before, after))


def notes_of(comparison: Comparison) -> list[str]:
    return [each.message for each in comparison.notes if each.code == "no-packages"]


def test_packages_that_were_not_read_are_not_compared(before: Analysis, after: Analysis) -> None:
    bare = replace(side_of(after), packages=None)
    comparison = compare(side_of(before), bare)
    assert packages_of(comparison) is None
    assert notes_of(comparison) == ["packages are not compared: the packages of B were not read"]


def test_a_saved_report_without_packages_says_so(before: Analysis, after: Analysis) -> None:
    report = json.loads(dumps(build_report(before)))
    del report["packages"]
    comparison = compare(parse_report(json.dumps(report).encode(), "saved"), side_of(after))
    assert packages_of(comparison) is None
    assert "the saved report of A has no packages" in notes_of(comparison)[0]


def test_a_saved_report_that_cut_packages_off_is_not_compared(
    before: Analysis, after: Analysis
) -> None:
    cut = parse_report(dumps(build_report(before, top=2)).encode(), "saved")
    comparison = compare(cut, side_of(after))
    assert packages_of(comparison) is None
    assert "lists only its largest packages" in notes_of(comparison)[0]


def test_an_image_without_layers_read_has_one_note(before: Analysis) -> None:
    head = replace(side_of(before), packages=None, head=True)
    assert notes_of(compare(head, side_of(before))) == []


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ("text", "removed    deb gcc-10 10.2.1-6\n"),
        ("markdown", "| −1.3 MB | removed | <code>deb gcc-10</code> | 10.2.1-6 | 1.3 MB | 0 B |"),
        ("html", "deb <bdi>gcc-10</bdi>"),
        ("csv", "package,removed,,,,deb gcc-10,"),
    ],
)
def test_every_format_shows_the_packages(
    capsys: pytest.CaptureFixture[str], form: str, shown: str
) -> None:
    assert main(["compare", PYTHON, SLIM, "--format", form]) == 0
    assert shown in capsys.readouterr().out


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_packages_say_how_many_differ(capsys: pytest.CaptureFixture[str], form: str) -> None:
    assert main(["compare", PYTHON, SLIM, "--format", form]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "1 added, 74 removed, 9 with other bytes only, 3 the same" in text


def test_a_comparison_of_files_alone_shows_no_packages(capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("text", "markdown", "html"):
        assert main(["compare", PYTHON, SLIM, "--format", form, "--path", "/etc/*"]) == 0
        text = capsys.readouterr().out
        assert "deb <bdi>gcc-10" not in text
        assert "deb gcc-10" not in text


def test_csv_sums_up_what_top_cuts_off(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", PYTHON, SLIM, "--format", "csv", "--top", "5"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    packages = [row for row in rows if row["table"] == "package"]
    assert len(packages) == 6
    assert packages[-1]["details"] == "79 packages"


def test_no_packages_leaves_them_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", PYTHON, SLIM, "--json", "--no-packages"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["packages"] is None
    assert [note["code"] for note in document["notes"]] == ["no-packages", "no-packages"]


EVIL = b'{"name": "\\u001b[31mred\\n<script>", "version": "1\\u202e\\n| a"}'


@pytest.mark.parametrize("form", ["text", "markdown", "html", "csv"])
def test_the_name_of_a_package_cannot_break_out_of_its_place(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, form: str
) -> None:
    paths = []
    for name, more in (("a", b""), ("b", b" " * 500)):
        image = image_of({"node_modules/x/package.json": EVIL + more})
        FORMS["docker-legacy"].write([image], tmp_path / f"{name}.tar")
        paths.append(str(tmp_path / f"{name}.tar"))
    assert main(["compare", *paths, "--format", form]) == 0
    text = capsys.readouterr().out
    assert "31mred" in text
    for raw in ("\x1b", "\u202e", "red\n", "red<script>"):
        assert raw not in text
    assert form in ("text", "csv") or "red <script>" not in text
