"""Where a bare name is looked up, and which modules that loads."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from layerscope import sources
from layerscope.errors import ImageNotFound, SourceUnavailable
from layerscope.image.image import Image
from layerscope.sources import SOURCES, look_up, open_image
from layerscope.sources.source import BrokenOff, Source
from tests.builder import ImageBuilder, docker_legacy


def test_reading_an_archive_does_not_load_a_client(tmp_path: Path) -> None:
    built = ImageBuilder("app:1").layer({"a": b"x"}, "RUN a").build()
    docker_legacy([built]).write(tmp_path / "x.tar", compress=True)
    program = (
        "import sys\nfrom layerscope.sources import open_image\n"
        "open_image(sys.argv[1]).close()\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "x.tar")],
        capture_output=True,
        check=True,
        text=True,
    )
    loaded = set(done.stdout.strip("[]\n").replace("'", "").split(", "))
    assert "layerscope" in loaded
    assert not loaded & {"docker", "requests", "urllib3", "textual", "rich", "click", "humanize"}


def test_every_scheme_belongs_to_one_source() -> None:
    schemes = [scheme for source in SOURCES for scheme in source.schemes]
    assert len(schemes) == len(set(schemes))
    assert all(source.name in source.schemes for source in SOURCES)


def broken(error: Exception) -> Source:
    def fail(*_: object) -> Image:
        raise error

    return Source(name="x", schemes=("x",), open=fail, holds_names=lambda: True)


def test_the_error_names_every_source_that_was_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    gone = broken(SourceUnavailable("first is away", hint="start it"))
    empty = broken(ImageNotFound("second has none", hint="pull it"))
    absent = replace(broken(AssertionError()), holds_names=lambda: False)
    monkeypatch.setattr(sources, "SOURCES", (gone, absent, empty, gone))
    with pytest.raises(ImageNotFound) as caught:
        open_image("app")
    assert str(caught.value) == (
        "no image 'app' was found (no such file; first is away; second has none; first is away); pull it"
    )
    (tmp_path / "app").mkdir()
    with pytest.raises(ImageNotFound, match="the folder with this name is not an image; first is"):
        open_image("app")
    half = broken(BrokenOff("second broke off"))
    monkeypatch.setattr(sources, "SOURCES", (gone, half, broken(AssertionError())))
    with pytest.raises(BrokenOff, match="second broke off"):
        open_image("app")


def test_the_first_source_that_has_the_image_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    one = replace(broken(ImageNotFound("no")), name="one")
    two, three = replace(one, name="two"), replace(one, name="three")
    monkeypatch.setattr(sources, "SOURCES", (one, two, three))

    def use(source: Source) -> str:
        if source is one:
            raise ImageNotFound("no")
        return source.name

    assert look_up("app", use) == "two"
