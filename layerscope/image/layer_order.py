"""The order of a history's entries in the stack of layers."""

from __future__ import annotations

from collections.abc import Sequence

from layerscope.image import builders
from layerscope.image.dialects import METADATA_KEYWORDS, Statement
from layerscope.image.history import HistoryEntry
from layerscope.notes import Note
from layerscope.records import dataclass
from layerscope.units import count


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of the history, or None for a layer without one, and the layer it made.

    `base` marks a layer of a base image without a history.
    """

    entry: int | None
    layer: int | None
    base: bool = False


def order(
    history: Sequence[HistoryEntry],
    statements: Sequence[Statement],
    layer_count: int,
    base_layers: int | None,
) -> tuple[list[Row], list[Note]]:
    """The rows from lowest to highest, each layer in exactly one, and notes on what doesn't fit."""
    makers = _makers(history, statements, layer_count)
    made = set(makers)
    pads = [index for index in makers if builders.is_exporter_padding(history[index])]
    padding = set(pads)
    real = [index for index in makers if index not in padding]
    missing = max(layer_count, 0) - len(real)
    sequence: list[tuple[int | None, bool]]
    below = None if base_layers is None else len(real) - (layer_count - base_layers)
    if missing and base_layers is not None and below is not None and 0 <= below <= base_layers:
        sequence = _with_gap(len(history), real, padding, below, pads, missing)
    else:
        sequence = _below_their_build(history, statements, padding)
        lacking = layer_count - len(makers)
        if lacking > 0:
            if _covers_the_bottom(history, statements, real):
                sequence += [(None, False)] * lacking
            else:
                gap: list[tuple[int | None, bool]] = [(None, True)] * lacking
                sequence = gap + sequence
    rows: list[Row] = []
    layer = 0
    for index, base in sequence:
        if index is None or index in made:
            rows.append(Row(index, layer, base))
            layer += 1
        else:
            rows.append(Row(index, None))
    return rows, _count_notes(history, rows, layer_count)


def _makers(
    history: Sequence[HistoryEntry], statements: Sequence[Statement], layer_count: int
) -> list[int]:
    """The indices of the entries that made a layer, at most `layer_count` of them."""
    makers = [index for index, entry in enumerate(history) if not entry.empty_layer]
    if len(makers) > layer_count:
        # A tool forgot `empty_layer`: metadata can't have made a layer, if that resolves the count.
        filesystem = [i for i in makers if statements[i].keyword not in METADATA_KEYWORDS]
        if len(filesystem) == layer_count:
            return filesystem
    return makers[: max(layer_count, 0)]


def _with_gap(
    count: int, real: list[int], padding: set[int], below: int, pads: list[int], missing: int
) -> list[tuple[int | None, bool]]:
    """All entries, with the layers that lack one above the first `below` entries that made a layer."""
    cut = real[below - 1] + 1 if below else 0
    gap: list[tuple[int | None, bool]] = [(index, True) for index in pads]
    gap += [(None, True)] * (missing - len(pads))
    lower: list[tuple[int | None, bool]] = [(i, False) for i in range(cut) if i not in padding]
    upper: list[tuple[int | None, bool]] = [
        (i, False) for i in range(cut, count) if i not in padding
    ]
    return [*lower, *gap, *upper]


def _below_their_build(
    history: Sequence[HistoryEntry], statements: Sequence[Statement], padding: set[int]
) -> list[tuple[int | None, bool]]:
    """All entries, with BuildKit's padding below the steps of the build that added it.

    BuildKit adds one entry at the end for each layer without one. Its own steps always have entries, so these layers
    are the base image's.
    """
    sequence: list[tuple[int | None, bool]] = []
    own: list[tuple[int | None, bool]] = []
    for index, entry in enumerate(history):
        if index in padding:
            sequence.append((index, bool(own)))
            continue
        buildkit = _is_buildkit(entry, statements[index])
        if index - 1 in padding or not buildkit:
            sequence += own
            own = []
        (own if buildkit else sequence).append((index, False))
    return [*sequence, *own]


def _is_buildkit(entry: HistoryEntry, statement: Statement) -> bool:
    return entry.comment.strip() == builders.BUILDKIT or (
        bool(statement.keyword) and not statement.classic and entry.author != "kaniko"
    )


def _covers_the_bottom(
    history: Sequence[HistoryEntry], statements: Sequence[Statement], real: list[int]
) -> bool:
    """Whether a history that is too short describes the lowest layers, with the undescribed ones on top.

    BuildKit pads, so layers without an entry came after it. Other builders append to the base image's history, if any,
    and a history that doesn't start with a root filesystem belongs to a child image.
    """
    if not real or any(_is_buildkit(history[i], statements[i]) for i in real):
        return True
    first = statements[real[0]]
    if first.keyword in ("ADD", "COPY"):
        return first.text.rstrip().endswith(" /")
    return not first.keyword and not first.classic and not _is_added(history[real[0]])


def _is_added(entry: HistoryEntry) -> bool:
    """Whether the entry comes from a tool that puts its layers on a base image."""
    return entry.author in ("ko", "Jib") or builders.parent_of(entry) is not None


def _count_notes(
    history: Sequence[HistoryEntry], rows: Sequence[Row], layer_count: int
) -> list[Note]:
    claimed = sum(not entry.empty_layer for entry in history)
    if not history and layer_count > 0:
        return [Note("history-absent", "the image has no history")]
    names = f"the history names {count(claimed, 'layer')}, but the image has {layer_count}: "
    if claimed < layer_count:
        nameless = [row for row in rows if row.entry is None]
        first, last = nameless[0].layer, nameless[-1].layer
        which = f"layer {first} has" if first == last else f"layers {first} to {last} have"
        why = ", because the base image has no history" if nameless[0].base else ""
        return [Note("history-short", f"{names}{which} no instruction{why}")]
    if claimed > layer_count:
        surplus = claimed - max(layer_count, 0)
        claims = (
            "1 instruction that claims a layer has"
            if surplus == 1
            else f"{surplus:,} instructions that claim a layer have"
        )
        return [Note("history-long", f"{names}{claims} none")]
    return []
