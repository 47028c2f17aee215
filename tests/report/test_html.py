"""The HTML page: the file, and the page in a real web browser."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lxml.html
import pytest

import layerscope
from layerscope.analysis.model import Analysis
from layerscope.report.document.builder import build
from layerscope.report.document.serialize import dumps
from layerscope.report.parts.html_page import MOST_ROWS
from layerscope.report.parts.treemap import Rect, layout
from layerscope.units import format_size
from tests.builder import FORMS, ImageBuilder
from tests.report.golden import check_golden
from tests.report.pictured import analyze, pictured, written
from tests.report.sample import make_analysis, python_app, wasted
from tests.report.test_injection import hostile_image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

RULES: dict[str, object] = {"max_size": "6MB", "min_efficiency": 0.3}


def parsed(document: Any) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring(written("html", document))


def cells(page: lxml.html.HtmlElement, table: str) -> list[list[str]]:
    rows = page.get_element_by_id(table).iterfind("tbody/tr")
    return [[" ".join(cell.text_content().split()) for cell in row] for row in rows]


def test_the_page_matches_its_golden_file(app_analysis: Analysis) -> None:
    """Without style and script, which change independently."""
    text = written("html", pictured(app_analysis, RULES))
    text = re.sub(r"<style>.*?</style>", "<style></style>", text, flags=re.DOTALL)
    text = re.sub(r"<script>.*?</script>", "<script></script>", text, flags=re.DOTALL)
    check_golden("app.html", re.sub(r"'sha256-[^']*'", "'sha256-'", text))


def test_the_page_is_self_contained(app_analysis: Analysis) -> None:
    text = written("html", pictured(app_analysis, RULES))
    assert set(re.findall(r"https?://[^\s\"'<]*", text)) == {"http://www.w3.org/2000/svg"}
    assert "url(" not in text
    assert "@import" not in text


def test_the_policy_allows_only_this_style_and_script(app_analysis: Analysis) -> None:
    page = parsed(pictured(app_analysis))
    meta = page.xpath("//meta[@http-equiv='Content-Security-Policy']")[0]
    policy = dict(part.strip().split(" ", 1) for part in meta.get("content").split(";"))

    def source(element: lxml.html.HtmlElement) -> str:
        digest = hashlib.sha256(element.text.encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode()}'"

    assert policy == {
        "default-src": "'none'",
        "script-src": source(page.xpath("//script[not(@type)]")[0]),
        "style-src": source(page.xpath("//style")[0]),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert meta.getparent()[1] is meta


def test_the_page_contains_the_json_report(app_analysis: Analysis) -> None:
    document = pictured(app_analysis)
    assert json.loads(parsed(document).get_element_by_id("report").text) == json.loads(
        dumps(document)
    )


def test_the_page_leaves_out_the_files_of_layers(app_analysis: Analysis) -> None:
    page = parsed(build(app_analysis, files=True))
    report = json.loads(page.get_element_by_id("report").text)
    assert all("entries" not in layer for layer in report["layers"])


def test_the_page_shows_the_report(app_analysis: Analysis) -> None:
    document = pictured(app_analysis, RULES)
    page = parsed(document)
    assert page.findtext(".//h1/bdi") == "app:1"
    text = " ".join(page.text_content().split())
    assert "verdict: fail (1 of 2 rules)" in text
    cards = {each.findtext("h2"): each.findtext("p") for each in page.find_class("card")}
    for name in ("content", "live", "wasted", "tar"):
        assert cards[name] == format_size(document["sizes"][name])
    assert (cards["download"], cards["efficiency"]) == ("–", "70.4 %")
    instructions = cells(page, "instructions-table")
    assert instructions[1] == ["1", "COPY . /srv/app", "5.0 MB", "", "3.1 MB", "–", "1"]
    waste = cells(page, "waste-table")
    assert waste[0] == ["2.5 MB", "/srv/app/data/model.bin", "metadata only", "1", "3"]
    pairs = cells(page, "pairs-table")
    assert pairs[0][4] == "rewritten by 3 (owner only): RUN chown app /srv/app/data/model.bin"
    assert cells(page, "files-table")[0][:3] == ["2.5 MB", "30.4 %", "/srv/app/data/model.bin"]


def test_a_skipped_rule_has_its_own_style() -> None:
    """Neither green nor red, since the rule neither passed nor failed."""
    document = pictured(make_analysis([("COPY a /", 5)]), {"max_layers": 9, "max_growth": "1%"})
    page = parsed(document)
    (verdict,) = page.find_class("verdict")
    assert "verdict: pass (1 of 2 rules skipped)" in verdict.find("h2").text_content()
    rows = [[" ".join(cell.text_content().split()) for cell in row] for row in verdict.iter("tr")]
    assert rows[1][:2] == ["pass", "max_layers"]
    assert rows[2] == [
        "skip",
        "max_growth",
        "–",
        "at most 1%",
        "not checked: there is no baseline (--baseline) yet",
    ]
    assert [each.get("class") for each in verdict.find_class("pill")] == ["pill good", "pill warn"]


def test_rows_that_are_left_out_are_summed_up() -> None:
    steps = [("COPY a /", 9_000_000), ("RUN rm", 0)]
    waste = [wasted(f"/{n}", 2000, 0, 1) for n in range(MOST_ROWS + 50)]
    rows = cells(parsed(build(make_analysis(steps, waste), top=None)), "waste-table")
    assert len(rows) == MOST_ROWS + 1
    assert rows[-1] == ["100.0 kB", "in others, which are not listed here"]


def test_long_tables_are_cut_only_on_paper() -> None:
    page = parsed(build(python_app()))
    assert page.get_element_by_id("waste-table").get("class") == "data long"
    assert page.get_element_by_id("files-table").get("class") == "data"


def test_a_document_without_the_filesystem_has_no_treemap() -> None:
    page = parsed(build(python_app()))
    assert page.xpath("//*[@id='map']") == []
    assert page.xpath("//nav/a/@href") == ["#instructions", "#waste", "#files", "#notes"]


def test_an_empty_image_wastes_nothing() -> None:
    page = parsed(build(make_analysis([])))
    assert "No byte is wasted." in page.text_content()


def test_there_is_a_line_column_only_if_lines_are_known() -> None:
    document: Any = build(python_app())
    assert cells(parsed(document), "instructions-table")[2][7] == "3"
    document["base"] = {"evidence": "image", "layers": 1, "name": None}
    for row in document["layers"]:
        row["base"] = row["index"] < 1
    lines = [row[7] for row in cells(parsed(document), "instructions-table")]
    assert lines[:3] == ["base", "2", "3"]
    document["instructions"][2]["location"]["end_line"] = 5
    assert cells(parsed(document), "instructions-table")[2][7] == "3–5"


# In a browser


def visit(page: Page, document: Any, folder: Path) -> None:
    path = folder / "report.html"
    path.write_text(written("html", document), encoding="utf-8")
    page.goto(path.as_uri())


def visible_rows(page: Page, table: str, column: int) -> list[str]:
    found: list[str] = page.eval_on_selector_all(
        f"#{table} tbody tr:not([hidden])",
        f"rows => rows.map(row => row.cells[{column}] ? row.cells[{column}].textContent.trim() : '')",
    )
    return found


def crumbs(page: Page) -> list[str]:
    return page.locator("#crumbs > :not(i)").all_text_contents()


@pytest.mark.browser
def test_the_pages_treemap_has_the_same_layout_as_the_svg(
    opened: Page, app_analysis: Analysis, tmp_path: Path
) -> None:
    """Two implementations, in Python and in the page's script, put the same tiles in the same places."""
    document = pictured(app_analysis)
    visit(opened, document, tmp_path)
    box = opened.eval_on_selector("#map svg", "svg => svg.getAttribute('viewBox')")
    _, _, width, height = map(float, box.split())
    drawn: dict[str, Any] = opened.eval_on_selector_all(
        "#map g[data-node]",
        """groups => Object.fromEntries(groups.map(group => [group.dataset.node,
           ['x', 'y', 'width', 'height'].map(name => Number(group.firstChild.getAttribute(name)))]))""",
    )
    nodes = document["filesystem"]["nodes"]
    tiles = layout(nodes, Rect(0, 0, width, height))
    assert sorted(map(int, drawn)) == sorted(tile.node for tile in tiles)
    for tile in tiles:
        rect = tile.rect
        assert drawn[str(tile.node)] == pytest.approx(
            [rect.x, rect.y, rect.width, rect.height], abs=0.06
        )


