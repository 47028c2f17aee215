"""The second stage of a scan: each layer that nobody has read, once, the largest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from layerscope.fleet.index_store import unpack
from layerscope.fleet.lanes import Lanes
from layerscope.fleet.layer_reading import read_layers
from layerscope.fleet.lending import lane_of
from layerscope.fleet.run import TRIES, Pending, Run, answers, may_retry
from layerscope.fleet.values import Failed, LayerJob, LayerPlace, LayerRead

if TYPE_CHECKING:
    import pyarrow as pa

    from layerscope.fleet.values import Wanted

    Work = tuple[int, Wanted, tuple[LayerPlace, ...]]


def read_new_layers(run: Run, images: Iterable[Pending]) -> dict[str, Failed]:
    """Read the layers of these images. Returns why those that can't be read can't, by the layer's key."""
    lanes: Lanes[Work] = Lanes(run.plan.requests)
    total = count = 0
    for wanted, places in _jobs(run, images):
        size = sum(each.size for each in places)
        total += size
        count += len(places)
        lanes.add(lane_of(wanted.reference), size, (1, wanted, places))
    broken: dict[str, Failed] = {}
    done = read = 0
    run.tell("layers", 0, count, size=(0, total))

    def job(work: Work) -> LayerJob:
        _, wanted, places = work
        return LayerJob(wanted, places, run.plan.reading, run.lender.lend(wanted.reference))

    for lane, (tries, wanted, places), found in run.jobs(lanes, "layer", read_layers, job):
        again = []
        given = answers(found, [wanted] * len(places), "layer")
        for place, answer in zip(places, given, strict=True):
            if tries < TRIES and may_retry(answer):
                again.append(place)
                continue
            done += 1
            read += place.size
            if isinstance(answer, LayerRead):
                run.counts.layers += 1
                run.counts.bytes_read += place.size
                run.store.write(answer.key, answer.data)
                _add(run, place, answer.rows)
            elif isinstance(answer, Failed):
                broken[place.key] = answer
                run.failures.add(answer)
        if again:
            lanes.add(lane, sum(each.size for each in again), (tries + 1, wanted, tuple(again)))
        run.tell("layers", done, count, size=(read, total))
        run.commit_if_due()
    return broken


def _jobs(run: Run, images: Iterable[Pending]) -> Iterator[tuple[Wanted, tuple[LayerPlace, ...]]]:
    """Each layer in a registry by itself, and all layers of a file together, because opening a file may take long."""
    taken: set[str] = set()
    for pending in images:
        wanted = pending.head.wanted
        new = []
        for place in pending.head.layers:
            if not place.readable or place.key in taken:
                continue
            taken.add(place.key)
            if run.store.has(place.key) and _restore(run, place):
                run.counts.known_layers += 1
            else:
                new.append(place)
        groups: Sequence[Sequence[LayerPlace]] = [new]
        if lane_of(wanted.reference):
            groups = [[each] for each in new]
        for group in groups:
            if group:
                yield wanted, tuple(group)


def _restore(run: Run, place: LayerPlace) -> bool:
    """Whether a layer was read before. Its rows are made again if a killed scan lost them."""
    if (place.digest, place.diff_id) in run.known.blobs:
        return True
    from layerscope.fleet.layer_rows import layer_tables

    data = run.store.read(place.key)
    kept = None if data is None else unpack(place.key, data)
    if kept is None or place.diff_id is None:
        return False
    _add(run, place, layer_tables(kept, place.digest, place.diff_id))
    run.commit_if_due()
    return True


def _add(run: Run, place: LayerPlace, rows: Mapping[str, pa.Table]) -> None:
    """Add a layer's rows; those of its files only if no other blob with the same tar has added them."""
    known = run.known
    assert place.diff_id is not None
    if (place.digest, place.diff_id) in known.blobs:
        return
    known.blobs.add((place.digest, place.diff_id))
    if place.diff_id in known.diff_ids:
        run.writer.add({"layers": rows["layers"]})
        return
    known.diff_ids.add(place.diff_id)
    run.writer.add(rows)
