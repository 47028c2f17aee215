from __future__ import annotations

from pathlib import Path

import pytest

from tests.builder import FORMS
from tests.tui.images import hostile, web_app


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A reference to the application image with compressed layers."""
    folder: Path = tmp_path_factory.mktemp("images")
    return FORMS["oci-archive"].write([web_app()], folder / "app.tar")


@pytest.fixture(scope="session")
def evil(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A reference to the hostile image."""
    folder: Path = tmp_path_factory.mktemp("evil")
    return FORMS["docker-legacy"].write([hostile()], folder / "evil.tar")
