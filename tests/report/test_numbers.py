"""Every size and count that a format shows is in the JSON document that it renders."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import layerscope
from layerscope.analysis.budgets.budget import load_budget
from layerscope.analysis.budgets.judge import evaluate
from layerscope.analysis.comparison.compare import compare
from layerscope.analysis.comparison.side import Side
from layerscope.analysis.model import Analysis
from layerscope.report.comparison.document import build as build_comparison
from layerscope.report.comparison.renderers import COMPARISON_RENDERERS
from layerscope.report.document.builder import build
from layerscope.report.document.filesystem import with_filesystem
from layerscope.report.formats.format import Display
from layerscope.report.formats.renderers import RENDERERS
from layerscope.units import format_size
from tests.builder import FORMS, BuiltImage
from tests.cli.option_world import app as packaged
from tests.tui.compared import PairDriver, browse_pair, first, second
from tests.tui.images import WIDE, Driver, browse, web_app

COUNT = re.compile(
    r"(?<![\d.,+\N{MINUS SIGN}-])(\d[\d,]*) (files?|layers?|packages?|instructions?|director(?:y|ies)|symlinks?"
    r"|hard links?|whiteouts?|entries|changed|differences?|notes?)\b"
)
SIZE = re.compile(r"(?<![\d.,])\d[\d,]*(?:\.\d+)? (?:B|kB|MB|GB)\b")


def integers(value: Any) -> Iterator[int]:
    """All integers of a document, at any depth."""
    if isinstance(value, dict):
        for each in value.values():
            yield from integers(each)
    elif isinstance(value, list):
        for each in value:
            yield from integers(each)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield abs(value)


def lengths(value: Any) -> Iterator[int]:
    """The lengths of all lists of a document, at any depth."""
    if isinstance(value, list):
        yield len(value)
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from lengths(each)


def counts(text: str) -> set[str]:
    """All counts of things in a text, such as `12 files`."""
    plain = text.replace("\N{NO-BREAK SPACE}", " ").replace("&nbsp;", " ")
    return {f"{number} {noun}" for number, noun in COUNT.findall(plain)}


def unknown_counts(text: str, document: Any) -> list[str]:
    """The counts in a text that are neither numbers of the document nor lengths of its lists."""
    known = {f"{number:,}" for number in (*integers(document), *lengths(document))}
    return sorted(count for count in counts(text) if count.partition(" ")[0] not in known)


def judged(analysis: Analysis) -> Any:
    """The document with a broken rule, and with the filesystem that some formats draw."""
    verdict = evaluate(load_budget(None, {"max_size": "1kB"}), analysis.facts)
    return with_filesystem(build(analysis, verdict=verdict), analysis.facts)


def sizes(text: str) -> set[str]:
    """All sizes in a text, without the no-break spaces of a page."""
    return set(SIZE.findall(text.replace("\N{NO-BREAK SPACE}", " ").replace("&nbsp;", " ")))


@pytest.mark.parametrize("image", [web_app, packaged], ids=["web app", "packages"])
@pytest.mark.parametrize("name", sorted(set(RENDERERS) - {"json", "csv"}))
def test_every_number_of_a_report_is_in_its_document(
    name: str, image: Callable[[], BuiltImage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = FORMS["oci-archive"].write([image()], tmp_path / "app.tar")
    with layerscope.load(path) as opened:
        document = judged(layerscope.analyze(opened))
    out = io.StringIO()
    RENDERERS[name].create(Display()).render(document, out)
    known = {format_size(number) for number in integers(document)}
    known |= {f"{number:,} B" for number in integers(document)}
    for rule in document["verdict"]["rules"]:  # how far it is over its limit
        known |= sizes(rule["message"])
    found = sizes(out.getvalue())
    assert found
    assert sorted(found - known) == []
    assert counts(out.getvalue()) or name in ("junit", "svg")
    assert unknown_counts(out.getvalue(), document) == []


def test_every_number_of_a_csv_report_is_in_its_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = FORMS["oci-archive"].write([packaged()], tmp_path / "app.tar")
    with layerscope.load(path) as image:
        document = judged(layerscope.analyze(image))
    out = io.StringIO()
    RENDERERS["csv"].create(Display()).render(document, out)
    rows = list(csv.DictReader(out.getvalue().splitlines()))
    found = {
        int(cell)
        for row in rows
        for name, cell in row.items()
        if cell.isdecimal() and name != "index"  # the number of the row itself
    }
    assert {layer["sizes"]["content"] for layer in document["layers"]} <= found
    assert sorted(found - set(integers(document))) == []


@pytest.mark.parametrize("path", [None, "/app/**"])
@pytest.mark.parametrize("name", sorted(set(COMPARISON_RENDERERS) - {"json"}))
def test_every_size_of_a_comparison_is_in_its_document(
    name: str, path: str | None, tmp_path: Path
) -> None:
    a = FORMS["oci-archive"].write([first()], tmp_path / "a.tar")
    b = FORMS["docker-legacy"].write([second()], tmp_path / "b.tar")
    with layerscope.load(a) as one, layerscope.load(b) as other:
        sides = [Side.of(layerscope.analyze(each)) for each in (one, other)]
        document: Any = build_comparison(compare(sides[0], sides[1], path=path))
    out = io.StringIO()
    COMPARISON_RENDERERS[name].create(Display()).render(document, out)
    text = out.getvalue()
    known = {format_size(number) for number in integers(document)}
    assert sizes(text) or name == "csv"
    assert sorted(sizes(text) - known) == []
    assert unknown_counts(text, document) == []


def test_every_number_of_the_browser_of_two_images_is_in_the_document(tmp_path: Path) -> None:
    a = FORMS["oci-archive"].write([first()], tmp_path / "a.tar")
    b = FORMS["docker-legacy"].write([second()], tmp_path / "b.tar")
    with layerscope.load(a) as one, layerscope.load(b) as other:
        sides = [Side.of(layerscope.analyze(each)) for each in (one, other)]
        document: Any = build_comparison(compare(*sides), top=None)
    known = {format_size(number) for number in integers(document)}
    shown: dict[str, str] = {}

    async def script(driver: PairDriver) -> None:
        for key in ("f", "asterisk", "o", "l", "s", "i", "f"):
            await driver.press(key)
            shown[key] = driver.text
        await driver.press("enter")
        shown["enter"] = driver.text

    browse_pair(a, b, script, size=WIDE)
    assert all(map(sizes, shown.values()))
    assert {key: found for key, text in shown.items() if (found := sizes(text) - known)} == {}
    wrong = {key: unknown_counts(text, document) for key, text in shown.items()}
    assert {key: found for key, found in wrong.items() if found} == {}


@pytest.mark.slow
def test_every_number_of_the_browser_is_in_the_document(tmp_path: Path) -> None:
    path = FORMS["oci-archive"].write([web_app()], tmp_path / "app.tar")
    with layerscope.load(path) as image:
        analysis = layerscope.analyze(image)
        document: Any = with_filesystem(build(analysis, files=True, top=None), analysis.facts)
        for layer in document["layers"]:
            layer["entries"] = list(layer["entries"])
    known = {format_size(number) for number in integers(document)}
    known |= {f"{number:,} B" for number in integers(document)}
    shown: dict[str, str] = {}
    (tmp_path / "Dockerfile").write_text(
        "FROM debian\nENV LANG=C.UTF-8\nCOPY . /app\nRUN pip install -r requirements.txt\n"
    )

    async def script(driver: Driver) -> None:
        for key in ("f", "asterisk", "w", "v", "b", "v", "i", "d"):
            await driver.press(key)
            shown[key] = driver.text
        await driver.press("f")
        await driver.filter("main.py")
        await driver.press("down", "down", "down", "enter")
        shown["enter"] = driver.text

    browse(path, script, size=WIDE, dockerfile=tmp_path / "Dockerfile")
    assert "main.py" in shown["enter"]
    assert all(map(sizes, shown.values()))
    assert {key: found for key, text in shown.items() if (found := sizes(text) - known)} == {}
    wrong = {key: unknown_counts(text, document) for key, text in shown.items()}
    assert {key: found for key, found in wrong.items() if found} == {}


def test_every_number_of_the_packages_in_the_browser_is_in_the_document(tmp_path: Path) -> None:
    path = FORMS["oci-archive"].write([packaged()], tmp_path / "app.tar")
    with layerscope.load(path) as image:
        analysis = layerscope.analyze(image)
        document: Any = with_filesystem(build(analysis, top=None), analysis.facts)
    known = {format_size(number) for number in integers(document)}
    shown: list[str] = []

    async def script(driver: Driver) -> None:
        await driver.press("p")
        shown.append(driver.text)

    browse(path, script, size=WIDE)
    assert {"3.0 kB", "2.0 kB"} <= sizes(shown[0])
    assert sorted(sizes(shown[0]) - known) == []
    assert unknown_counts(shown[0], document) == []
