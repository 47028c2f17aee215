"""An image as its engine describes it, without an export: its config and history, but no layers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from layerscope.errors import FormatError, SourceUnavailable
from layerscope.image.dialects import METADATA_KEYWORDS, DialectReader
from layerscope.image.digest import Digest
from layerscope.image.document import Node, parse_document
from layerscope.image.history import HistoryEntry
from layerscope.image.image import Image
from layerscope.image.media_type import DOCKER_LAYER
from layerscope.notes import Notes
from layerscope.records import dataclass
from layerscope.sources.assemble import Parts, assemble
from layerscope.sources.names import familiar
from layerscope.sources.source import Request
from layerscope.sources.stored import StoredLayer

Answer = Mapping[str, object]
"""What an engine says about an image: the response of its inspect."""

INSPECTED: Final = (
    "the engine described the image and was not asked to save it (--head): "
    "the manifest's digest and the compression of the layers are unknown"
)
UNSURE: Final = "the engine doesn't say which of {} instructions made the {} layers without content"
_RUN_CONFIG: Final = (
    "Env",
    "Entrypoint",
    "Cmd",
    "User",
    "WorkingDir",
    "ExposedPorts",
    "Volumes",
    "Labels",
    "StopSignal",
)


def open_inspected(
    answer: Answer,
    history: Sequence[object],
    name: str,
    tag: str | None,
    request: Request,
    source: str,
) -> Image:
    """The image from the answers of an engine's inspect and history. Its layers can't be read.

    `history` is the config's own, oldest first, or what Docker's API makes of it: newest first, with sizes in place of
    `empty_layer`. Raises `FormatError` for answers that don't describe an image.
    """
    notes = Notes()
    where = f"the engine's description of {name!r}"
    image_id = answer.get("Id")
    if not isinstance(image_id, str):
        raise FormatError(f"{where} has no ID")
    rootfs = answer.get("RootFS")
    layers = rootfs.get("Layers") if isinstance(rootfs, dict) else None
    diff_ids = layers if isinstance(layers, list) else []
    rows = [row for row in history if isinstance(row, dict)]
    if rows and not any("empty_layer" in row or "created_by" in row for row in rows):
        rows = _by_size(rows[::-1], len(diff_ids), notes)
    config = _config(answer, diff_ids, rows, where, request)
    notes.add("engine-inspected", INSPECTED)
    parts = Parts(
        place=where,
        source=source,
        tags=() if tag is None else (familiar(tag),),
        config=config,
        config_digest=Digest.parse(
            image_id if ":" in image_id else f"sha256:{image_id}", "the image's ID"
        ),
        layers=[
            StoredLayer(
                digest=None,
                media_type=DOCKER_LAYER,
                size=0,
                blob=Unread(f"{where}: layer {index}", index),
            )
            for index in range(len(diff_ids))
        ],
    )
    return assemble(parts, request, notes, ())


def _config(
    answer: Answer,
    diff_ids: Sequence[object],
    history: Sequence[Mapping[str, object]],
    where: str,
    request: Request,
) -> Node:
    """The config document, as far as the engine repeats it."""
    run = answer.get("Config")
    document = {
        "architecture": answer.get("Architecture") or "",
        "os": answer.get("Os") or "",
        "created": answer.get("Created") or None,
        "config": {key: run.get(key) for key in _RUN_CONFIG} if isinstance(run, dict) else {},
        "rootfs": {"type": "layers", "diff_ids": list(diff_ids)},
        "history": list(history),
    }
    if answer.get("Variant"):
        document["variant"] = answer["Variant"]
    return parse_document(
        json.dumps(document).encode(),
        f"{where}: the config",
        max_bytes=request.limits.bound("config_bytes"),
        max_depth=request.limits.json_depth,
    )


def _by_size(
    rows: Sequence[Mapping[str, object]], layers: int, notes: Notes
) -> list[dict[str, object]]:
    """The history of Docker's API, oldest first, with `empty_layer`.

    A row with bytes made a layer. One without made an empty layer or none: which of both follows from its instruction if
    the number of layers fits, and otherwise a note says so.
    """
    reader = DialectReader()
    made = [_stores(row) for row in rows]
    entries = [
        HistoryEntry(created_by=_text(row, "CreatedBy"), comment=_text(row, "Comment"))
        for row in rows
    ]
    missing = layers - sum(made)
    if missing > 0:
        may = [
            number
            for number, entry in enumerate(entries)
            if not made[number] and reader.read(entry).keyword not in METADATA_KEYWORDS
        ]
        if len(may) != missing:
            notes.add("history-unsure", UNSURE.format(len(may), missing))
        else:
            for number in may:
                made[number] = True
    return [
        {"created_by": entry.created_by, "comment": entry.comment, "empty_layer": not stores}
        for entry, stores in zip(entries, made, strict=True)
    ]


def _stores(row: Mapping[str, object]) -> bool:
    size = row.get("Size")
    return isinstance(size, int) and size > 0


def _text(row: Mapping[str, object], key: str) -> str:
    value = row.get(key)
    return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Unread:
    """A layer that the engine keeps to itself. Nothing reads it, because only the head of the image was wanted."""

    name: str
    number: int

    @property
    def size(self) -> int:
        return 0

    @property
    def key(self) -> tuple[int, int, int]:
        return id(Unread), self.number, 0

    @property
    def closed(self) -> bool:
        return False

    def check_unchanged(self) -> None:
        """Nothing was read."""

    def read_at(self, position: int, count: int) -> bytes:
        """Raises `SourceUnavailable`."""
        raise SourceUnavailable(f"{self.name} was not saved", hint="leave --head out")
