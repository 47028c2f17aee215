"""The packages of two images in the browser: the largest difference first, and the files of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from layerscope.cli.main import main
from layerscope.tui.compare.packages_pane import ComparePackagesPane
from tests.analysis.test_ownership import RELEASE, debian
from tests.builder import FORMS, BuiltImage, ImageBuilder
from tests.tui.compared import PairDriver, browse_pair
from tests.tui.images import NARROW, WIDE


def before() -> BuiltImage:
    files = {"usr/curl": b"c" * 300, "usr/bash": b"b" * 100, "usr/gone": b"g" * 9000}
    listed = debian(
        ("curl", "1", ("usr/curl",)), ("bash", "5", ("usr/bash",)), ("gone", "2", ("usr/gone",))
    )
    return ImageBuilder("app:1").layer({**RELEASE, **listed, **files}, "RUN a").build()


def after() -> BuiltImage:
    files = {"usr/curl": b"c" * 800, "usr/curl.conf": b"x" * 50, "usr/bash": b"b" * 100}
    listed = debian(("curl", "2", ("usr/curl", "usr/curl.conf")), ("bash", "5", ("usr/bash",)))
    return ImageBuilder("app:2").layer({**RELEASE, **listed, **files}, "RUN a").build()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("pair")
    form = FORMS["docker-legacy"]
    return form.write([before()], folder / "a"), form.write([after()], folder / "b")


def pane(driver: PairDriver) -> ComparePackagesPane:
    return driver.compared.query_one("#packages", ComparePackagesPane)


@pytest.mark.parametrize("size", [NARROW, WIDE])
def test_packages_that_differ_come_largest_first(
    pair: tuple[str, str], size: tuple[int, int]
) -> None:
    async def script(driver: PairDriver) -> None:
        await driver.press("p")
        names = [
            pane(driver).pairs.changes[row.number].name for row in pane(driver).package_list.rows
        ]
        assert names == ["gone", "curl"]
        line = next(line for line in driver.text.splitlines() if "deb curl" in line)
        assert "+550 B" in line
        assert "1 → 2" in line
        assert "deb bash" not in driver.text
        assert "2 packages with a difference" in driver.text

    browse_pair(*pair, script, size=size)


def test_a_package_opens_to_its_files_in_both_images(pair: tuple[str, str]) -> None:
    async def script(driver: PairDriver) -> None:
        await driver.press("5", "down", "enter")
        files = [row.file for row in pane(driver).package_list.rows if row.file is not None]
        assert [(file.path, file.a_bytes, file.b_bytes) for file in files] == [
            (b"usr/curl", 300, 800),
            (b"usr/curl.conf", 0, 50),
        ]
        await driver.press("down", "enter")
        assert driver.compared.tab == "files"
        assert driver.compared.files.path == b"usr/curl"
        await driver.press("p", "left", "space")
        assert not [row for row in pane(driver).package_list.rows if row.file is not None]

    browse_pair(*pair, script)


def test_a_filter_picks_packages(pair: tuple[str, str]) -> None:
    async def script(driver: PairDriver) -> None:
        await driver.press("p", "slash")
        pane(driver).bar.value = "deb:cu*"
        await driver.pilot.pause()
        await driver.press("enter")
        assert len(pane(driver).package_list.rows) == 1
        await driver.press("escape")
        assert len(pane(driver).package_list.rows) == 2

    browse_pair(*pair, script)


def test_saved_reports_have_packages_without_files(pair: tuple[str, str], tmp_path: Path) -> None:
    saved = str(tmp_path / "a.json")
    assert main(["report", pair[0], "--files", "-o", f"json={saved}", "-q"]) == 0

    async def script(driver: PairDriver) -> None:
        await driver.press("p")
        assert "doesn't say which files" in driver.text
        assert "deb curl" in driver.text

    browse_pair(saved, pair[1], script)


def test_unknown_packages_are_said_to_be(pair: tuple[str, str], tmp_path: Path) -> None:
    saved = str(tmp_path / "a.json")
    assert main(["report", pair[0], "--no-packages", "-o", f"json={saved}", "-q"]) == 0

    async def script(driver: PairDriver) -> None:
        await driver.press("p")
        assert "not compared" in driver.text

    browse_pair(saved, pair[1], script)
