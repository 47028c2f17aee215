"""The HTML page of a comparison: the file, the page in a real web browser, and hostile text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lxml.html
import pytest

import layerscope
from layerscope.report.comparison.renderers import COMPARISON_RENDERERS
from layerscope.report.document.serialize import dumps
from layerscope.report.escape import escape
from layerscope.report.parts.html_page import MOST_ROWS
from layerscope.report.paths import clean_text
from layerscope.units import format_delta, format_size
from tests.builder import BuiltImage, ImageBuilder, docker_legacy
from tests.report.golden import check_golden
from tests.report.hostile import LONE, STRINGS
from tests.report.test_comparison import FIXTURES, FULL, SLIM, document_of, rendered
from tests.report.test_html import contrast, visible_rows
from tests.report.test_injection import hostile_image, is_raw, reads_csv, reads_github

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TAGS = """
a bdi body br button code dd details div dl dt footer g h1 h2 h3 head header html input label li main meta nav
option output p rect script section select span style summary svg table tbody td th thead title tr ul
"""
"""All elements that the page consists of."""


@pytest.fixture(scope="module")
def pair() -> Any:
    """The official full and slim images in miniature."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(FIXTURES)
        with layerscope.load(FULL) as a, layerscope.load(SLIM) as b:
            return document_of(layerscope.compare(a, b), top=400)


def compared(folder: Path, a: BuiltImage, b: BuiltImage, **options: Any) -> Any:
    folder.mkdir(exist_ok=True)
    docker_legacy([a]).write(folder / "a.tar")
    docker_legacy([b]).write(folder / "b.tar")
    with (
        layerscope.load(f"docker-archive:{folder / 'a.tar'}") as one,
        layerscope.load(f"docker-archive:{folder / 'b.tar'}") as two,
    ):
        return document_of(layerscope.compare(one, two), **options)


def parsed(document: Any) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring(rendered("html", document))


def cells(page: lxml.html.HtmlElement, table: str) -> list[list[str]]:
    rows = page.get_element_by_id(table).iterfind("tbody/tr")
    return [[" ".join(cell.text_content().split()) for cell in row] for row in rows]


def test_the_page_matches_its_golden_file(pair: Any) -> None:
    """Without style, script, and JSON, which other tests check."""
    text = rendered("html", {**pair, "changes": pair["changes"][:30]})
    for tag in ("style", "script"):
        text = re.sub(rf"<{tag}([^>]*)>.*?</{tag}>", rf"<{tag}\1></{tag}>", text, flags=re.DOTALL)
    check_golden("python-pair.html", re.sub(r"'sha256-[^']*'", "'sha256-'", text))


def test_the_page_is_self_contained(pair: Any) -> None:
    text = rendered("html", pair)
    assert "url(" not in text
    assert "@import" not in text
    page = lxml.html.document_fromstring(text)
    assert page.xpath("//@src | //@style | //link | //img") == []
    assert all(href.startswith("#") for href in page.xpath("//@href"))


def test_the_policy_allows_only_this_style_and_script(pair: Any) -> None:
    page = parsed(pair)
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


def test_the_page_contains_the_json_report(pair: Any) -> None:
    assert json.loads(parsed(pair).get_element_by_id("report").text) == json.loads(dumps(pair))


def test_the_page_shows_the_document(pair: Any) -> None:
    page = parsed(pair)
    assert page.xpath("//h1/bdi/text()") == ["python:3.8", "python:3.8-slim"]
    assert page.find_class("lead")[0].text == escape(pair["sentence"])
    sizes = {row[0].text: [cell.text for cell in row[1:5]] for row in page.xpath("//tbody/tr[th]")}
    content = pair["sizes"]["content"]
    assert sizes["content"][:3] == [
        format_size(content["a"]),
        format_size(content["b"]),
        format_delta(content["delta"]),
    ]
    assert sizes["download"][:3] == ["–", "–", "–"]
    steps = cells(page, "instructions-table")
    assert [row[0] for row in steps] == [
        {"only_a": "only A", "only_b": "only B"}.get(row["status"], row["status"])
        for row in pair["instructions"]
    ]
    assert [row[1] for row in cells(page, "layers-table") if row[1]] == list("012345678")
    files = cells(page, "files-table")
    assert files[0] == ["−663.9 kB", "removed", pair["changes"][0]["path"], "663.9 kB", ""]
    assert files[-1][1] == "in 356 others, which are not listed here"
    assert "created" in " ".join(page.get_element_by_id("configuration").text_content().split())


