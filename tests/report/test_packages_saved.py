"""The packages of a saved report are those of the image, and a report whose packages don't add up is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from layerscope.analysis.model import Analysis
from layerscope.errors import UsageError
from layerscope.packages.package import Package
from layerscope.report.document.builder import build
from layerscope.report.document.rows import ReportDocument
from layerscope.report.document.serialize import dumps
from layerscope.report.saved.report import SavedReport, parse_saved
from layerscope.report.saved.restated import restate
from tests.analysis.images import analysis_of
from tests.analysis.test_ownership import RELEASE, debian, dist_info

Report = dict[str, Any]


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    """An upgraded Debian package, a Python one, npm ones with and without a scope, and files that nobody owns."""
    return analysis_of(
        {**RELEASE, **debian(("a+", "1:1.0~rc1", ("usr/bin/a",))), "usr/bin/a": b"x" * 100},
        {**debian(("a+", "1:1.0", ("usr/bin/a",))), "usr/bin/a": b"y" * 150},
        {
            **dist_info("Foo_Bar", "venv", "foo.py"),
            "venv/foo.py": b"f" * 70,
            "node_modules/@x/y/package.json": b'{"name": "@x/y", "version": "2.0.0"}',
            "node_modules/z/package.json": b'{"name": "z", "version": "3.0.0-beta.1"}',
            "nobody": b"n" * 5,
        },
    )


def saved(analysis: Analysis, *, top: int | None = None, files: bool = False) -> Report:
    report: Report = json.loads(dumps(build(analysis, top=top, files=files)))
    return report


def read(report: Report | ReportDocument) -> SavedReport:
    return parse_saved(json.dumps(report).encode(), "saved.json")


def test_a_saved_report_gives_the_packages_of_the_image(analysis: Analysis) -> None:
    assert read(saved(analysis)).facts.packages == analysis.facts.packages


def test_packages_that_were_cut_off_are_one_sum(analysis: Analysis) -> None:
    packages, whole = read(saved(analysis, top=2)).facts.packages, analysis.facts.packages
    assert packages is not None
    assert whole is not None
    assert packages.rest is not None
    assert packages.rows == whole.rows[:2]
    assert packages.rest.count == len(whole.rows) - 2
    assert packages.rest.content == sum(row.content for row in whole.rows[2:])
    assert packages.owned == whole.owned


def test_a_report_with_files_lists_all_packages(analysis: Analysis) -> None:
    report = saved(analysis, top=1, files=True)
    assert "rest" not in report["packages"]
    assert len(report["packages"]["largest"]) == report["packages"]["count"] == 5


def test_only_what_the_final_filesystem_has_is_installed(analysis: Analysis) -> None:
    packages = analysis.facts.packages
    assert packages is not None
    gone = [row.package.version for row in packages.rows if not row.installed]
    assert gone == ["1:1.0~rc1"]


@pytest.mark.parametrize("before", [None, 3])
def test_a_saved_report_is_cut_to_the_rows_of_the_image(
    analysis: Analysis, before: int | None
) -> None:
    cut = restate(read(saved(analysis, top=before)), top=2)
    assert json.loads(dumps(cut))["packages"] == saved(analysis, top=2)["packages"]


def test_a_report_without_packages_has_none(analysis: Analysis) -> None:
    report = saved(analysis)
    del report["packages"]
    assert read(report).facts.packages is None


def first(key: str, value: object) -> Callable[[Report], None]:
    return lambda packages: packages["largest"][0].update({key: value})


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (lambda p: p["largest"].pop(), "but the packages add up to"),
        (lambda p: p.update(count=9), "says there are 9 packages, but has 5"),
        (lambda p: p["unowned"].update(content=0, live=0, wasted=0), "but the image has"),
        (lambda p: p["owned"].update(live=0), "does not add up"),
        (lambda p: p.pop("owned"), "packages.owned is missing"),
        (lambda p: p.update(rest={"count": 1}), "packages.rest.content is missing"),
        (first("content", 10**6), "does not add up"),
        (first("type", "exe"), "has an unknown type of package, 'exe'"),
        (first("type", "apk"), "has the package URL of another package"),
        (first("version", "9"), "has the package URL of another package"),
        (first("name", "\ud800"), "has the package URL of another package"),
        (first("layer", 7), "names a layer that doesn't exist"),
        (first("instruction", 2), "belongs to another instruction"),
        (first("path", "/a\\q"), "lone backslash"),
        (first("installed", 1), "installed is neither true nor false"),
        (lambda p: p.update(unreadable=["exe"]), "has an unknown type of package, 'exe'"),
        (lambda p: p.update(unreadable=[1]), "unreadable is not a list of strings"),
        (first("inside", None), "inside is not a whole number"),
    ],
)
def test_packages_that_contradict_themselves_are_refused(
    analysis: Analysis, edit: Callable[[Report], object], problem: str
) -> None:
    report = saved(analysis)
    edit(report["packages"])
    with pytest.raises(UsageError) as caught:
        read(report)
    message = str(caught.value)
    assert problem in message
    assert message.startswith("saved.json: packages")
    assert "\n" not in message


@pytest.mark.parametrize(
    "package",
    [
        Package("deb", "libstdc++6", "12.2.0-14+deb12u1", "debian", (("arch", "amd64"),)),
        Package("rpm", "bash", "5.2-1", "fedora", (("arch", "x86_64"), ("epoch", "1"))),
        Package("npm", "core", "7.0.0", "@babel"),
        Package("npm", "left-pad", ""),
        Package("golang", "yaml.v3", "v3.0.1", "gopkg.in/a//b"),
        Package("golang", "kingpin?x=y@z", "v2.4.0+incompatible#1", "github.com/x y"),
        Package("maven", "slf4j-api", "2.0", "org.slf4j"),
        Package("pypi", "Foo_Bar.Baz", "1.0", installer="uv"),
        Package("composer", "log", "3.0", "psr"),
        Package("apk", "musl", "1.2.4-r2"),
    ],
    ids=lambda package: package.full_name,
)
def test_every_kind_of_name_survives(analysis: Analysis, package: Package) -> None:
    report = saved(analysis)
    report["packages"]["largest"][0].update(
        type=package.type,
        name=package.full_name,
        version=package.version,
        purl=package.purl,
        installer=package.installer,
    )
    packages = read(report).facts.packages
    assert packages is not None
    found = packages.rows[0].package
    assert (found.purl, found.full_name) == (package.purl, package.full_name)
    assert found == package
