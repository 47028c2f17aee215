"""Images that several tests in this folder read, and a web browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from layerscope.analysis.model import Analysis
from tests.report.pictured import analyze, app

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page, Request


@pytest.fixture(scope="session")
def app_analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return analyze(app(), tmp_path_factory.mktemp("app"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium. Required in CI. Per module, since its driver keeps an event loop that others can't nest in."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None or not Path(path).exists():
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail("there is no chromium in CI")
        pytest.skip("there is no chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path,
            headless=True,
            args=["--headless", "--no-sandbox", "--disable-gpu"],
        )
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Page]:
    """A page that fails its test for any error, dialog, or request except for the file itself."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    page.on("console", lambda message: faults.append(f"console: {message.text}"))

    def on_dialog(dialog: Dialog) -> None:
        faults.append("dialog")
        dialog.dismiss()

    def on_request(request: Request) -> None:
        if not request.url.startswith("file:"):
            faults.append(request.url)

    page.on("dialog", on_dialog)
    page.on("request", on_request)
    yield page
    page.close()
    assert faults == []
