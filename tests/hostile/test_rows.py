"""Every hostile or odd layer, from the command line to the exit code, is refused in one line or read with a note."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import layerscope as library
from layerscope.analysis.model import Analysis
from layerscope.errors import FormatError
from layerscope.report.document.builder import build
from tests.builder import FORMS, ImageBuilder
from tests.builder.image import BuiltImage
from tests.hostile.rows import ROWS, Row
from tests.hostile.running import Ran, layerscope
from tests.model import check_sums

QUICK = [row for row in ROWS if not row.name.startswith(("bomb", "million"))]


def image_of(row: Row) -> BuiltImage:
    builder = ImageBuilder("app:1")
    for data in row.layers():
        builder.raw_layer(data, created_by="/bin/sh -c x")
    return builder.build()


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=row.name, marks=() if row in QUICK else pytest.mark.slow)
        for row in ROWS
    ],
)
def test_a_hostile_layer_is_refused_in_one_line_or_read_with_a_note(
    row: Row, tmp_path: Path
) -> None:
    reference = FORMS["docker-legacy"].write([image_of(row)], tmp_path / "image.tar")
    options = ("--json", "--no-verify")
    ran = layerscope("report", reference, *options, cwd=tmp_path, images=row.images)
    if row.refused is not None:
        refused(ran, [row.refused] if isinstance(row.refused, str) else row.refused)
    else:
        read(ran, row)
    assert [path.name for path in tmp_path.iterdir()] == ["image.tar"]


def refused(ran: Ran, texts: Sequence[str]) -> None:
    assert ran.code == 4, ran.err
    assert ran.out == b""
    assert ran.err.startswith("layerscope: error: ")
    assert ran.err.count("\n") == 1
    assert ran.err.strip().isprintable()
    assert all(text in ran.err for text in texts)
    assert "layer" in ran.err
    assert ran.err.partition("; ")[2], "it does not say what to do"


def read(ran: Ran, row: Row) -> None:
    assert ran.code == 0, ran.err
    assert ran.out.isascii()
    report: dict[str, Any] = json.loads(ran.out)
    check_sums(report)
    found = {note["code"] for note in report["notes"]} - {"unverified"}
    assert found >= set(row.notes)
    if not row.notes:
        assert found == set() or row.name in UNASKED
    assert report["sizes"]["live"] == row.live


UNASKED = {"twice-file", "whiteout-then-file"}
"""Rows that may also get the note of another row."""


@pytest.mark.parametrize("row", QUICK, ids=lambda row: row.name)
def test_streaming_gives_the_same_result_as_seeking(row: Row, tmp_path: Path) -> None:
    """Puts the same layers into a layout, gzipped if they are plain, so that they are streamed. Nothing else may change."""
    image = image_of(row)
    plain = outcome(FORMS["docker-legacy"].write([image], tmp_path / "plain.tar"))
    packed = outcome(
        FORMS["oci-dir"].write([image], tmp_path / "packed", "none" if row.alone else "gzip")
    )
    if isinstance(plain, FormatError):
        assert isinstance(packed, FormatError)
        return
    assert isinstance(packed, Analysis)
    assert codes(plain) == codes(packed)
    assert plain.waste == tuple(replace(row, compressed=None) for row in packed.waste)
    assert plain.sizes.live == packed.sizes.live
    build(packed, files=True)


def outcome(reference: str) -> Analysis | FormatError:
    try:
        with library.load(reference) as image:
            return library.analyze(image, verify="off")
    except FormatError as error:
        return error


def codes(analysis: Analysis) -> list[tuple[str, int | None, bytes | None]]:
    """Notes on the layers, without what only a layout says about their compression."""
    return [
        (note.code, note.layer, note.path)
        for note in analysis.notes
        if note.code != "compression-differs"
    ]


def test_every_case_where_engines_differ_is_covered() -> None:
    assert all(row.live is not None or row.refused for row in ROWS)
    assert len({row.name for row in ROWS}) == len(ROWS)
