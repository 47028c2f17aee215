"""A layer is read as what its bytes are. A media type that says something else is a note."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builder import COMPRESSIONS, FORMS, ImageBuilder
from tests.builder.image import BuiltImage
from tests.builder.tar import tar
from tests.hostile.rows import BASE
from tests.hostile.running import layerscope


def report(image: BuiltImage, compression: str, folder: Path) -> dict[str, Any]:
    reference = FORMS["oci-archive"].write([image], folder / "image.tar", compression)
    ran = layerscope("report", reference, "--json", "--no-cache", cwd=folder)
    assert ran.code == 0, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


@pytest.mark.parametrize("stored", ["gzip", "zstd"])
def test_a_media_type_that_lies_about_the_compression_is_a_note(
    stored: str, tmp_path: Path
) -> None:
    image = ImageBuilder("app:1").raw_layer(COMPRESSIONS[stored](tar(BASE)), "RUN x").build()
    found = report(image, "none", tmp_path)
    (note,) = found["notes"]
    assert (note["code"], note["layer"]) == ("compression-differs", 0)
    assert note["message"] == f"the media type says a plain tar, but the layer is {stored}"
    assert found["layers"][0]["compression"] == stored
    assert found["sizes"]["live"] == 400


@pytest.mark.parametrize("stored", ["xz", "bzip2"])
def test_a_compression_without_a_media_type_is_no_note(stored: str, tmp_path: Path) -> None:
    image = ImageBuilder("app:1").raw_layer(COMPRESSIONS[stored](tar(BASE)), "RUN x").build()
    assert report(image, "none", tmp_path)["notes"] == []


@pytest.mark.parametrize("stored", ["none", "gzip", "zstd"])
def test_a_media_type_that_is_right_is_no_note(stored: str, tmp_path: Path) -> None:
    image = ImageBuilder("app:1").layer({"f": b"x"}, "RUN x").build()
    assert report(image, stored, tmp_path)["notes"] == []
