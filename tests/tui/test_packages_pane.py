"""The browser's view by package: what each stores, its files, and the filter by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from layerscope.tui.model.view import Scope
from layerscope.tui.panes.packages_pane import PackageList
from tests.analysis.images import image_of
from tests.analysis.test_ownership import RELEASE, debian, dist_info
from tests.builder import FORMS
from tests.tui.images import SIZES, WIDE, Driver, browse


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Debian package that a later layer upgrades, another one, a Python package, and a file that nobody owns."""
    image = image_of(
        {
            **RELEASE,
            **debian(("curl", "7.88", ("usr/curl", "usr/doc")), ("perl", "5.36", ("usr/perl",))),
            "usr/curl": b"c" * 30_000,
            "usr/doc": b"d" * 2000,
            "usr/perl": b"p" * 50_000,
        },
        {
            **debian(("curl", "8.0", ("usr/curl", "usr/doc")), ("perl", "5.36", ("usr/perl",))),
            "usr/curl": b"C" * 31_000,
        },
        {
            **dist_info("Flask", "venv", "flask.py"),
            "venv/flask.py": b"f" * 900,
            "mine": b"m" * 70_000,
        },
    )
    folder: Path = tmp_path_factory.mktemp("packed")
    return FORMS["docker-legacy"].write([image], folder / "app.tar")


def listed(driver: Driver) -> PackageList:
    return driver.browse.query_one("#package-list", PackageList)


def lines(driver: Driver) -> list[str]:
    return driver.lines("package-list")


def names(driver: Driver) -> list[str]:
    return [line.partition("▸ ")[2].split("  ")[0] for line in lines(driver)]


def status(driver: Driver) -> str:
    return driver.status("packages")


@SIZES
def test_packages_are_listed_by_their_content(packed: str, size: tuple[int, int]) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("p")
        assert driver.browse.tab == "packages"
        assert [name.split(" ")[1] for name in names(driver)] == [
            "perl",
            "curl",
            "curl",
            "Flask",
            "package",
        ]
        assert "4 packages" in status(driver)
        assert "deb perl 5.36" in driver.text
        old = lines(driver)[1]
        assert old.startswith("32.0 kB    30.0 kB")
        assert old.partition("▸ ")[2].startswith("deb curl 7.88 x")

    browse(packed, script, size=size)


def test_packages_and_what_belongs_to_none_are_the_whole_content(packed: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("p")
        sizes = driver.browse.session.analysis.sizes
        rows = listed(driver).rows
        assert sum(row.bytes for row in rows) == sizes.content
        assert sum(row.wasted for row in rows) == sizes.wasted
        for row in rows:
            files = listed(driver).packages.files(row.number)
            assert sum(file.bytes for file in files) == row.bytes
            assert len(files) == row.files
            wasted = sum(file.bytes for file in files if file.wasted_in is not None)
            assert wasted == row.wasted

    browse(packed, script)


def test_enter_lists_the_files_and_leads_to_the_layer_of_one(packed: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("p", "down", "enter")
        assert [row.file.path for row in listed(driver).rows if row.file is not None] == [
            b"usr/curl",
            b"usr/doc",
        ]
        assert lines(driver)[2].endswith("/usr/curl  ✕ 1")
        await driver.press("down", "enter")
        assert driver.browse.tab == "files"
        assert driver.browse.files.scope == Scope("layer", 0, 0)
        assert driver.browse.files.path == b"usr/curl"
        await driver.press("backspace")
        assert driver.browse.tab == "packages"
        await driver.press("x")
        assert driver.browse.files.scope == Scope("layer", 1, 1)
        await driver.press("backspace", "h")
        assert listed(driver).current is listed(driver).rows[1]
        await driver.press("h")
        assert listed(driver).row_count == 5
        await driver.press("l", "space")
        assert listed(driver).row_count == 5

    browse(packed, script)


def test_a_file_of_a_package_is_extracted(packed: str, tmp_path: Path) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("p", "down", "enter", "down", "e")
        driver.app.screen.query_one(Input).value = str(tmp_path)
        await driver.press("enter")
        assert (tmp_path / "curl").read_bytes() == b"c" * 30_000

    browse(packed, script)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("curl", ["curl", "curl"]),
        ("deb:perl", ["perl"]),
        ("pypi", ["Flask"]),
        ("fl*", ["Flask"]),
        (">31kB", ["perl", "curl"]),
        ("kind:wasted", ["curl"]),
        ("layer:1", ["curl"]),
        ("nothing", []),
    ],
)
def test_the_filter_finds_packages_by_name_size_and_layer(
    packed: str, text: str, found: list[str]
) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("p")
        await driver.filter(text)
        assert [name.split(" ")[1] for name in names(driver)] == found
        if not found:
            assert status(driver) == "nothing found"
        await driver.press("escape")
        assert listed(driver).row_count == 5

    browse(packed, script)


def test_s_sorts_by_waste_layer_and_name(packed: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("p", "s")
        assert names(driver)[0] == "deb curl 7.88 x"
        await driver.press("s")
        assert [name.split(" ")[1] for name in names(driver)[-2:]] == ["Flask", "package"]
        await driver.press("s")
        assert [name.split(" ")[1] for name in names(driver)] == [
            "Flask",
            "curl",
            "curl",
            "perl",
            "package",
        ]
        listed(driver).heading_clicked(3)
        assert names(driver)[0].startswith("deb perl")

    browse(packed, script, size=WIDE)


def test_an_image_without_packages_has_no_such_tab_and_says_so(archive: str) -> None:
    async def script(driver: Driver) -> None:
        assert "Packages" not in driver.text
        await driver.press("p")
        assert driver.browse.tab == "files"
        assert driver.told == ["No package database was found in this image."]

    browse(archive, script)
