"""Real images for rules that look into layers, built in memory and read from an archive."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import layerscope
from layerscope.analysis.model import Analysis
from tests.builder import ImageBuilder, docker_legacy

Steps = list[tuple[str, Mapping[str, Any]]]


def analysis_of(folder: Path, steps: Steps, tag: str = "app:1") -> Analysis:
    """The analysis of an image made by these instructions."""
    builder = ImageBuilder(tag)
    for text, members in steps:
        builder.layer(members, created_by=f"/bin/sh -c #(nop) {text}")
    path = folder / f"{tag.replace(':', '-')}.tar"
    docker_legacy([builder.build()]).write(path)
    with layerscope.load(str(path)) as image:
        return layerscope.analyze(image)
