"""The browser's overview: causes, advice, and dead weight with its paths."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input, Static

from layerscope.tui.panes.overview_pane import OverviewList
from tests.analysis.images import image_of
from tests.builder import FORMS, Whiteout
from tests.tui.images import SIZES, Driver, browse


@pytest.fixture(scope="module")
def heavy(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Apt's lists, documentation in two places, a file of the application, and one that a later layer deletes."""
    image = image_of(
        {
            "var/lib/apt/lists/Packages": b"p" * 500_000,
            "usr/share/doc/a/README": b"d" * 40_000,
            "usr/share/info/a.info": b"i" * 3_000,
            "srv/app/data.bin": b"a" * 900_000,
            "srv/old.bin": b"o" * 300_000,
        },
        {"srv/old.bin": Whiteout()},
    )
    folder: Path = tmp_path_factory.mktemp("heavy")
    return FORMS["docker-legacy"].write([image], folder / "app.tar")


def lines(driver: Driver) -> list[str]:
    found = driver.browse.query_one("#overview-list", OverviewList)
    return [
        " ".join("".join(text for text, _ in found.spans(row, max(76, found.size.width))).split())
        for row in range(found.row_count)
    ]


@SIZES
def test_the_overview_says_why_the_image_is_big_and_what_to_do(
    heavy: str, size: tuple[int, int]
) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("o")
        assert driver.browse.tab == "overview"
        found = lines(driver)
        assert found[1] == "900.0 kB 51.6 % files in /srv/app that no package owns instruction 0"
        assert found[2] == "500.0 kB 28.7 % dead weight: package lists instruction 0"
        assert found[3] == "300.0 kB 17.2 % wasted: deleted instruction 0"
        assert "Saves 300.0 kB" in " ".join(found)
        assert found[-2:] == [
            "500.0 kB 34.7 % ▸ package lists (apt)",
            "43.0 kB 3.0 % ▸ documentation",
        ]
        status = driver.browse.query_one("#overview .status", Static)
        assert "543.0 kB" in str(status.visual)

    browse(heavy, script, size=size)


def test_enter_lists_the_paths_of_a_kind_and_goes_to_the_layer_of_one(heavy: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("o", "end", "enter")
        assert [line.split(" % ")[1] for line in lines(driver)[-2:]] == [
            "/usr/share/doc instruction 0",
            "/usr/share/info instruction 0",
        ]
        await driver.press("down", "enter")
        assert driver.browse.tab == "files"
        assert driver.browse.files.path == b"usr/share/doc"
        await driver.press("backspace")
        assert driver.browse.tab == "overview"

    browse(heavy, script)


def test_a_filter_finds_dead_weight_by_path_and_kind(heavy: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("o")
        await driver.press("slash")
        driver.browse.query_one("#overview Input", Input).value = "info"
        await driver.press("enter")
        assert lines(driver)[1:] == ["3.0 kB 0.2 % ▸ documentation"]

    browse(heavy, script)
