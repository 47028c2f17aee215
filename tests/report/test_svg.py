from __future__ import annotations

import re

import lxml.etree
import pytest

from layerscope.analysis.model import Analysis
from layerscope.report.document.builder import build
from layerscope.report.parts.palette import DARK, LIGHT, OTHER, Palette
from tests.report.golden import check_golden
from tests.report.pictured import pictured, written
from tests.report.sample import make_analysis, python_app

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def picture(app_analysis: Analysis) -> lxml.etree._Element:
    return lxml.etree.fromstring(written("svg", pictured(app_analysis)).encode())


def test_the_picture_matches_its_golden_file(app_analysis: Analysis) -> None:
    check_golden("app.svg", written("svg", pictured(app_analysis)))


def test_every_tile_has_a_tooltip(picture: lxml.etree._Element) -> None:
    titles = [each.text for each in picture.iter(f"{SVG}title")][1:]
    assert len(titles) > 60
    assert (
        "/srv/app/data/model.bin\n2.5 MB, 30.4 %\nby 3, RUN chown app /srv/app/data/model.bin"
        in titles
    )
    assert any(
        title.startswith("/usr/lib\n3.1 MB, 38.3 % in 3 files\n2.7 MB by 0, ADD")
        for title in titles
    )


def test_tiles_have_the_colors_of_their_instructions(picture: lxml.etree._Element) -> None:
    shade = {
        rect.find(f"{SVG}title").text.partition("\n")[0]: rect.get("class")
        for rect in picture.iter(f"{SVG}rect")
        if rect.find(f"{SVG}title") is not None
    }
    assert shade["/bin/busybox"] == shade["/usr/lib/x86_64-linux-gnu/libc.so.6"] == "c0"
    assert shade["/usr/lib/python3/site.py"] == "c2"
    assert shade["/srv/app/data/model.bin"] == "c3"
    assert shade["/srv/app"] == "open"


def test_the_picture_is_self_contained(app_analysis: Analysis) -> None:
    text = written("svg", pictured(app_analysis))
    assert re.findall(r"https?://[^\"]*", text) == ["http://www.w3.org/2000/svg"]
    assert "<script" not in text
    assert "href" not in text
    assert all(color in text for color in (*LIGHT, *DARK))


def test_a_document_without_the_filesystem_says_so() -> None:
    picture = lxml.etree.fromstring(written("svg", build(python_app())).encode())
    texts = [each.text for each in picture.iter(f"{SVG}text")]
    assert texts == ["my-app:latest", "this report does not contain the final filesystem"]


def test_instructions_beyond_the_palette_share_the_last_color() -> None:
    document = build(make_analysis([(f"RUN {n}", 100 + n) for n in range(20)]))
    palette = Palette(document)
    assert palette.others
    assert palette.instructions == tuple(range(20 - OTHER, 20))
    assert [palette.color(n) for n in range(20)] == [OTHER] * (20 - OTHER) + list(range(OTHER))
    assert not Palette(build(make_analysis([("RUN a", 5)]))).others
