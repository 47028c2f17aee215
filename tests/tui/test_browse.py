"""The browser, driven by keys and clicks, at the default size, at 80x24, and at 200x50."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Input, Static

from layerscope.analysis.filter import texts
from layerscope.cli.main import main
from layerscope.errors import ConfigError
from layerscope.progress import Progress
from layerscope.report.formats.renderers import RENDERERS
from layerscope.tui.app import LayerscopeApp, reader
from layerscope.tui.key_line import KeyLine
from layerscope.tui.line_list import LineList
from layerscope.tui.loading import PAUSE, seldom
from layerscope.tui.model import finder
from layerscope.tui.model.view import Scope
from layerscope.tui.panes.files_pane import FilesPane
from layerscope.tui.panes.largest_pane import LargestList
from layerscope.tui.screens.dialogs import ErrorDialog
from layerscope.tui.screens.file_screen import FileScreen, PageView
from layerscope.tui.screens.help_screen import HelpScreen
from layerscope.tui.screens.opening_screen import OpeningScreen
from layerscope.tui.screens.pane_letters import PaneLetters
from layerscope.tui.settings import Settings
from tests.tui.images import NARROW, SIZES, USUAL, WIDE, Driver, browse


def status(driver: Driver) -> str:
    return str(driver.browse.files.query_one(".status", Static).visual)


def details(driver: Driver) -> str:
    return str(driver.browse.query_one("#details-text", Static).visual)


@SIZES
def test_the_browser_opens_on_the_whole_tree(archive: str, size: tuple[int, int]) -> None:
    async def script(driver: Driver) -> None:
        assert driver.rows()[0] == ""
        assert "app" in driver.text
        assert "content" in driver.text.splitlines()[0]
        assert driver.browse.files.scope == Scope("tree", 4, 4)
        assert "n/N" not in status(driver)

    browse(archive, script, size=size)


@SIZES
def test_every_pane_has_a_key(archive: str, size: tuple[int, int]) -> None:
    async def script(driver: Driver) -> None:
        for key, word in (
            ("w", "metadata only"),
            ("b", "model.bin"),
            ("i", "platform"),
            ("f", "mode"),
        ):
            await driver.press(key)
            assert word in driver.text, key

    browse(archive, script, size=size)


def test_v_switches_between_layer_tree_and_range(archive: str) -> None:
    async def script(driver: Driver) -> None:
        files = driver.browse.files
        await driver.press("ctrl+l")
        assert files.scope == Scope("layer", 4, 4)
        assert [row.strip() for row in driver.rows()][:3] == ["", "root", ".cache"]
        assert "removed" in status(driver)
        await driver.press("shift+tab", "shift+tab", "up")
        assert files.scope == Scope("layer", 3, 3)
        assert [row.strip() for row in driver.rows()] == ["", "app", "data", "model.bin", "main.py"]
        await driver.press("ctrl+a")
        assert files.scope == Scope("range", 0, 3)
        await driver.press("up", "m", "down", "down")
        assert files.scope == Scope("range", 2, 4)
        await driver.press("v")
        assert files.scope.mode == "layer"
        await driver.press("v")
        assert files.scope == Scope("tree", 4, 4)

    browse(archive, script)


def test_an_instruction_without_a_layer_shows_the_tree_below_it(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("shift+tab", "shift+tab", "home", "down")
        assert driver.browse.files.scope == Scope("tree", 0, 0)
        assert "it only changes the configuration" in driver.text

    browse(archive, script, size=WIDE)


@SIZES
def test_instructions_of_the_base_image_are_marked(
    archive: str, tmp_path: Path, size: tuple[int, int]
) -> None:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(
        "FROM debian:12\nCOPY . /app\nRUN pip install flask\n"
        "RUN chown app /app/data/model.bin\nRUN rm -rf /root/.cache\n"
        'CMD ["python", "main.py"]\n'
    )

    async def script(driver: Driver) -> None:
        await driver.press("shift+tab", "shift+tab", "home")
        listed = driver.browse.instructions
        rows = ["".join(text for text, _ in listed.spans(row, 44)) for row in range(7)]
        assert [row.endswith(" base") for row in rows] == [True] * 2 + [False] * 5
        assert {len(row) for row in rows[:2]} == {44}
        assert len([row for row in driver.text.splitlines() if " base" in row]) >= 2
        assert "base       part of the base image debian:12" in details(driver)
        await driver.press("down", "down")
        assert "base image" not in details(driver)

    browse(archive, script, size=size, dockerfile=dockerfile)


def test_no_instruction_is_marked_without_a_known_base_image(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("shift+tab", "shift+tab", "home")
        assert not driver.browse.instructions.base
        assert "base image" not in details(driver)

    browse(archive, script)


def test_empty_instructions_fold_away(archive: str) -> None:
    async def script(driver: Driver) -> None:
        listed = driver.browse.instructions
        assert listed.row_count == 7
        await driver.press("shift+tab", "shift+tab", "z")
        assert listed.row_count == 5
        await driver.press("z")
        assert listed.row_count == 7

    browse(archive, script)


@SIZES
def test_directories_open_and_close(archive: str, size: tuple[int, int]) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("down", "l")
        assert "app" in driver.rows()[1]
        assert "    data" in driver.rows()
        await driver.press("down", "space")
        assert any("model.bin" in row for row in driver.rows())
        await driver.press("h", "h", "h")
        assert "    data" not in driver.rows()
        await driver.press("asterisk")
        count = len(driver.rows())
        await driver.press("home", "asterisk")
        assert len(driver.rows()) > count
        await driver.press("ctrl+@")
        assert len(driver.rows()) < 10

    browse(archive, script, size=size)


def test_sorting_keeps_the_cursor_on_its_file(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("down", "down")
        files = driver.browse.files
        path = files.path
        await driver.press("s")
        assert [row.strip() for row in driver.rows()[1:]] == sorted(
            row.strip() for row in driver.rows()[1:]
        )
        assert files.path == path
        await driver.press("ctrl+o")
        assert "by files" in status(driver)

    browse(archive, script)


def test_keys_choose_the_columns(archive: str) -> None:
    async def script(driver: Driver) -> None:
        assert "drwxr-xr-x" in driver.text
        await driver.press("ctrl+b")
        assert "drwxr-xr-x" not in driver.text
        await driver.press("ctrl+b", "C")
        assert "files " in driver.text

    browse(archive, script, size=WIDE)


@SIZES
def test_a_filter_stays_while_you_work_in_its_results(archive: str, size: tuple[int, int]) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("slash")
        await driver.press(*"main")
        await driver.pilot.pause(0.1)
        await driver.settle()
        assert "1 hit" in status(driver)
        await driver.press("enter")
        assert driver.browse.files.path == b"app/main.py"
        assert [row.strip() for row in driver.rows()] == ["", "app", "main.py"]
        await driver.press("up", "h", "l")
        assert [row.strip() for row in driver.rows()] == ["", "app", "main.py"]
        await driver.press("escape")
        assert len(driver.rows()) > 5
        assert driver.browse.files.path == b"app"

    browse(archive, script, size=size)


def test_the_first_hits_of_a_long_search_stay_until_it_ends(
    archive: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "PATIENCE", -1)
    monkeypatch.setattr(texts, "PIECE", 2)
    told: list[str] = []
    tell = FilesPane.show_status

    def listen(pane: FilesPane, text: str, *, wrong: bool = False) -> None:
        told.append(text)
        tell(pane, text, wrong=wrong)

    monkeypatch.setattr(FilesPane, "show_status", listen)

    async def script(driver: Driver) -> None:
        await driver.filter("re:py$")
        assert "0 hits so far · 0 B · still looking" in told
        assert "4 hits" in status(driver)
        assert not driver.browse.files.searching

    browse(archive, script)


def test_n_steps_through_the_hits(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.filter("*.py")
        seen = [driver.browse.files.path]
        for _ in range(3):
            await driver.press("n")
            seen.append(driver.browse.files.path)
        assert len(set(seen)) == 4
        assert all(path.endswith(b".py") for path in seen)
        await driver.press("N")
        assert driver.browse.files.path == seen[2]

    browse(archive, script)


@pytest.mark.parametrize("size", [(60, 20), NARROW, USUAL], ids=["60", "80", "120"])
def test_the_examples_in_an_empty_filter_line_are_whole(
    archive: str, size: tuple[int, int]
) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("slash")
        bar = driver.browse.files.bar
        examples = bar.placeholder
        assert examples.split("  ")[:3] == ["text", "*.glob", ">10MB"]
        assert len(examples) <= bar.content_size.width
        assert examples.rstrip() in driver.text

    browse(archive, script, size=size)


def test_an_invalid_filter_says_so(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.filter("re:(")
        assert "not a regular expression" in status(driver)
        await driver.press("escape")
        assert "files" in status(driver)

    browse(archive, script)


def test_a_filter_stays_when_the_view_changes(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.filter("kind:removed")
        assert "20 hits" in status(driver) or "22 hits" in status(driver)
        await driver.press("shift+tab", "shift+tab", "up")
        assert "nothing in this view" in status(driver)

    browse(archive, script)


@SIZES
def test_a_filter_without_hits_says_where_it_finds_something_and_a_key_goes_there(
    archive: str, size: tuple[int, int]
) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("ctrl+l")
        await driver.filter("flask")
        assert "nothing in this view · 1 in all layers · a shows them" in status(driver)
        assert not [row for row in driver.rows() if "flask" in row]
        await driver.press("a")
        assert driver.browse.files.scope == Scope("range", 0, 4)
        assert "1 hit" in status(driver)
        assert driver.browse.files.path == b"usr/lib/flask.py"
        await driver.press("backspace")
        assert driver.browse.files.scope == Scope("layer", 4, 4)

    browse(archive, script, size=size)


def test_removed_files_are_found_from_a_view_without_them(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("ctrl+l", "ctrl+r")
        await driver.filter("pip/7")
        assert "nothing in this view · 1 removed file · a shows them" in status(driver)
        await driver.press("a")
        assert driver.browse.files.path == b"root/.cache/pip/7"

    browse(archive, script)


def test_a_kind_of_change_is_found_in_another_layer(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("ctrl+l")
        await driver.filter("kind:modified")
        assert "nothing in this view · 2 in layer 3 · a shows them" in status(driver)
        await driver.press("a")
        assert driver.browse.files.scope == Scope("layer", 3, 3)
        assert "2 hits" in status(driver)

    browse(archive, script)


def test_a_filter_that_finds_nothing_anywhere_offers_no_key(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.filter("no-such-name")
        assert status(driver) == "nothing found"
        await driver.press("a")
        assert driver.browse.files.scope == Scope("tree", 4, 4)

    browse(archive, script)


def test_the_largest_files_say_that_a_filter_matches_wasted_ones(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("b")
        await driver.filter("pip/7")
        assert "nothing found · 1 wasted: v lists them" in driver.text
        await driver.press("v")
        listed = driver.browse.query_one("#largest-list", LargestList)
        assert [file.path for file in listed.files] == [b"root/.cache/pip/7"]

    browse(archive, script)


def test_the_text_of_an_instruction_gets_24_columns(archive: str) -> None:
    async def script(driver: Driver) -> None:
        listed = driver.browse.instructions
        listed.base = range(7)
        width = listed.scrollable_content_region.width
        line = "".join(text for text, _ in listed.spans(2, width - 1))
        heading = "".join(text for text, _ in listed.heading(width))
        text = line[heading.index("instruction") :].removesuffix(" base")
        assert len(text) >= 24
        assert text.startswith("COPY . /app")

    browse(archive, script)


def test_kinds_of_change_can_be_hidden(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("ctrl+l", "ctrl+r")
        assert [row.strip() for row in driver.rows()] == [""]
        await driver.press("ctrl+r")
        assert "  root" in driver.rows()

    browse(archive, script)


@SIZES
def test_waste_leads_to_both_layers_and_back(archive: str, size: tuple[int, int]) -> None:
    async def script(driver: Driver) -> None:
        screen = driver.browse
        await driver.press("w", "v")
        await driver.press("enter")
        assert screen.tab == "files"
        assert screen.files.scope == Scope("layer", 1, 1)
        assert screen.files.path == b"app/data/model.bin"
        await driver.press("x")
        assert screen.files.scope == Scope("layer", 3, 3)
        assert screen.files.path == b"app/data/model.bin"
        await driver.press("backspace")
        assert screen.files.scope == Scope("layer", 1, 1)
        await driver.press("backspace")
        assert screen.tab == "waste"
        await driver.press("x")
        assert screen.files.scope == Scope("layer", 3, 3)

    browse(archive, script, size=size)


def test_waste_opens_by_kind_pair_and_file(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("w")
        assert "2 COPY . /app" in driver.text
        await driver.press("down", "l", "down")
        assert "/app/data/model.bin" in driver.text
        await driver.press("h", "h", "h", "h")
        assert "2 COPY . /app" not in driver.text
        await driver.filter(".cache")
        assert "20 files" in driver.text

    browse(archive, script, size=WIDE)


def test_largest_files_sort_filter_and_lead_to_the_tree(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("b")
        listed = driver.browse.query_one("#largest-list", LargestList)
        assert listed.files[0].path == b"app/data/model.bin"
        await driver.press("s")
        assert listed.files[0].path < listed.files[1].path
        await driver.filter("<10kB *.py")
        assert {file.path for file in listed.files} == {
            b"app/main.py",
            b"app/again.py",
            b"usr/lib/flask.py",
        }
        await driver.press("home", "enter")
        assert driver.browse.tab == "files"

    browse(archive, script)


@SIZES
def test_live_and_wasted_files_add_up_to_the_content(
    archive: str, tmp_path: Path, size: tuple[int, int]
) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("b")
        listed = driver.browse.query_one("#largest-list", LargestList)
        session = driver.browse.session
        sizes = session.analysis.sizes
        assert sum(file.size for file in listed.files) == sizes.live
        await driver.press("v")
        assert sum(file.size for file in listed.files) == sizes.content
        assert [file.path for file in listed.files[:2]] == [b"app/data/model.bin"] * 2
        assert [(file.layer, file.wasted_in) for file in listed.files[:2]] == [(1, 3), (3, None)]
        assert [row.startswith("x ") for row in painted(listed, 2)] == [True, False]
        await driver.press("e")
        driver.app.screen.query_one(Input).value = str(tmp_path)
        await driver.press("enter")
        assert (tmp_path / "model.bin").stat().st_size == 1_024_000
        await driver.press("x")
        assert driver.browse.files.scope == Scope("layer", 3, 3)
        await driver.press("backspace", "home", "enter")
        assert driver.browse.files.scope == Scope("layer", 1, 1)
        await driver.press("backspace", "v")
        assert sum(file.size for file in listed.files) == sizes.live

    browse(archive, script, size=size)


def test_keys_that_need_a_file_say_so_where_there_is_none(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("i")
        for number, key in enumerate(("x", "y", "Y", "e"), 1):
            await driver.press(key)
            assert driver.told == ["Choose a file or a directory first."] * number, key

    browse(archive, script)


def painted(lines: LineList, count: int) -> list[str]:
    return ["".join(text for text, _ in lines.spans(row, 70)) for row in range(count)]


@SIZES
def test_enter_shows_the_text_of_a_file(archive: str, size: tuple[int, int]) -> None:
    async def script(driver: Driver) -> None:
        await driver.filter("main.py")
        await driver.press("enter")
        assert isinstance(driver.app.screen, FileScreen)
        assert "return 'new'" in driver.text
        await driver.press("d")
        assert "return 'old'" in driver.text
        assert "-     return 'old'" in driver.text
        await driver.press("x")
        assert "69 6d 70 6f 72 74" in driver.text
        await driver.press("escape")
        assert driver.is_browsing

    browse(archive, script, size=size)


def test_source_code_is_highlighted(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.filter("main.py")
        await driver.press("enter")
        view = driver.app.screen.query_one(PageView)
        assert ("import", "keyword") in view.lines[0]

    browse(archive, script)


def test_a_large_file_has_pages(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.filter("big.log")
        await driver.press("enter")
        assert "page 1 of 3" in driver.text
        await driver.press("right_square_bracket", "right_square_bracket", "right_square_bracket")
        assert "page 3 of 3" in driver.text
        await driver.press("left_square_bracket")
        assert "page 2 of 3" in driver.text

    browse(archive, script)


def test_a_binary_opens_in_hexadecimal_and_a_changed_one_says_what_changed(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.filter("model.bin")
        await driver.press("enter")
        assert "00 01 02 03" in driver.text
        await driver.press("d")
        assert "owner   0 → 1000" in driver.text
        assert "the content is the same" in driver.text

    browse(archive, script)


def test_a_deleted_file_can_be_viewed(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.filter("pip/7")
        await driver.press("enter")
        assert "07 07 07" in driver.text
        assert "removed by layer 4" in driver.text

    browse(archive, script)


def test_o_follows_a_link(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.filter("link.py")
        await driver.press("escape", "enter")
        assert "leads   to /app/main.py" in driver.text
        await driver.press("o")
        assert driver.browse.files.path == b"app/main.py"

    browse(archive, script)


def test_a_sparse_file_shows_its_holes(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.filter("hole")
        await driver.press("enter")
        assert "sparse, 6 B stored" in driver.text
        await driver.press("right_square_bracket", "x")
        assert "page 2 of 4" in driver.text

    browse(archive, script)


@pytest.mark.slow
def test_extracting_asks_for_a_folder_and_before_overwriting(archive: str, tmp_path: Path) -> None:
    async def script(driver: Driver) -> None:
        await driver.filter("main.py")
        for expected in ("new", "mine"):
            await driver.press("e")
            driver.app.screen.query_one(Input).value = str(tmp_path / "out")
            await driver.press("enter")
            if expected == "mine":
                assert "already exist" in driver.text
                await driver.press("n")
                assert (tmp_path / "out/main.py").read_text() == "mine"
                await driver.press("e")
                driver.app.screen.query_one(Input).value = str(tmp_path / "out")
                await driver.press("enter", "y")
            assert "'new'" in (tmp_path / "out/main.py").read_text()
            (tmp_path / "out/main.py").write_text("mine")

    browse(archive, script)


def test_extracting_into_a_file_shows_an_error(archive: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    async def script(driver: Driver) -> None:
        await driver.press("down", "ctrl+e")
        driver.app.screen.query_one(Input).value = str(tmp_path / "file")
        await driver.press("enter")
        assert isinstance(driver.app.screen, ErrorDialog)
        assert "cannot write into" in driver.app.screen.message
        await driver.press("escape")
        assert driver.is_browsing

    browse(archive, script)


@pytest.mark.slow
def test_the_extension_picks_the_format_of_a_saved_report(archive: str, tmp_path: Path) -> None:
    async def script(driver: Driver) -> None:
        for form in RENDERERS.values():
            await driver.press("S")
            driver.app.screen.query_one(Input).value = str(tmp_path / f"report{form.suffix}")
            await driver.press("enter")
        assert (tmp_path / "report.json").read_text().startswith("{")
        assert "wasted" in (tmp_path / "report.txt").read_text()
        await driver.press("S")
        driver.app.screen.query_one(Input).value = str(tmp_path / "report.unknown")
        await driver.press("enter")
        assert isinstance(driver.app.screen, ErrorDialog)

    browse(archive, script)
    assert len(os.listdir(tmp_path)) == len(RENDERERS)
    for form in RENDERERS.values():
        here, there = tmp_path / f"report{form.suffix}", tmp_path / f"told{form.suffix}"
        if form.name != "text":
            assert main(["report", archive, "--quiet", "-o", f"{form.name}={there}"]) == 0
            assert here.read_bytes() == there.read_bytes(), form.name


def test_a_path_and_its_command_line_are_copied(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.filter("main.py")
        await driver.press("y")
        assert driver.app.clipboard == "/app/main.py"
        await driver.press("Y")
        assert driver.app.clipboard == f"layerscope extract {archive} /app/main.py -o ."

    browse(archive, script)


def test_help_lists_the_keys_of_the_focused_pane(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("question_mark")
        assert isinstance(driver.app.screen, HelpScreen)
        assert "tree.open" in driver.text
        await driver.press("escape", "w", "question_mark")
        assert "waste.writer" in driver.text

    browse(archive, script, size=WIDE)


def test_each_pane_has_a_letter_to_jump_to(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("apostrophe")
        assert isinstance(driver.app.screen, PaneLetters)
        await driver.press("a")
        assert driver.browse.instructions.has_focus
        await driver.press("apostrophe", "escape")
        assert driver.is_browsing

    browse(archive, script)


def test_the_palette_lists_available_commands(archive: str) -> None:
    async def script(driver: Driver) -> None:
        titles = [command.title for command in driver.browse.commands()]
        assert "Back" not in titles
        await driver.press("ctrl+p", *"waste", "enter")
        assert driver.browse.tab == "waste"

    browse(archive, script)


def test_a_narrow_terminal_folds_the_left_half(archive: str) -> None:
    async def script(driver: Driver) -> None:
        assert "Instructions" not in driver.text
        await driver.press("tab")
        assert "Instructions" in driver.text
        assert driver.browse.instructions.has_focus
        await driver.press("enter")
        assert "Instructions" not in driver.text
        await driver.pilot.resize_terminal(*WIDE)
        await driver.settle()
        assert "Instructions" in driver.text
        await driver.pilot.resize_terminal(1, 1)
        await driver.settle()
        await driver.pilot.resize_terminal(30, 5)
        await driver.press("down", "l", "w", "b", "i", "f", "slash", "escape", "tab", "tab")

    browse(archive, script, size=NARROW)


def test_the_mouse_does_the_same_as_keys(archive: str) -> None:
    async def script(driver: Driver) -> None:
        tree = driver.browse.files.tree_view
        await driver.pilot.click(tree, offset=(45, 2), times=2)
        await driver.settle()
        assert tree.cursor == 1
        assert "    data" in driver.rows()
        await driver.pilot.click(tree, offset=(50, 0))
        await driver.settle()
        assert tree.rows is not None
        assert tree.rows.sort == "name"
        await driver.pilot.click(driver.browse.strip, offset=(25, 0))
        await driver.settle()
        assert driver.browse.tab == "waste"
        line = driver.browse.query_one(KeyLine)
        painted = line.render_line(0).text
        await driver.pilot.click(line, offset=(painted.index("Filter"), 0))
        await driver.settle()
        assert isinstance(driver.app.focused, Input)
        await driver.press("escape")
        await driver.pilot.click(line, offset=(line.render_line(0).text.index("Help"), 0))
        await driver.settle()
        assert isinstance(driver.app.screen, HelpScreen)
        await driver.press("escape")
        await driver.pilot.click(driver.browse.instructions, offset=(5, 1))
        await driver.settle()
        assert driver.browse.instructions.cursor == 0

    browse(archive, script)


def test_keys_in_the_settings_replace_the_defaults(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("comma")
        assert driver.browse.tab == "waste"
        await driver.press("w")
        assert driver.browse.tab == "waste"

    browse(archive, script, settings=Settings({"browse.waste": "comma"}))


@pytest.mark.parametrize("theme", ["layerscope-light", "ansi-dark", "ansi-light", "nord"])
def test_every_theme_paints_the_browser(archive: str, theme: str) -> None:
    async def script(driver: Driver) -> None:
        assert "app" in driver.text
        await driver.press("w")

    browse(archive, script, settings=Settings(theme=theme))


def test_an_unknown_theme_is_refused() -> None:
    with pytest.raises(ConfigError, match="no-such"):
        LayerscopeApp("x", reader("x"), settings=Settings(theme="no-such"))


@pytest.mark.parametrize("theme", ["layerscope", "layerscope-light", "ansi-dark", "ansi-light"])
def test_marks_are_readable_without_color(
    archive: str, monkeypatch: pytest.MonkeyPatch, theme: str
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def script(driver: Driver) -> None:
        await driver.press("ctrl+l")
        assert any(
            line.lstrip("│╭ ").startswith("- ") or "│- " in line
            for line in driver.text.splitlines()
        )
        assert "▶" in driver.text
        assert driver.app.no_color
        styles = [
            segment.style
            for strip in driver.app.screen._compositor.render_strips(driver.app.size)
            for segment in strip
            if segment.style is not None and segment.text.strip()
        ]
        for style in styles:
            text, ground = (
                None if each is None or each.is_default else each.get_truecolor()
                for each in (style.color, style.bgcolor)
            )
            assert text is None or len(set(text)) == 1, "a shade of grey"
            assert (text is None and ground is None) or text != ground, "to be read"

    browse(archive, script, settings=Settings(theme=theme))


def test_secrets_are_masked(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("i", "end")
        assert "API_TOKEN" in driver.text
        assert "hunter2" not in driver.text

    browse(archive, script, size=WIDE)


def test_an_image_that_cannot_be_opened_shows_an_error() -> None:
    async def script(driver: Driver) -> None:
        assert isinstance(driver.app.screen, ErrorDialog)
        assert "nowhere" in driver.text
        assert "Traceback" not in driver.text
        await driver.press("enter")

    assert browse("docker-archive:/nowhere/at-all.tar", script) == 3


@pytest.mark.parametrize(
    ("error", "text", "code"),
    [
        (MemoryError(), "out of memory", 3),
        (OSError(5, "Input/output error"), "Input/output error", 3),
        (RecursionError(), "nested too deep", 4),
        (ValueError("[red]what[/oops]"), "a bug: ValueError: [red]what[/oops]", 70),
    ],
)
def test_any_failure_while_reading_shows_an_error(error: Exception, text: str, code: int) -> None:
    def read(*_: object) -> object:
        raise error

    async def run() -> int | None:
        app = LayerscopeApp("image", read)  # type: ignore[arg-type]
        async with app.run_test(size=USUAL) as pilot:
            driver = Driver(app, pilot)
            await driver.settle()
            assert isinstance(app.screen, ErrorDialog)
            assert text in driver.text
            await driver.press("enter")
        return app.return_value

    assert asyncio.run(run()) == code


def test_the_collector_runs_while_an_image_is_browsed(archive: str) -> None:
    """The command switches it off, since most commands end soon."""

    async def script(_: Driver) -> None:
        assert gc.isenabled()

    gc.disable()
    try:
        browse(archive, script)
    finally:
        gc.unfreeze()
        gc.enable()


def test_loading_shows_progress_and_escape_stops_it(archive: str) -> None:
    begun, stopped = threading.Event(), threading.Event()
    read = reader(archive)

    def slowly(progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> object:
        progress(Progress("read", 1_000, 1_000_000, layer=1, layers=5))
        time.sleep(PAUSE)
        progress(Progress("read", 500_000, 1_000_000, layer=2, layers=5))
        progress(Progress("read", 600_000, 1_000_000, layer=2, layers=5))
        begun.set()
        while not cancelled():
            stopped.wait(0.005)
        stopped.set()
        return read(lambda _: None, cancelled)

    async def run() -> int | None:
        app = LayerscopeApp(archive, slowly)  # type: ignore[arg-type]
        async with app.run_test(size=USUAL) as pilot:
            await pilot.pause()
            assert begun.wait(5)
            await pilot.pause()
            driver = Driver(app, pilot)
            assert "reading the layers · layer 2 of 5 · 500.0 kB of 1.0 MB" in driver.text
            assert "█" * 24 + " " * 24 + " 50.0 %" in driver.text
            await pilot.press("w", "v", "s", "slash", "e", "c", "z", "tab", "space")
            assert isinstance(app.screen, OpeningScreen), "nothing can be done yet"
            assert "reading the layers" in driver.text
            await pilot.press("escape")
            await pilot.pause()
        return app.return_value

    assert asyncio.run(run()) == 130
    assert stopped.wait(5), "the reading heard of it"


def test_progress_is_throttled_but_a_new_stage_is_shown_at_once() -> None:
    told: list[Progress] = []
    tell = seldom(told.append)
    export, more = Progress("export", 0, None), Progress("export", 9, None)
    read = Progress("read", 1, 9)
    for each in (export, more, read, read):
        tell(each)
    assert told == [export, read]
    time.sleep(PAUSE)
    tell(more)
    assert told == [export, read, more]


def test_ctrl_c_and_q_quit(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("ctrl+c")

    assert browse(archive, script) == 0


def test_a_narrow_title_keeps_the_name_and_whole_sizes(archive: str) -> None:
    async def script(driver: Driver) -> None:
        title = driver.text.splitlines()[0]
        assert "app.tar" in title
        assert "(" not in title
        assert title.endswith(("MB", "kB"))

    browse(archive, script, size=(60, 20))