def test_the_tree_adds_up_at_every_level(pair: Any) -> None:
    rows = [
        (int(row.get("data-level")), [cell.text_content().strip() for cell in row])
        for row in parsed(pair).get_element_by_id("tree-table").iterfind("tbody/tr")
    ]
    known = {row["path"]: row for row in pair["directories"]}
    path: list[str] = []
    below: dict[str, int] = {}
    seen: set[str] = set()
    for level, (name, delta, _, a, b, changes) in rows:
        del path[level:]
        above = "/" + "/".join(path[1:])
        path.append(name)
        if level:
            below[above] = below.get(above, 0) + int(changes.replace(",", ""))
        if name != "(others)":
            seen.add("/" + "/".join(path[1:]))
            found = known["/" + "/".join(path[1:])]
            assert [delta, a, b] == [
                format_delta(found["delta"]),
                format_size(found["a"]),
                format_size(found["b"]),
            ]
    assert below == {name: known[name]["changes"] for name in below}
    assert seen == set(known)


def test_rows_that_are_left_out_are_summed_up(tmp_path: Path) -> None:
    files = {f"f{n}": b"x" * 10 for n in range(MOST_ROWS + 50)}
    grown = ImageBuilder("app:2").layer(files, "RUN x").build()
    page = parsed(compared(tmp_path, ImageBuilder("app:1").build(), grown, top=None))
    rows = cells(page, "files-table")
    assert len(rows) == MOST_ROWS + 1
    assert rows[-1] == ["+500 B", "in 50 others, which are not listed here"]


def test_identical_images_give_a_short_page(tmp_path: Path) -> None:
    image = ImageBuilder("app:1").layer({"f": b"f"}, "RUN f").build()
    page = parsed(compared(tmp_path, image, image))
    assert page.xpath("//nav/a/@href") == ["#sizes", "#instructions", "#layers"]
    assert [row[0] for row in cells(page, "instructions-table")] == ["same"]
    empty = ImageBuilder("app:1").build()
    assert "same image" in parsed(compared(tmp_path, empty, empty)).text_content()


def test_the_page_says_if_there_is_no_file_list(pair: Any) -> None:
    page = parsed({**pair, "files": None, "changes": [], "directories": []})
    assert "Save it with --files." in page.get_element_by_id("files").text_content()
    assert page.xpath("//*[@id='tree-table']") == []