@pytest.mark.browser
def test_a_click_opens_a_folder_and_the_breadcrumbs_lead_back(
    opened: Page, app_analysis: Analysis, tmp_path: Path
) -> None:
    visit(opened, pictured(app_analysis), tmp_path)
    assert crumbs(opened) == ["all files"]
    before = opened.locator("#map g[data-node]").count()
    opened.mouse.click(*middle(opened, "static/js"))
    assert crumbs(opened) == ["all files", "srv/app", "static/js"]
    assert opened.locator("#map g[data-node]").count() == 61 < before
    opened.locator("#crumbs button", has_text="srv/app").click()
    assert crumbs(opened) == ["all files", "srv/app"]
    opened.locator("#crumbs button").first.click()
    assert crumbs(opened) == ["all files"]
    assert opened.locator("#map g[data-node]").count() == before


@pytest.mark.browser
def test_the_treemap_shows_content_or_what_a_pull_transfers(opened: Page, tmp_path: Path) -> None:
    noise, zeros = random.Random(7).randbytes(60_000), bytes(90_000)
    image = ImageBuilder("x:1").layer({"noise": noise, "zeros": zeros}, "RUN a").build()
    reference = FORMS["oci-archive"].write([image], tmp_path / "x.tar", "gzip")
    with layerscope.load(reference) as loaded:
        visit(opened, pictured(layerscope.analyze(loaded)), tmp_path)
    areas = """groups => groups.filter(group => group.classList.contains('leaf')).map(group =>
        group.firstChild.getAttribute('width') * group.firstChild.getAttribute('height'))"""
    first, second = opened.eval_on_selector_all("#map g[data-node]", areas)
    assert first / second == pytest.approx(1.5, rel=0.05)
    opened.locator("#measure button", has_text="download").click()
    first, second = opened.eval_on_selector_all("#map g[data-node]", areas)
    assert first / second > 50
    opened.locator("#measure button", has_text="content").click()
    first, second = opened.eval_on_selector_all("#map g[data-node]", areas)
    assert first / second == pytest.approx(1.5, rel=0.05)


