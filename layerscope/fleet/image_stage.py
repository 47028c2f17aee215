"""The third stage of a scan: each new image, replayed from the indexes of its layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from layerscope.fleet.lanes import Lanes
from layerscope.fleet.replaying import replay
from layerscope.fleet.run import Pending, Run, failure
from layerscope.fleet.values import Failed, Missing, Replayed, ReplayJob, Wanted


def replay_images(run: Run, images: Iterable[Pending], broken: Mapping[str, Failed]) -> None:
    """Add the rows of these images. One with a broken layer is a failure, under each of its names."""
    lanes: Lanes[Pending] = Lanes(1 << 30)
    total = done = 0
    for pending in images:
        faults = [broken[each.key] for each in pending.head.layers if each.key in broken]
        if faults:
            for wanted, _ in pending.names:
                run.failures.add(_through(faults[0], wanted))
            continue
        total += 1
        lanes.add("", 0, pending)
    ships = False

    def job(pending: Pending) -> ReplayJob:
        pending.shipped = ships
        return _job(run, pending)

    for _, pending, found in run.jobs(lanes, "image", replay, job):
        if isinstance(found, Missing) and not pending.shipped:
            # The worker doesn't see the folder of the fleet, so the indexes are sent along from now on.
            ships = True
            lanes.add("", 0, pending)
            continue
        done += 1
        _take(run, pending, found)
        run.tell("images", done, total)
        run.commit_if_due()


def _job(run: Run, pending: Pending) -> ReplayJob:
    head = pending.head
    told = run.known.told
    owns = tuple({e.diff_id: None for e in head.layers if e.diff_id and e.diff_id not in told})
    told.update(owns)
    pending.owns += owns
    shipped = None
    if pending.shipped:
        keys = {place.key for place in head.layers if place.readable}
        shipped = {key: run.store.read(key) or b"" for key in keys}
    return ReplayJob(
        head.wanted,
        head.image,
        head.packed,
        head.layers,
        pending.owns,
        run.plan.reading,
        run.folder.path,
        shipped,
    )


def _take(run: Run, pending: Pending, found: object) -> None:
    if isinstance(found, Replayed):
        run.counts.replayed += 1
        run.counts.images += len(pending.names)
        run.writer.add(found.rows)
        columns = {**found.image, "image": pending.head.image}
        for wanted, root in pending.names:
            run.add_name(wanted, root, columns)
        return
    run.known.told.difference_update(pending.owns)  # another image tells the packages of its layers
    wanted = pending.head.wanted
    if isinstance(found, Missing):
        for key in found.keys:
            run.store.remove(key)
        found = Failed(
            reference=wanted.reference,
            target=wanted.target,
            stage="image",
            kind="Missing",
            message="the index of one of its layers is damaged; scan it again",
        )
    fault = found if isinstance(found, Failed) else failure(found, wanted, "image")
    for each, _ in pending.names:
        run.failures.add(_through(fault, each))


def _through(fault: Failed, wanted: Wanted) -> Failed:
    """The failure of an image that has another's cause, such as one of its layers."""
    return replace(
        fault, reference=wanted.reference, target=wanted.target, stage="image", passing=False
    )
