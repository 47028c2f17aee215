"""Fetches the package databases of a layer that is indexed by its table of contents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.layers.documents import DocumentKeeper, candidates
from layerscope.layers.entry import FILE
from layerscope.layers.lazy.inside import Inside, look_inside
from layerscope.layers.lazy.spans import contents_of, few_spans, is_sparse
from layerscope.packages.databases import (
    DEVELOPMENT,
    is_database_file,
    unit_of,
)
from layerscope.packages.documents import MOST_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from layerscope.image.blob import StoredBlob
    from layerscope.layers.budget import Budget
    from layerscope.layers.layer_index import Columns
    from layerscope.layers.lazy.table import Chunks
    from layerscope.limits import Limits
    from layerscope.packages.package import PackageType


def keep_databases(
    blob: StoredBlob,
    compression: str,
    columns: Columns,
    chunks: Chunks,
    *,
    limits: Limits,
    budget: Budget | None,
) -> frozenset[PackageType]:
    """Keep what a layer says about packages in `columns`. Returns the types of packages that it may have besides.

    Of programs and archives, only the parts about packages are fetched; see `look_inside`. If all databases together take
    more than `limits.database_bytes` of the blob, none is fetched. Raises `NoPartsError`,
    `SourceUnavailable`, `FormatError` or `DigestMismatch` if a database isn't what the table says, and `LimitExceeded`.
    """
    wanted, inside = _wanted(columns)
    spans = few_spans(columns, chunks, wanted)
    taken = sum(span.end - span.start for span in spans)
    if taken > limits.database_bytes:
        return frozenset(_types(columns, wanted) | inside.types)
    keeper = DocumentKeeper(columns, budget)
    unread: set[PackageType] = set()
    for position, data in contents_of(blob, compression, columns, chunks, spans, limits):
        if data is None:
            unread.update(_types(columns, (position,)))
        else:
            keeper.keep(columns.data[position], data)
    unread |= look_inside(
        blob, compression, columns, chunks, inside, keeper, limits=limits, taken=taken
    )
    return frozenset(unread)


def _wanted(columns: Columns) -> tuple[list[int], Inside]:
    """The positions of the databases, and those of other files that may say something about packages."""
    wanted: list[int] = []
    inside = Inside()
    for position in candidates(columns):
        size = columns.sizes[position]
        if columns.kinds[position] != FILE or not 0 < size <= MOST_BYTES:
            continue
        path = columns.path(position)
        if is_database_file(path) or path.endswith(DEVELOPMENT):
            wanted.append(position)
        elif not is_sparse(columns, position):
            inside.add(position, path, columns.owner_table[columns.owners[position]][0], size)
    return wanted, inside


def _types(columns: Columns, positions: Iterable[int]) -> set[PackageType]:
    """The types of packages that some database files list."""
    units = (unit_of(columns.path(position)) for position in positions)
    return {each for unit in units if unit is not None for each in unit[0].types}
