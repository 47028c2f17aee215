"""Weighs a filesystem that a test describes as paths and sizes."""

from __future__ import annotations

from collections.abc import Mapping

from layerscope.analysis.model import Analysis
from layerscope.analysis.weight.facts import DeadWeight
from tests.analysis.images import analysed, analysis_of
from tests.builder import ImageBuilder
from tests.builder.image import Members


def weight_of(analysis: Analysis) -> DeadWeight:
    """The dead weight, after a check that all sums close."""
    weight = analysis.facts.weight
    assert weight is not None
    assert weight.bytes == sum(kind.bytes for kind in weight.kinds) <= analysis.sizes.live
    assert weight.files == sum(kind.files for kind in weight.kinds)
    for kind in weight.kinds:
        for rows in (kind.parts, kind.paths):
            assert sum(row.bytes for row in rows) == kind.bytes
            assert sum(row.files for row in rows) == kind.files
        if kind.compressed is not None:
            costs = [part.compressed for part in kind.parts]
            assert sum(cost for cost in costs if cost is not None) == kind.compressed
            assert None not in costs
    return weight


def kinds_of(*layers: Members, env: tuple[str, ...] = ()) -> dict[str, int]:
    """The bytes of each kind of dead weight in the filesystem that some layers make."""
    if not env:
        return _bytes(weight_of(analysis_of(*layers)))
    builder = ImageBuilder("app:1")
    builder.settings["Env"] = list(env)
    for members in layers:
        builder.layer(members, created_by="/bin/sh -c step")
    return _bytes(weight_of(analysed(builder.build())))


def sized(paths: Mapping[str, int]) -> dict[str, bytes]:
    """Files of these sizes."""
    return {path: b"x" * size for path, size in paths.items()}


def _bytes(weight: DeadWeight) -> dict[str, int]:
    return {kind.kind: kind.bytes for kind in weight.kinds}
