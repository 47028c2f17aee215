"""The table of a fleet's images: rows come when they are shown, and `enter` ends with the image to open."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from layerscope.fleet.database import connected
from layerscope.fleet.folder import locked
from layerscope.fleet.listing import PAGE, ImageListing
from layerscope.fleet.tables import table_of
from layerscope.fleet.writer import Writer
from layerscope.tui.fleet.app import FleetApp, FleetScreen
from tests.builder import FORMS, ImageBuilder
from tests.fleet.inline import write_fleet

COUNT = 3000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fleet whose table of images alone is filled: each image is larger than the one before."""
    path = tmp_path_factory.mktemp("many") / "fleet"
    rows = [
        {
            "reference": f"registry:registry.example/team{number % 7}/app:v{number:04}",
            "digest": f"sha256:{number:064x}", "platform": "linux/amd64", "created": "2025-01-01T00:00:00Z",
            "compressed": number, "tar": 2 * number, "content": 1000 * number, "overhead": 0, "live": 0,
            "wasted": COUNT - number, "efficiency": 0.5, "layers": 3, "registry": "registry.example",
            "repository": f"registry.example/team{number % 7}/app", "source": "registry",
            "config_digest": "", "image": f"sha256:{number:064x}", "target": "t", "root": "r", "scan": 1,
        }
        for number in range(COUNT)
    ]  # fmt: skip
    with locked(str(path)) as opened:
        writer = Writer(opened)
        writer.add({"images": table_of("images", rows)})
        writer.commit(scan=1, complete=True)
    return path


def drive(
    folder: Path, steps: Callable[[FleetApp, FleetScreen, Pilot[int]], Awaitable[None]]
) -> FleetApp:
    """Run the table with these steps; returns it when it has ended."""

    async def run() -> FleetApp:
        with connected(str(folder)) as connection:
            app = FleetApp("fleet", ImageListing(connection))
            async with app.run_test(size=(110, 30)) as pilot:
                await pilot.pause()
                screen = app.screen
                assert isinstance(screen, FleetScreen)
                await steps(app, screen, pilot)
            return app

    return asyncio.run(run())


def test_only_the_pages_on_screen_are_read(folder: Path) -> None:
    async def steps(app: FleetApp, screen: FleetScreen, pilot: Pilot[int]) -> None:
        listing = screen.images.listing
        assert listing.count == COUNT
        assert list(listing._pages) == [0]
        await pilot.press("G")
        await pilot.pause()
        assert screen.images.cursor == COUNT - 1
        assert set(listing._pages) <= {0, COUNT // PAGE - 1, COUNT // PAGE}

    drive(folder, steps)


def test_s_sorts_and_keeps_the_image_under_the_cursor(folder: Path) -> None:
    async def steps(app: FleetApp, screen: FleetScreen, pilot: Pilot[int]) -> None:
        images = screen.images
        await pilot.press("down", "down")
        here = images.listing.line(images.cursor).reference
        await pilot.press("s")
        assert images.listing.order == "content"
        assert images.listing.line(0).content == 1000 * (COUNT - 1)
        assert images.listing.line(images.cursor).reference == here

    drive(folder, steps)


def test_a_filter_narrows_the_table_and_escape_shows_all(folder: Path) -> None:
    async def steps(app: FleetApp, screen: FleetScreen, pilot: Pilot[int]) -> None:
        await pilot.press("slash", *"v0012")
        await pilot.pause()
        assert screen.images.listing.count == 1
        assert "1 image" in str(screen.query_one("#title", Static).visual)
        await pilot.press("escape")
        await pilot.pause()
        assert screen.images.listing.count == COUNT

    drive(folder, steps)


def test_enter_ends_with_the_image_to_open(folder: Path) -> None:
    async def steps(app: FleetApp, screen: FleetScreen, pilot: Pilot[int]) -> None:
        await pilot.press("slash", *"v1234", "enter")
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()

    app = drive(folder, steps)
    assert app.chosen == f"registry:registry.example/team{1234 % 7}/app:v1234"


def test_q_ends_without_an_image(folder: Path) -> None:
    async def steps(app: FleetApp, screen: FleetScreen, pilot: Pilot[int]) -> None:
        await pilot.press("q")
        await pilot.pause()

    assert drive(folder, steps).chosen is None


def test_the_chosen_image_opens_in_the_browser_and_the_table_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from layerscope.cli.main import main
    from layerscope.tui.app import LayerscopeApp

    image = ImageBuilder("app:1").layer({"etc/a": b"a" * 9}, "RUN a").build()
    FORMS["oci-dir"].write([image], tmp_path / "image")
    write_fleet(tmp_path / "fleet", str(tmp_path / "image"))
    opened: list[str] = []
    tables: list[int] = []

    def choose_once(app: FleetApp) -> int:
        tables.append(app.cursor)
        app.chosen = None if opened else str(tmp_path / "image")
        return 0

    def show(app: LayerscopeApp) -> int:
        opened.append(app.reference)
        found, session = app._read(lambda _: None, lambda: False)
        assert session.analysis.sizes.content == 9
        found.close()
        return 0

    monkeypatch.setenv("TEXTUAL_DRIVER", "textual.drivers.headless_driver:HeadlessDriver")
    monkeypatch.setattr(FleetApp, "run", choose_once)
    monkeypatch.setattr(LayerscopeApp, "run", show)
    assert main(["fleet", "browse", str(tmp_path / "fleet")]) == 0
    assert opened == [str(tmp_path / "image")]
    assert tables == [0, 0]
