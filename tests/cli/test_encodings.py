"""Streams that can't show every character: a Windows code page, or plain ASCII."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.builder import ImageBuilder
from tests.cli.conftest import environment
from tests.cli.images import write
from tests.processes.client import run

NAME = "srv/naïve-\u2588-\U0001f600-日本"
ASCII, WINDOWS = "ascii", "cp1252"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    layers = ImageBuilder("app:1").layer({NAME: b"x" * 5000, "srv/b": b"b"}, f"COPY {NAME} /srv")
    layers.layer({f"{NAME[:4]}.wh.{NAME[4:]}": b""}, f"RUN rm {NAME}")
    write(layers.build(), tmp_path / "a.tar")
    write(ImageBuilder("app:2").layer({"srv/b": b"b"}, "COPY b").build(), tmp_path / "b.tar")
    return tmp_path


def said(folder: Path, encoding: str, *arguments: str, codes: tuple[int, ...] = (0,)) -> bytes:
    env = environment(PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    done = run(*arguments, cwd=folder, env=env, capture_output=True)
    assert done.returncode in codes, done.stderr
    assert b"Traceback" not in done.stderr
    return bytes(done.stdout)


def test_text_for_people_is_escaped_where_the_stream_cannot_show_it(image: Path) -> None:
    for arguments in (
        ["report", "a.tar"],
        ["compare", "a.tar", "b.tar"],
        ["files", "a.tar"],
        ["check", "a.tar", "--max-wasted", "1kB"],
    ):
        text = said(image, WINDOWS, *arguments, codes=(0, 1)).decode(WINDOWS)
        assert "naïve" in text
        assert "\\u65e5" in text
        assert "\\U0001f600" in text
    assert "na\\xefve" in said(image, ASCII, "report", "a.tar").decode("ascii")


def test_data_for_programs_is_utf_8_on_every_stream(image: Path) -> None:
    report = json.loads(said(image, WINDOWS, "report", "a.tar", "-o", "json=-"))
    assert f"/{NAME}" in {row["path"] for row in report["waste"]}
    for form in ("html", "svg", "junit", "csv", "markdown", "sarif", "gitlab"):
        text = said(
            image, WINDOWS, "check", "a.tar", "--max-wasted", "1kB", "-o", f"{form}=-", codes=(1,)
        ).decode()
        assert "\r" not in text
        if form in ("svg", "junit"):
            ET.fromstring(text)
        if form == "csv":
            assert any(f"/{NAME}" in row for row in csv.reader(text.splitlines()))
        if form in ("html", "markdown"):
            assert NAME in text
    assert json.loads(said(image, WINDOWS, "schema"))["$schema"]
