"""Analyzes an image that a test defines as layers."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import layerscope
from layerscope.analysis.model import Analysis
from layerscope.limits import Limits
from tests.builder import FORMS, ImageBuilder
from tests.builder.image import BuiltImage, Members


def image_of(*layers: Members) -> BuiltImage:
    """An image with one instruction per layer."""
    builder = ImageBuilder("app:1")
    for number, members in enumerate(layers):
        builder.layer(members, created_by=f"/bin/sh -c step {number}")
    return builder.build()


def analysis_of(
    *layers: Members,
    form: str = "docker-legacy",
    compression: str = "none",
    verify: Literal["auto", "full", "off"] = "auto",
    limits: Limits | None = None,
) -> Analysis:
    return analysed(image_of(*layers), form, compression, verify, limits)


def analysed(
    image: BuiltImage,
    form: str = "docker-legacy",
    compression: str = "none",
    verify: Literal["auto", "full", "off"] = "auto",
    limits: Limits | None = None,
) -> Analysis:
    with tempfile.TemporaryDirectory() as folder:
        reference = FORMS[form].write([image], Path(folder) / "image", compression)
        with layerscope.load(reference, limits=limits) as opened:
            return layerscope.analyze(opened, verify=verify, limits=limits)


def waste_of(analysis: Analysis) -> list[tuple[str, str, int, int, int]]:
    """The path, kind, bytes, layer, and wasting layer of each wasted file."""
    return [
        (row.path.decode(), row.kind, row.bytes, row.layer, row.wasted_in) for row in analysis.waste
    ]


def closes(analysis: Analysis) -> None:
    """Check all sums that the reports promise."""
    sizes = analysis.sizes
    kinds: Mapping[Any, int] = analysis.wasted_by_kind
    assert sizes.live + sizes.wasted == sizes.content
    assert sizes.overhead is not None
    assert sizes.content + sizes.overhead == sizes.tar
    assert sum(kinds.values()) == sizes.wasted == sum(row.bytes for row in analysis.waste)
    for name in ("tar", "content", "live", "wasted", "overhead"):
        whole = getattr(sizes, name)
        assert whole >= 0
        assert sum(getattr(layer.sizes, name) for layer in analysis.layers) == whole
        assert sum(getattr(row.sizes, name) for row in analysis.instructions) == whole
