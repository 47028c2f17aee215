"""The first stage of a scan: the manifests of all images that the targets name, and what of them is new."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from layerscope.fleet.age import is_newer
from layerscope.fleet.heads import read_heads
from layerscope.fleet.lanes import Lanes
from layerscope.fleet.lending import lane_of
from layerscope.fleet.run import TRIES, Pending, Run, answers, may_retry
from layerscope.fleet.targets import images_of
from layerscope.fleet.values import Failed, HeadFound, HeadJob, Several, Unchanged, Wanted
from layerscope.progress import stop_if

GROUP: Final = 8
"""Manifests that one job reads."""

Group = tuple[Wanted, ...]


def read_manifests(run: Run) -> dict[str, Pending]:
    """The new images, by their names. Those that are known already get their rows."""
    lanes: Lanes[tuple[int, Group]] = Lanes(run.plan.requests)
    total = done = 0
    for lane, group in _groups(run):
        lanes.add(lane, 0, (1, group))
        total += len(group)
    pending: dict[str, Pending] = {}

    def job(work: tuple[int, Group]) -> HeadJob:
        lent = run.lender.lend(*(each.reference for each in work[1]))
        return HeadJob(work[1], run.plan.reading, lent)

    for lane, (tries, group), found in run.jobs(lanes, "manifests", read_heads, job):
        again = []
        for wanted, answer in zip(group, answers(found, group, "image"), strict=True):
            if tries < TRIES and may_retry(answer):
                again.append(wanted)
                continue
            done += 1
            if isinstance(answer, Several):
                for reference in answer.references:
                    run.seen.add(reference)
                    each = Wanted(reference, wanted.target, _root(run, reference))
                    lanes.add(lane, 0, (1, (each,)))
                    total += 1
            else:
                _take(run, answer, pending)
        if again:
            lanes.add(lane, 0, (tries + 1, tuple(again)))
        run.tell("manifests", done, total)
        run.commit_if_due()
    return pending


def _groups(run: Run) -> Iterator[tuple[str, Group]]:
    """The images to look at, in groups of one registry each."""
    groups: dict[str, list[Wanted]] = {}
    plan = run.plan
    for target in plan.targets:
        for found in images_of(target, plan.reading, plan.choosing, cancelled=run.cancelled):
            stop_if(run.cancelled)
            if isinstance(found, Failed):
                run.whole = False
                run.failures.add(found)
                continue
            if found.reference in run.seen:
                continue
            run.seen.add(found.reference)
            run.tell("list", len(run.seen), None)
            lane = lane_of(found.reference)
            group = groups.setdefault(lane, [])
            group.append(Wanted(found.reference, found.target, _root(run, found.reference)))
            if len(group) == GROUP or not lane:
                yield lane, tuple(groups.pop(lane))
    for lane, group in groups.items():
        yield lane, tuple(group)


def _root(run: Run, reference: str) -> str | None:
    before = run.known.references.get(reference)
    return None if before is None else before["root"]


def _take(run: Run, found: object, pending: dict[str, Pending]) -> None:
    if isinstance(found, Failed):
        run.failures.add(found)
    elif isinstance(found, Unchanged):
        row = run.known.references[found.wanted.reference]
        run.failures.forget(found.wanted.reference)
        run.counts.images += 1
        run.counts.unchanged += 1
        if row["target"] != found.wanted.target:
            run.add_name(found.wanted, row["root"], row)
    elif isinstance(found, HeadFound):
        wanted = found.wanted
        if run.plan.newer_than is not None and not is_newer(found.created, run.plan.newer_than):
            run.counts.older += 1
            run.seen.discard(wanted.reference)
            return
        run.failures.forget(wanted.reference)
        before = run.known.images.get(found.image)
        if before is not None:
            run.counts.images += 1
            run.counts.unchanged += 1
            run.add_name(wanted, found.root, before)
            return
        one = pending.setdefault(found.image, Pending(found, []))
        one.names.append((wanted, found.root))