@pytest.mark.browser
def test_there_is_no_choice_of_sizes_if_only_tars_are_known(
    opened: Page, app_analysis: Analysis, tmp_path: Path
) -> None:
    visit(opened, pictured(app_analysis), tmp_path)
    assert not opened.locator("#measure").is_visible()


def middle(page: Page, name: str) -> tuple[float, float]:
    """The center of the strip with a folder's name."""
    box = page.locator("#map text", has_text=name).first.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.browser
def test_keys_do_everything_a_mouse_does(
    opened: Page, app_analysis: Analysis, tmp_path: Path
) -> None:
    visit(opened, pictured(app_analysis), tmp_path)
    opened.locator("#map").focus()
    opened.keyboard.press("ArrowRight")
    assert opened.locator("#mapfacts").inner_text().startswith("/srv/app: 4.4 MB")
    opened.keyboard.press("ArrowRight")
    assert opened.locator("#mapfacts").inner_text().startswith("/usr/lib: 3.1 MB")
    opened.keyboard.press("Enter")
    assert crumbs(opened) == ["all files", "usr/lib"]
    opened.keyboard.press("Escape")
    assert crumbs(opened) == ["all files"]
    assert opened.locator("#mapfacts").inner_text().startswith("/usr/lib: 3.1 MB")
    opened.keyboard.press("ArrowLeft")
    opened.keyboard.press("Enter")
    opened.keyboard.press("Home")
    assert crumbs(opened) == ["all files"]


@pytest.mark.browser
def test_a_tile_has_a_tooltip(opened: Page, app_analysis: Analysis, tmp_path: Path) -> None:
    visit(opened, pictured(app_analysis), tmp_path)
    opened.mouse.move(*middle(opened, "model.bin"))
    tip = opened.locator("#tip")
    assert tip.locator("b").inner_text() == "/srv/app/data/model.bin"
    assert tip.locator("span").all_inner_texts() == [
        "2.5 MB · 30.4 %",
        "by 3, RUN chown app /srv/app/data/model.bin",
    ]
    opened.mouse.move(5, 5)
    assert tip.is_hidden()


@pytest.mark.browser
def test_the_legend_highlights_one_instruction(
    opened: Page, app_analysis: Analysis, tmp_path: Path
) -> None:
    visit(opened, pictured(app_analysis), tmp_path)
    assert opened.locator("#map .dim").count() == 0
    button = opened.locator(".legend button", has_text="RUN chown")
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    lit = opened.eval_on_selector_all(
        "#map g.leaf > rect:not(.dim)", "tiles => tiles.map(tile => tile.getAttribute('class'))"
    )
    assert lit == ["c3"]
    button.click()
    assert opened.locator("#map .dim").count() == 0


@pytest.mark.browser
def test_a_click_sorts_a_table(opened: Page, app_analysis: Analysis, tmp_path: Path) -> None:
    document = pictured(app_analysis)
    visit(opened, document, tmp_path)
    contents = [row["sizes"]["content"] for row in document["instructions"]]
    head = opened.locator("#instructions-table th", has_text="content")
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    falling = sorted(range(len(contents)), key=lambda n: (-contents[n], n))
    assert visible_rows(opened, "instructions-table", 0) == [str(n) for n in falling]
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert visible_rows(opened, "instructions-table", 0)[-1] == str(falling[0])
    opened.locator("#files-table th", has_text="path").locator("button").click()
    paths = visible_rows(opened, "files-table", 2)
    assert paths == sorted(paths)
    assert opened.locator("#files-table th[aria-sort=descending]").count() == 0


