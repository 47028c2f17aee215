"""What the cache keeps about a layer: its index, and other facts from reading its blob."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any, Final

from layerscope.errors import FormatError
from layerscope.image.digest import Digest
from layerscope.layers.index_bytes import from_bytes, to_bytes
from layerscope.layers.layer_index import LayerIndex
from layerscope.limits import Limits
from layerscope.notes import Note
from layerscope.records import dataclass

_COMPRESSIONS: Final = ("none", "gzip", "zstd", "xz", "bzip2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The index of a blob of `size` stored bytes, read within `limits`.

    `diff_id` is set if the tar was checked against it, and `hashed` if the index has the hash of every content. `spent`
    counts toward `Limits.extra_bytes`.
    """

    index: LayerIndex
    compression: str
    size: int
    diff_id: Digest | None
    notes: tuple[Note, ...]
    hashed: bool
    spent: int
    limits: Limits

    def fits(self, limits: Limits) -> bool:
        """Whether reading the blob would succeed within these limits too."""
        return self.limits == limits or all(
            getattr(limits, each.name) >= getattr(self.limits, each.name) for each in fields(Limits)
        )


def to_value(kept: Kept) -> bytes:
    """The value as bytes, which `from_value` reads."""
    head = {
        "compression": kept.compression,
        "diff_id": None if kept.diff_id is None else str(kept.diff_id),
        "hashed": kept.hashed,
        "limits": asdict(kept.limits),
        "notes": [[note.code, note.message] for note in kept.notes],
        "size": kept.size,
        "spent": kept.spent,
    }
    return json.dumps(head).encode("ascii") + b"\n" + to_bytes(kept.index)


def from_value(value: bytes) -> Kept | None:
    """Read what `to_value` wrote; None for anything else, even if its checksum is right."""
    head, _, data = value.partition(b"\n")
    try:
        return _parse(json.loads(head), data)
    except (ValueError, TypeError, KeyError, RecursionError, FormatError):
        return None


def _parse(head: dict[str, Any], data: bytes) -> Kept:
    if head["compression"] not in _COMPRESSIONS or type(head["hashed"]) is not bool:
        raise ValueError("an unknown compression")
    return Kept(
        index=from_bytes(data),
        compression=head["compression"],
        size=_count(head["size"]),
        diff_id=None if head["diff_id"] is None else Digest.parse(head["diff_id"]),
        notes=tuple(Note(str(code), str(message)) for code, message in head["notes"]),
        hashed=head["hashed"],
        spent=_count(head["spent"]),
        limits=Limits(**{name: _count(number) for name, number in head["limits"].items()}),
    )


def _count(number: object) -> int:
    if type(number) is not int or number < 0:
        raise ValueError("not a count")
    return number
