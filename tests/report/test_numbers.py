"""Every size and count that a format shows is in the JSON document that it renders."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import layerscope
from layerscope.analysis.comparison.compare import compare
from layerscope.analysis.comparison.side import Side
from layerscope.report.comparison.document import build as build_comparison
from layerscope.report.comparison.renderers import COMPARISON_RENDERERS
from layerscope.report.document.builder import build
from layerscope.report.document.filesystem import with_filesystem
from layerscope.report.formats.format import Display
from layerscope.report.formats.renderers import RENDERERS
from layerscope.units import format_size
from tests.builder import FORMS
from tests.tui.compared import first, second
from tests.tui.images import WIDE, Driver, browse, web_app

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


def sizes(text: str) -> set[str]:
    """All sizes in a text, without the no-break spaces of a page."""
    return set(SIZE.findall(text.replace("\N{NO-BREAK SPACE}", " ").replace("&nbsp;", " ")))


@pytest.mark.parametrize("name", sorted(set(RENDERERS) - {"json"}))
def test_every_size_of_a_report_is_in_its_document(name: str, tmp_path: Path) -> None:
    path = FORMS["oci-archive"].write([web_app()], tmp_path / "app.tar")
    with layerscope.load(path) as image:
        analysis = layerscope.analyze(image)
        document: Any = with_filesystem(build(analysis), analysis.facts)
    out = io.StringIO()
    RENDERERS[name].create(Display()).render(document, out)
    known = {format_size(number) for number in integers(document)}
    known |= {f"{number:,} B" for number in integers(document)}
    assert sorted(sizes(out.getvalue()) - known) == []


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
    known = {format_size(number) for number in integers(document)}
    assert sorted(sizes(out.getvalue()) - known) == []


def test_every_size_of_the_browser_is_in_the_document(tmp_path: Path) -> None:
    path = FORMS["oci-archive"].write([web_app()], tmp_path / "app.tar")
    with layerscope.load(path) as image:
        analysis = layerscope.analyze(image)
        document: Any = with_filesystem(build(analysis, files=True, top=None), analysis.facts)
        for layer in document["layers"]:
            layer["entries"] = list(layer["entries"])
    known = {format_size(number) for number in integers(document)}
    shown: dict[str, set[str]] = {}

    async def script(driver: Driver) -> None:
        for key in ("f", "asterisk", "w", "v", "b", "v", "i"):
            await driver.press(key)
            shown[key] = sizes(driver.text)

    browse(path, script, size=WIDE)
    assert all(shown.values())
    assert {key: sorted(found - known) for key, found in shown.items() if found - known} == {}