# Text from images


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Every hostile string as a path, link, instruction, label, and note, on either side."""
    folder = tmp_path_factory.mktemp("hostile")
    other = ImageBuilder("app:1").configure(Labels=dict.fromkeys(STRINGS, "x")).build()
    made = compared(folder, other, hostile_image())
    made["notes"] = [{"code": "odd", "message": clean_text(text)} for text in STRINGS]
    assert len(made["changes"]) > len(STRINGS)
    assert len(made["config"]) > len(STRINGS)
    return made


def reads_html(text: str) -> lxml.html.HtmlElement:
    page = lxml.html.document_fromstring(text)
    assert [each.get("type") for each in page.iter("script")] == ["application/json", None]
    assert json.loads(page.get_element_by_id("report").text)["kind"] == "comparison"
    assert {each.tag for each in page.iter() if isinstance(each.tag, str)} <= set(TAGS.split())
    assert not [name for each in page.iter() for name in each.attrib if name.startswith("on")]
    assert all(re.fullmatch("#[a-z]+", href) for href in page.xpath("//@href"))
    return page


def test_the_page_has_no_active_or_hidden_characters(hostile: Any) -> None:
    text = rendered("html", hostile)
    assert {character for character in set(text) if is_raw(character)} == set()
    shown = " ".join(reads_html(text).find("body").text_content().split())
    for string in ("\\x1b[31mred", "<script>alert(1)<", "{{ 7*7 }}", "\\u202eelif"):
        assert string.replace("/", "∕") in shown


@pytest.mark.parametrize("name", ["csv", "github"])
def test_other_formats_have_no_active_or_hidden_characters(name: str, hostile: Any) -> None:
    text = rendered(name, hostile)
    assert {character for character in set(text) if is_raw(character)} == set()
    if name == "github":
        reads_github(text)
        assert text.count("\n") <= 10
        return
    reads_csv(re.sub(r"(?<=,)-(?=\d+(,|$))", "", text, flags=re.MULTILINE))


@pytest.mark.parametrize("text", [*STRINGS, LONE], ids=lambda text: ascii(escape(text))[1:25])
def test_hostile_names_on_the_command_line_are_escaped(text: str, tmp_path: Path) -> None:
    made = compared(tmp_path, ImageBuilder("app:1").build(), ImageBuilder("app:1").build())
    name = clean_text(text)
    for side in "ab":
        made[side] |= {"name": name, "reference": name + ".", "created": name, "platform": name}
    made["sentence"] = name
    results = {each: rendered(each, made) for each in COMPARISON_RENDERERS}
    for each, written in results.items():
        assert {character for character in set(written) if is_raw(character)} == set(), each
        assert written.encode(), each
    reads_html(results["html"])
    reads_csv(results["csv"])
    reads_github(results["github"])


def test_growth_is_annotated_largest_first(tmp_path: Path) -> None:
    builder = ImageBuilder("app:2")
    for number in range(20):
        builder.layer({f"f{number}": b"x" * (1000 + number)}, f"/bin/sh -c make {number}")
    text = rendered("github", compared(tmp_path, ImageBuilder("app:1").build(), builder.build()))
    lines = text.splitlines()
    assert len(lines) == 10
    assert "instruction 19 is new and adds 1.0 kB: RUN make 19" in lines[1]
    assert lines[-1].endswith("::12 more instructions grew, +12.1 kB together")


# In a browser


def visit(page: Page, document: Any, folder: Path) -> None:
    path = folder / "comparison.html"
    path.write_text(rendered("html", document), encoding="utf-8")
    page.goto(path.as_uri())


def shown_directories(page: Page) -> list[str]:
    return page.locator("#tree-table tbody tr:not([hidden]) .path").all_inner_texts()


@pytest.mark.browser
def test_directories_fold_by_click_key_and_level(opened: Page, pair: Any, tmp_path: Path) -> None:
    visit(opened, pair, tmp_path)
    first = shown_directories(opened)
    assert first[:3] == ["/", "usr", "lib"]
    assert "gcc" not in first
    lib = opened.locator("#tree-table .fold").nth(2)
    lib.click()
    assert lib.get_attribute("aria-expanded") == "true"
    assert "gcc" in shown_directories(opened)
    opened.keyboard.press("ArrowLeft")
    assert shown_directories(opened) == first
    opened.keyboard.press("ArrowLeft")
    opened.keyboard.press("ArrowLeft")
    assert "lib" not in shown_directories(opened)[:3]
    opened.keyboard.press("ArrowUp")
    opened.keyboard.press("Enter")
    assert shown_directories(opened) == ["/"]
    opened.locator("[data-depth=tree-table]").select_option("all")
    assert len(shown_directories(opened)) == opened.locator("#tree-table tbody tr").count()
    opened.locator("[data-depth=tree-table]").select_option("1")
    assert shown_directories(opened)[:3] == ["/", "usr", "var"]


@pytest.mark.browser
def test_tables_sort_and_filter(opened: Page, pair: Any, tmp_path: Path) -> None:
    visit(opened, pair, tmp_path)
    opened.locator("select[data-kind=instructions-table]").select_option("different")
    different = [row for row in pair["instructions"] if row["status"] != "same"]
    assert len(visible_rows(opened, "instructions-table", 0)) == len(different)
    opened.locator("select[data-kind=instructions-table]").select_option("only_a")
    assert set(visible_rows(opened, "instructions-table", 0)) == {"only A"}
    opened.locator("#instructions-table th", has_text="change").locator("button").click()
    assert visible_rows(opened, "instructions-table", 6)[:2] == ["−4.5 MB", "−1.1 MB"]

    opened.locator("select[data-kind=files-table]").select_option("content")
    rows = [row for row in pair["changes"] if row["kind"] == "content"]
    total = format_delta(sum(row["delta"] for row in rows))
    counted = opened.locator("[data-count=files-table]").inner_text()
    assert counted == f"{len(rows)} of 400 rows, {total}"
    opened.locator("[data-filter=files-table]").fill("no such path")
    assert visible_rows(opened, "files-table", 2) == []
    opened.locator("[data-filter=files-table]").fill("")
    opened.locator("select[data-kind=files-table]").select_option("")
    opened.locator("#files-table th", has_text="path").locator("button").click()
    paths = [row["path"] for row in pair["changes"] if row["path"] is not None]
    shown = visible_rows(opened, "files-table", 2)[:-1]
    assert [path.split(" ")[0] for path in shown[:20]] == sorted(paths)[:20]


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast_in_light_and_dark(
    opened: Page, pair: Any, tmp_path: Path, scheme: str
) -> None:
    opened.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    visit(opened, pair, tmp_path)
    names = ["text", "quiet", "good", "bad", "warn", "card", "open"]
    names += ["good-back", "bad-back", "warn-back"]
    colors = opened.evaluate(
        """(names) => Object.fromEntries(names.map((name) => [name,
           getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()]))""",
        names,
    )
    pairs = [("good", "card"), ("bad", "card"), ("text", "open"), ("quiet", "open")]
    pairs += [(name, f"{name}-back") for name in ("good", "bad", "warn")]
    low = {each: contrast(colors[each[0]], colors[each[1]]) for each in pairs}
    assert {each: ratio for each, ratio in low.items() if ratio < 4.5} == {}


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 800, 1600])
def test_the_page_is_never_wider_than_the_window(
    opened: Page, pair: Any, hostile: Any, tmp_path: Path, width: int
) -> None:
    opened.set_viewport_size({"width": width, "height": 800})
    for document in (pair, hostile):
        visit(opened, document, tmp_path)
        assert opened.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.browser
def test_on_paper_the_page_is_light_complete_and_without_controls(
    opened: Page, pair: Any, tmp_path: Path
) -> None:
    visit(opened, pair, tmp_path)
    unfolded = shown_directories(opened)
    opened.emulate_media(media="print", color_scheme="dark")
    assert opened.locator("#tree-table tbody tr:visible .path").all_inner_texts() == unfolded
    background = opened.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(255, 255, 255)"
    assert opened.locator("header nav").is_hidden()
    assert opened.locator(".finder:visible").count() == 0
    assert len(opened.pdf(format="A4", print_background=True)) > 10_000


@pytest.mark.browser
def test_without_script_everything_is_readable(browser: Browser, pair: Any, tmp_path: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    visit(page, pair, tmp_path)
    assert page.locator("#tree-table tbody tr:visible").count() > 100
    assert page.locator("#files-table tbody tr").count() == 401
    assert page.locator(".finder:visible").count() == 0
    context.close()


@pytest.mark.browser
def test_a_hostile_image_runs_nothing(opened: Page, hostile: Any, tmp_path: Path) -> None:
    title = "</title><script>alert(1)</script>"
    visit(opened, {**hostile, "a": {**hostile["a"], "name": title}}, tmp_path)
    assert opened.title().startswith(f"{title} → ")
    opened.locator("[data-depth=tree-table]").select_option("all")
    opened.locator("[data-filter=files-table]").fill("<script>")
    assert opened.locator("script").count() == 2
