"""The pictures in the documentation show the current browser. `python docs/screenshots.py` redraws them."""

from __future__ import annotations

import asyncio
import importlib.util
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXTUAL = "8.2.8"


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("screenshots", ROOT / "docs" / "screenshots.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(version("textual") != TEXTUAL, reason=f"drawn with Textual {TEXTUAL}")
@pytest.mark.slow
def test_the_pictures_are_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("TEXTUAL_COLOR_SYSTEM", "truecolor")
    screenshots = script()
    for name, (theme, keys) in screenshots.PICTURES.items():
        drawn = asyncio.run(screenshots.draw(theme, keys))
        assert drawn == (ROOT / "docs" / "images" / f"{name}.svg").read_text(encoding="utf-8"), name
    shown = {path.stem for path in (ROOT / "docs" / "images").glob("*.svg")}
    assert shown == set(screenshots.PICTURES)
