"""The browser's view of secrets: deleted ones first, and the way to the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from layerscope.tui.model.view import Scope
from layerscope.tui.panes.secrets_pane import SecretList
from tests.analysis.test_secrets import TOKEN, leaky
from tests.builder import FORMS, ImageBuilder
from tests.tui.images import SIZES, WIDE, Driver, browse


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> str:
    return FORMS["docker-legacy"].write([leaky()], tmp_path_factory.mktemp("leaky") / "app.tar")


def listed(driver: Driver) -> SecretList:
    return driver.browse.query_one("#secret-list", SecretList)


def lines(driver: Driver) -> list[str]:
    return driver.lines("secret-list")


def status(driver: Driver) -> str:
    return driver.status("secrets")


@SIZES
def test_deleted_secrets_come_first_and_no_value_is_shown(app: str, size: tuple[int, int]) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("r")
        assert driver.browse.tab == "secrets"
        shown = lines(driver)
        assert shown[0].startswith("deleted")
        assert "id_ed25519" in shown[1]
        assert shown[-1].startswith("in doubt")
        assert not any(TOKEN in line for line in shown)
        assert "7 secrets · 1 in doubt · well-known files only" in status(driver)

    browse(app, script, size=size)


def test_enter_goes_to_the_deleted_file_and_backspace_returns(app: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("r", "down", "enter")
        assert driver.browse.tab == "files"
        assert driver.browse.files.path == b"root/.ssh/id_ed25519"
        assert driver.browse.files.scope == Scope("layer", 0, 0)
        await driver.press("backspace")
        assert driver.browse.tab == "secrets"

    browse(app, script, size=WIDE)


@pytest.mark.slow
def test_a_filter_finds_secrets_by_path_rule_and_name(app: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("r", "slash", *"npmrc", "enter")
        assert len(lines(driver)) == 2
        await driver.press("escape", "slash", *"GITHUB", "enter")
        assert ["ENV GITHUB_TOKEN" in line for line in lines(driver)] == [True]
        await driver.press("escape", "slash", *"slack", "enter")
        assert listed(driver).row_count == 1

    browse(app, script, size=WIDE)


def test_an_image_without_secrets_says_so(tmp_path: Path) -> None:
    image = ImageBuilder("app:1").layer({"a": b"x"}).build()
    reference = FORMS["docker-legacy"].write([image], tmp_path / "app.tar")

    async def script(driver: Driver) -> None:
        await driver.press("r")
        assert driver.browse.tab != "secrets"

    browse(reference, script, size=WIDE)
