"""Secrets of two images side by side, from images and saved reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from layerscope.cli.main import main
from layerscope.report.comparison.renderers import COMPARISON_RENDERERS
from tests.analysis.test_secrets import NPM, TOKEN, leaky
from tests.builder import ImageBuilder
from tests.cli.images import write
from tests.secrets.tokens import Maker

make = Maker(5)
KEY = make.pem()


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    """A has an old key and a token, B a moved line of the token and a new login."""
    token = make.github()
    a = ImageBuilder("app:1").layer(
        {"srv/old.pem": KEY.encode(), "srv/settings.py": f"t = '{token}'\n".encode()}
    )
    b = ImageBuilder("app:2").layer(
        {
            "root/.npmrc": f"//r/:_authToken={make.npm()}\n".encode(),
            "srv/settings.py": f"\n\nt = '{token}'\n".encode(),
        }
    )
    return write(a.build(), tmp_path / "a.tar"), write(b.build(), tmp_path / "b.tar")


def compared(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["compare", *arguments, "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def places(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(row["rule"], row["path"]) for row in rows]


def test_new_and_gone_secrets_are_told_apart_and_a_moved_line_is_neither(
    pair: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    found = compared(capsys, *pair, "--secrets")["findings"]
    assert places(found["removed"]) == [("private-key", "/srv/old.pem")]
    assert {rule for rule, _ in places(found["added"])} == {"npm-access-token", "npmrc-token"}
    assert found["same"] == 1


def test_where_one_side_searched_everything_only_well_known_files_are_compared(
    pair: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = str(tmp_path / "a.json")
    assert main(["report", pair[0], "--secrets", "--files", "-o", f"json={saved}"]) == 0
    found = compared(capsys, saved, pair[1])["findings"]
    assert places(found["removed"]) == [("private-key", "/srv/old.pem")]
    assert found["same"] == 0


def test_secrets_that_nobody_looked_for_are_not_compared(
    pair: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "findings" not in compared(capsys, *pair, "--no-secrets")


@pytest.mark.parametrize("name", sorted(COMPARISON_RENDERERS))
def test_every_format_names_the_secrets_and_shows_none(
    pair: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    other = write(leaky(), tmp_path / "leaky.tar")
    assert main(["compare", pair[0], other, "--secrets", "--format", name]) == 0
    text = capsys.readouterr().out
    assert TOKEN not in text
    assert NPM not in text
    if name != "github":
        assert "id_ed25519" in text.replace("&#95;", "_")
        assert "private-key" in text
