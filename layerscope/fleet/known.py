"""What earlier scans of a fleet found: which layers and images have rows already, and what each name referred to."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from layerscope.errors import FormatError
from layerscope.fleet.tables import SCHEMAS, same_columns
from layerscope.fleet.values import Failed

if TYPE_CHECKING:
    from layerscope.fleet.folder import FleetFolder, Head


@dataclass(slots=True)
class Known:
    """The rows of `images` by reference, and of each image by its name; the layers and contents that have rows."""

    references: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    images: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    blobs: set[tuple[str | None, str]] = field(default_factory=set)
    """The digest and the diff_id of each layer with a row in `layers`."""
    diff_ids: set[str] = field(default_factory=set)
    """Tars whose files have rows."""
    told: set[str] = field(default_factory=set)
    """Tars whose packages have been looked at, whether or not there are any."""
    failures: list[Failed] = field(default_factory=list)

    @classmethod
    def of(cls, folder: FleetFolder) -> Known:
        """Read it from the folder's tables. Raises `FormatError`."""
        known = cls()
        for row in rows(folder.path, folder.head, "images", None):
            before = known.references.get(row["reference"])
            if before is None or before["scan"] <= row["scan"]:
                known.references[row["reference"]] = row
            known.images[row["image"]] = row
        for row in rows(folder.path, folder.head, "layers", ["digest", "diff_id"]):
            known.blobs.add((row["digest"], row["diff_id"]))
            known.diff_ids.add(row["diff_id"])
        for row in rows(folder.path, folder.head, "image_layers", ["image", "diff_id"]):
            if row["image"] in known.images and row["diff_id"] is not None:
                known.told.add(row["diff_id"])
        for row in rows(folder.path, folder.head, "failures", None):
            known.failures.append(Failed(**{name: row[name] for name in _FAILED}))
        return known


_FAILED = ("reference", "target", "stage", "kind", "message", "digest")


def rows(
    path: str, head: Head, name: str, columns: list[str] | None
) -> Iterator[Mapping[str, Any]]:
    """The rows of a table, a batch at a time. Raises `FormatError` for a file without the table's columns."""
    for part in head.parts.get(name, ()):
        file = open_part(path, part, name)
        wanted = columns or [field.name for field in SCHEMAS[name]]
        try:
            for batch in file.iter_batches(batch_size=65536, columns=wanted):
                yield from batch.to_pylist()
        except (pa.ArrowException, OSError) as error:
            raise _broken(path, part, error) from None


def open_part(path: str, part: str, name: str) -> pq.ParquetFile:
    """A file of a table, checked to have its columns. Raises `FormatError`."""
    place = os.path.join(path, part)
    if os.path.islink(place) or not os.path.isfile(place):
        raise FormatError(
            f"{place} is missing or is not a regular file", hint="scan into a new folder"
        )
    try:
        file = pq.ParquetFile(place)
    except (pa.ArrowException, OSError) as error:
        raise _broken(path, part, error) from None
    if not same_columns(file.schema_arrow, name):
        raise FormatError(
            f"{place} doesn't have the columns of the table {name}", hint="scan into a new folder"
        )
    return file


def _broken(path: str, part: str, error: BaseException) -> FormatError:
    reason = " ".join(str(error).split())[:200]
    return FormatError(f"{path}/{part} is damaged: {reason}", hint="scan into a new folder")
