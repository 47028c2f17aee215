"""An image with hostile names and texts, opened end to end."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from layerscope.tui.screens.dialogs import ErrorDialog
from layerscope.tui.screens.file_screen import FileScreen
from tests.builder import FORMS, ImageBuilder
from tests.tui.images import SIZES, WIDE, Driver, browse


def check(driver: Driver) -> str:
    """Check that the screen has nothing a terminal would act on, and that every line has the right width."""
    for strip in driver.app.screen._compositor.render_strips(driver.app.size):
        assert strip.cell_length == driver.app.size.width
        for segment in strip:
            for letter in segment.text:
                assert unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}, repr(
                    letter
                )
    return driver.text


@pytest.mark.slow
@SIZES
def test_every_pane_shows_a_hostile_image_safely(evil: str, size: tuple[int, int]) -> None:
    async def script(driver: Driver) -> None:
        check(driver)
        for key in (
            "asterisk",
            "ctrl+l",
            "asterisk",
            "v",
            "v",
            "w",
            "l",
            "v",
            "b",
            "s",
            "i",
            "end",
            "f",
        ):
            await driver.press(key)
            check(driver)
        await driver.press("tab", "home", "down", "up", "tab")
        check(driver)

    browse(evil, script, size=size)


def test_hostile_names_are_shown_escaped(evil: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("ctrl+a", "slash")
        driver.browse.files.bar.value = "usr/"
        driver.browse.files.apply_filter()
        await driver.settle()
        text = check(driver)
        for shown in (
            "[bold]markup[",
            "nope]",
            "[link=x]y",
            r"\x1b[31mred\x1b]52;c;aGk=\x07",
            r"new\nline\r",
            r"\u202egnp.exe\u200b",
            r"\xff\xfe\\n",
            r"\x9b31m\x9c",
            "漢字",
            "%s{0}",
        ):
            assert shown in text

    browse(evil, script, size=WIDE)


@pytest.mark.slow
def test_hostile_files_can_be_viewed_and_copied(evil: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("slash")
        driver.browse.files.bar.value = "usr/"
        driver.browse.files.apply_filter()
        await driver.settle()
        await driver.press("enter")
        rows = driver.browse.files.tree_view.rows
        assert rows is not None
        for _ in range(len(rows)):
            await driver.press("enter")
            if isinstance(driver.app.screen, FileScreen):
                check(driver)
                await driver.press("d", "x", "escape")
            await driver.press("y", "Y", "down")
            check(driver)

    browse(evil, script)


def test_a_thousand_levels_can_be_opened(evil: str) -> None:
    async def script(driver: Driver) -> None:
        tree = driver.browse.files.tree_view
        assert driver.browse.files.go_to(b"d/" * 1000 + b"deep")
        await driver.settle()
        text = check(driver)
        assert "⋯1001" in text
        assert "deep" in text
        await driver.press("h", "h", "y", "enter")
        check(driver)
        assert tree.row_count > 990

    browse(evil, script)


def test_thousands_of_files_in_a_directory_are_listed(evil: str) -> None:
    async def script(driver: Driver) -> None:
        assert driver.browse.files.go_to(b"many")
        await driver.press("l", "end")
        assert "04999" in check(driver)

    browse(evil, script)


def test_an_error_that_quotes_the_image_is_escaped(tmp_path: Path) -> None:
    built = ImageBuilder("[/x]").raw_layer(b"no tar at all" * 100, "RUN \x1b[2J[/x]").build()
    reference = FORMS["docker-legacy"].write([built], tmp_path / "[bold]\x1b[31m.tar")

    async def script(driver: Driver) -> None:
        assert isinstance(driver.app.screen, ErrorDialog)
        assert (
            r"[bold]\x1b[31m.tar" in check(driver).replace("│\n", "").replace("\n", "")
            or "bold" in driver.text
        )
        await driver.press("escape")

    assert browse(reference, script) == 4


def test_content_full_of_escapes_is_shown_safely(tmp_path: Path) -> None:
    content = (
        b"\x1b[2Jclear\n[red]markup[/]\n\x9b31m\r\nlong " + b"x" * 300_000 + b"\n\xe2\x80\xaertl\n"
    )
    built = ImageBuilder("t").layer({"x.py": content, "y.py": b"[/" * 1000}, "RUN x").build()
    reference = FORMS["oci-archive"].write([built], tmp_path / "i.tar")

    async def script(driver: Driver) -> None:
        await driver.press("down", "enter")
        text = check(driver)
        assert r"\x1b[2Jclear" in text
        assert "[red]markup[/]" in text
        for key in ("down", "right", "right", "left", "x", "t", "right_square_bracket", "end"):
            await driver.press(key)
            check(driver)

    browse(reference, script)
