#!/usr/bin/env python3
"""Draws the pictures in the docs from the image in fixtures/: ``python docs/screenshots.py``."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from layerscope.tui.app import LayerscopeApp, reader
from layerscope.tui.screens.browse_screen import BrowseScreen
from layerscope.tui.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
IMAGE = "fixtures/my-python-app-buildkit.tar"
PICTURES = {
    "browse": ("layerscope", ("down", "down", "down", "l", "down")),
    "waste": ("layerscope", ("w", "down", "l", "down")),
    "dockerfile": ("layerscope", ("d", "n", "n")),
    "inside": ("layerscope", ("slash", "slash", *"app/config.py", "enter", "enter", "d")),
    "browse-light": ("layerscope-light", ("ctrl+l", "down")),
}


async def draw(theme: str, keys: tuple[str, ...]) -> str:
    """The picture as SVG. Call it in the project's folder."""
    app = LayerscopeApp(IMAGE, reader(IMAGE), settings=Settings(theme=theme))
    async with app.run_test(size=(120, 32)) as pilot:
        while not isinstance(app.screen, BrowseScreen) or not app.screen.is_mounted:
            await pilot.pause(0.05)
        while app.screen.files.tree_view.totals is None:
            await pilot.pause(0.05)
        for key in keys:
            await pilot.press({".": "full_stop", "/": "slash"}.get(key, key))
            await pilot.pause(0.1)
            while any(not worker.is_finished for worker in app.workers):
                await app.workers.wait_for_complete()
                await pilot.pause()
        return app.export_screenshot(title=f"layerscope {IMAGE}", simplify=True) + "\n"


def main() -> None:
    os.chdir(ROOT)
    for name, (theme, keys) in PICTURES.items():
        path = ROOT / "docs" / "images" / f"{name}.svg"
        path.write_text(asyncio.run(draw(theme, keys)), encoding="utf-8")


if __name__ == "__main__":
    main()