@pytest.mark.browser
def test_tables_filter_as_you_type(opened: Page, tmp_path: Path) -> None:
    visit(opened, build(python_app(), top=400), tmp_path)
    paths = visible_rows(opened, "waste-table", 1)
    assert len(paths) == 401
    opened.locator("[data-filter=waste-table]").fill("STATIC 7.js")
    assert visible_rows(opened, "waste-table", 1) == []
    opened.locator("[data-filter=waste-table]").fill("HTTP/f")
    shown = visible_rows(opened, "waste-table", 1)
    assert shown == [path for path in paths if "http/f" in path]
    output = opened.locator("[data-count=waste-table]").inner_text()
    assert output == f"{len(shown)} of 400 rows, {format_size(30_000 * len(shown))}"
    opened.locator("[data-filter=waste-table]").fill("")
    assert len(visible_rows(opened, "waste-table", 1)) == 401
    opened.locator("select[data-kind=waste-table]").select_option("overwritten")
    assert visible_rows(opened, "waste-table", 1) == ["/var/lib/dpkg/status"]


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast_in_light_and_dark(
    opened: Page, app_analysis: Analysis, tmp_path: Path, scheme: str
) -> None:
    """WCAG 2.2 requires 4.5 for text. Labels on tiles and quiet text are the ones at risk."""
    opened.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    visit(opened, pictured(app_analysis, RULES), tmp_path)
    colors = opened.evaluate(
        """() => {
            const value = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
            const names = ['text', 'quiet', 'accent', 'good', 'bad', 'card', 'page', 'open', 'good-back', 'bad-back'];
            for (let at = 0; at < 12; at += 1) names.push(`c${at}`);
            return Object.fromEntries(names.map((name) => [name, value(`--${name}`)]));
        }"""
    )
    pairs = [("text", f"c{n}") for n in range(12)] + [("text", "card"), ("text", "open")]
    pairs += [
        ("quiet", "card"),
        ("quiet", "page"),
        ("accent", "card"),
        ("good", "good-back"),
        ("bad", "bad-back"),
    ]
    low = {pair: contrast(colors[pair[0]], colors[pair[1]]) for pair in pairs}
    assert {pair: ratio for pair, ratio in low.items() if ratio < 4.5} == {}


def contrast(one: str, two: str) -> float:
    def luminance(color: str) -> float:
        parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 800, 1600])
def test_the_page_is_never_wider_than_the_window(
    opened: Page, app_analysis: Analysis, tmp_path: Path, width: int
) -> None:
    opened.set_viewport_size({"width": width, "height": 800})
    visit(opened, pictured(app_analysis, RULES), tmp_path)
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    assert (
        opened.locator("#map svg").evaluate(
            "svg => Number(svg.getAttribute('viewBox').split(' ')[2])"
        )
        <= width
    )


@pytest.mark.browser
def test_on_paper_the_page_is_light_complete_and_without_controls(
    opened: Page, app_analysis: Analysis, tmp_path: Path
) -> None:
    visit(opened, pictured(app_analysis, RULES), tmp_path)
    opened.emulate_media(media="print", color_scheme="dark")
    assert (
        opened.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    )
    assert opened.locator("header nav").is_hidden()
    assert opened.locator(".finder").first.is_hidden()
    assert opened.locator("#map svg").is_visible()
    assert len(opened.pdf(format="A4", print_background=True)) > 10_000


@pytest.mark.browser
def test_without_script_everything_is_readable(
    browser: Browser, app_analysis: Analysis, tmp_path: Path
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    visit(page, pictured(app_analysis, RULES), tmp_path)
    assert page.locator("#map svg rect").count() > 40
    assert page.locator("#waste-table tbody tr").count() == 3
    assert page.locator(".finder").first.is_hidden()
    context.close()


@pytest.mark.browser
def test_a_hostile_image_runs_nothing(opened: Page, tmp_path: Path) -> None:
    document = pictured(
        analyze(hostile_image(), tmp_path), RULES, reference="</title><script>alert(1)</script>"
    )
    visit(opened, document, tmp_path)
    assert opened.title() == "</title><script>alert(1)</script> · layerscope"
    texts = " ".join(opened.locator("#map text").all_text_contents())
    assert "\x1b" not in texts
    assert "\u202e" not in texts
    opened.locator("#map").focus()
    for _ in range(6):
        opened.keyboard.press("ArrowRight")
        opened.keyboard.press("Enter")
        opened.keyboard.press("Escape")
    assert opened.locator("script").count() == 3
