"""A scan: manifests first, then each layer once, the largest first, then the images, from the indexes of their layers.

The scan itself runs in one process, which writes the folder. Workers read and compute, and hold nothing that matters: a job
that was lost with its worker runs again elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.fleet.compaction import compact
from layerscope.fleet.image_stage import replay_images
from layerscope.fleet.layer_stage import read_new_layers
from layerscope.fleet.manifest_stage import read_manifests
from layerscope.fleet.rollups import roll_up
from layerscope.fleet.run import Counts, Plan, Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from layerscope.fleet.cluster import Workers
    from layerscope.fleet.folder import FleetFolder
    from layerscope.progress import CancelledCallback, ProgressCallback


def scan(
    plan: Plan,
    folder: FleetFolder,
    workers: Workers,
    *,
    progress: ProgressCallback | None = None,
    cancelled: CancelledCallback | None = None,
    lends: Callable[[], object] | None = None,
) -> Counts:
    """Scan into an open folder. What is done is kept, whatever ends the scan.

    `lends` is called once before credentials are sent to workers. Raises `LayerscopeError`.
    """
    run = Run(plan, folder, workers, progress, cancelled, lends)
    try:
        pending = read_manifests(run)
        broken = read_new_layers(run, pending.values())
        run.writer.flush()
        replay_images(run, pending.values(), broken)
    except BaseException:
        run.commit(complete=False)
        raise
    gone = _gone(run) if run.whole else frozenset()
    run.failures.drop(
        reference
        for reference, target in list(run.failures.references())
        if run.whole and target in plan.targets and reference not in run.seen
    )
    run.commit(complete=True)
    compact(folder, gone)
    roll_up(folder)
    run.counts.failures = len(run.failures)
    return run.counts


def _gone(run: Run) -> frozenset[str]:
    """The references that the targets no longer name."""
    return frozenset(
        reference
        for reference, row in run.known.references.items()
        if row["target"] in run.plan.targets and reference not in run.seen
    )
