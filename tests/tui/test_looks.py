"""Compares screens with pictures. `LAYERSCOPE_UPDATE_LOOKS=1` redraws them; look at the result."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

import pytest

from layerscope.tui.settings import Settings
from tests.builder import FORMS
from tests.tui.images import NARROW, USUAL, WIDE, Driver, browse, web_app

LOOKS = Path(__file__).parent / "looks"
TEXTUAL = "8.2.8"
SCREENS: dict[str, tuple[tuple[int, int], str, tuple[str, ...]]] = {
    "tree": (USUAL, "layerscope", ("down", "l")),
    "layer-light": (WIDE, "layerscope-light", ("ctrl+l", "tab", "up", "tab", "tab")),
    "waste-narrow": (NARROW, "layerscope", ("w", "down", "l")),
    "help": (USUAL, "layerscope", ("question_mark",)),
}


@pytest.mark.skipif(version("textual") != TEXTUAL, reason=f"drawn with Textual {TEXTUAL}")
@pytest.mark.parametrize("name", SCREENS)
def test_screens_match_their_pictures(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    size, theme, keys = SCREENS[name]
    FORMS["docker-legacy"].write([web_app()], tmp_path / "app.tar")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEXTUAL_COLOR_SYSTEM", "truecolor")
    drawn: list[str] = []

    async def script(driver: Driver) -> None:
        await driver.press(*keys)
        drawn.append(driver.app.export_screenshot(title=name, simplify=True))

    browse("docker-archive:app.tar", script, size=size, settings=Settings(theme=theme))
    path = LOOKS / f"{name}.svg"
    if os.environ.get("LAYERSCOPE_UPDATE_LOOKS"):
        LOOKS.mkdir(exist_ok=True)
        path.write_text(drawn[0] + "\n", encoding="utf-8")
    assert drawn[0] + "\n" == path.read_text(encoding="utf-8")
