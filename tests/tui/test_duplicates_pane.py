"""The browser's view of duplicates: the groups, their paths, and the way to a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from layerscope.tui.model.view import Scope
from layerscope.tui.panes.duplicates_pane import DuplicateList
from tests.analysis.images import image_of
from tests.analysis.test_duplicates import A, B, npm
from tests.builder import FORMS
from tests.tui.images import SIZES, WIDE, Driver, browse


@pytest.fixture(scope="module")
def doubled(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Three copies of one file in two layers, two of another one, and a package in two places."""
    image = image_of(
        {"one": A, "srv/two": A, "b1": B, **npm("x", "1.0.0", 900)},
        {"three": A, "b2": B, **npm("y", "2.0.0", 800)},
    )
    folder: Path = tmp_path_factory.mktemp("doubled")
    return FORMS["docker-legacy"].write([image], folder / "app.tar")


def listed(driver: Driver) -> DuplicateList:
    return driver.browse.query_one("#duplicate-list", DuplicateList)


def lines(driver: Driver) -> list[str]:
    return driver.lines("duplicate-list")


def status(driver: Driver) -> str:
    return driver.status("duplicates")


@SIZES
def test_groups_are_listed_by_their_saving(doubled: str, size: tuple[int, int]) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("u")
        assert driver.browse.tab == "duplicates"
        shown = lines(driver)
        assert [line.partition("▸ ")[2] for line in shown[:2]] == ["/one", "/b1"]
        assert shown[2].partition("▸ ")[2].startswith("npm lodash 1.0.0")
        assert shown[0].startswith("10.0 kB")
        assert "2 contents · one copy of each would save 16.0 kB" in status(driver)

    browse(doubled, script, size=size)


def test_enter_lists_the_paths_and_goes_to_the_file(doubled: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("u", "enter")
        paths = [row.path for row in listed(driver).rows if row.path is not None]
        assert paths == [b"one", b"srv/two", b"three"]
        await driver.press("down", "down", "down", "enter")
        assert driver.browse.tab == "files"
        assert driver.browse.files.path == b"three"
        assert driver.browse.files.scope == Scope("layer", 1, 1)
        await driver.press("backspace")
        assert driver.browse.tab == "duplicates"

    browse(doubled, script, size=WIDE)


@pytest.mark.slow
def test_a_filter_finds_groups_by_path_and_packages_by_name(doubled: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("u", "slash", *"three", "enter")
        assert [line.partition("▸ ")[2] for line in lines(driver)] == ["/one"]
        await driver.press("escape", "slash", *"lodash", "enter")
        assert listed(driver).row_count == 1
        await driver.press("escape")
        assert listed(driver).row_count == 3

    browse(doubled, script, size=WIDE)


def test_an_image_without_duplicates_says_so(tmp_path: Path) -> None:
    single = FORMS["docker-legacy"].write([image_of({"one": A})], tmp_path / "app.tar")

    async def script(driver: Driver) -> None:
        await driver.press("u")
        assert driver.browse.tab == "files"
        assert driver.told == ["No content is stored more than once in this image."]

    browse(single, script, size=WIDE)
