"""Indexes a layer using only its table of contents."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial

from layerscope.errors import LimitExceeded
from layerscope.image.blob import StoredBlob
from layerscope.image.digest import Digest
from layerscope.image.image import Layer
from layerscope.layers.budget import Budget
from layerscope.layers.entry import FILE, METADATA, Member
from layerscope.layers.layer_index import Columns
from layerscope.layers.lazy.blob import TableBlob
from layerscope.layers.lazy.costs import NOBODY, TableCosts
from layerscope.layers.lazy.databases import keep_databases
from layerscope.layers.lazy.located import Located, UnusableError, locate
from layerscope.layers.lazy.part import NoPartsError
from layerscope.layers.lazy.table import Chunks, read_members
from layerscope.layers.reader import StoredLayer, anywhere
from layerscope.layers.remainder import ESTARGZ_TOC
from layerscope.layers.settling import settling
from layerscope.limits import Limits
from layerscope.notes import Note, Notes
from layerscope.packages.package import PackageType

UNVERIFIED = "only its table of contents was read, so its files were not checked against a digest"
SIZELESS = "; the size of its tar is unknown"
COSTLESS = "; what its files take of the download is unknown"
SHARED = "; files that share a compressed part of the layer divide it by their sizes"
UNREAD = "packages of these types were not looked for (--lazy): {}"
NOTHING_UNREAD: frozenset[PackageType] = frozenset()
_OWNER = (0, 0, 0)
_LANDMARK = hashlib.sha256(b"\x0f").digest()


def lazily(
    layer: Layer, blob: StoredBlob, *, limits: Limits, budget: Budget | None, packages: bool
) -> StoredLayer | Note:
    """The layer from its table of contents, or a note that says why it must be read in full.

    Raises `DigestMismatch` and `LimitExceeded` as `index_by_table` does.
    """
    try:
        return index_by_table(
            blob,
            dict(layer.annotations),
            diff_id=layer.diff_id,
            limits=limits,
            budget=budget,
            packages=packages,
        )
    except UnusableError as error:
        reason = str(error)
    except NoPartsError:
        reason = "the registry doesn't send parts of blobs"
    return Note("read-in-full", f"read in full despite --lazy: {reason}")


def index_by_table(
    blob: StoredBlob,
    annotations: Mapping[str, str],
    *,
    diff_id: Digest | None,
    limits: Limits,
    budget: Budget | None = None,
    packages: bool = False,
) -> StoredLayer:
    """Index a layer without reading its contents, which are fetched by chunk when needed; `packages` fetches databases.

    The numbers are those of a full reading, except for the size of the tar if that's unknown. Raises `UnusableError` and
    `NoPartsError` if the layer must be read in full, `DigestMismatch` if the table is not the one that the manifest
    names, and `LimitExceeded`.
    """
    found = locate(blob, annotations, limits)
    notes = Notes()
    columns, chunks, shares = Columns(), Chunks(found.end), TableCosts()
    landmarks: list[int] = []
    settle = settling(columns, landmarks, partial(_note, notes))
    try:
        for member in read_members(found.data, chunks, found.end, limits, budget):
            kept = settle(member)
            shares.add(len(columns) if kept else NOBODY, chunks)
            if kept:
                columns.add(member)
    except LimitExceeded as error:
        raise LimitExceeded(f"{blob.name}: {error.message}", hint=error.hint) from None
    _check_total(found, chunks.total)
    contents = TableBlob(blob, found.compression, chunks, limits)
    if _set_apart(columns, landmarks, contents, chunks) and found.is_member:
        # Writers that leave no landmark (BuildKit) keep the end marker in front of the table.
        columns.add(Member(ESTARGZ_TOC, METADATA, len(found.data), chunks.total, _OWNER, 0))
    costs = shares.compute(len(columns), chunks, found.end)
    if costs and columns.last_path() == ESTARGZ_TOC and columns.kinds[-1] == METADATA:
        costs[-1] = found.taken
    keep = partial(keep_databases, limits=limits, budget=budget)
    unread = keep(blob, found.compression, columns, chunks) if packages else NOTHING_UNREAD
    return StoredLayer(
        blob=contents,
        index=columns.index(diff_id, found.tar_size, anywhere(notes), costs),
        compression=found.compression,
        compressed_size=blob.size,
        verified=False,
        own_notes=_remarks(found, costs is not None, shares.shares, unread),
        by_table=True,
        unread=unread,
    )


def _note(notes: Notes, code: str, message: str, path: bytes | None) -> None:
    notes.add(code, message, layer=0, path=path)


def _check_total(found: Located, total: int) -> None:
    """Raise `UnusableError` if the tar is known to store other bytes than the table says."""
    if found.stored is not None and found.stored != total:
        raise UnusableError(
            f"its table of contents has {total} bytes of content, and its tar {found.stored}"
        )


def _remarks(
    found: Located, has_costs: bool, shared: bool, unread: frozenset[PackageType]
) -> tuple[Note, ...]:
    """What reading the table alone leaves open."""
    own = Notes()
    lacking = (SIZELESS if found.tar_size is None else "") + (
        ("" if not shared else SHARED) if has_costs else COSTLESS
    )
    own.add("read-by-table", UNVERIFIED + lacking)
    if unread:
        own.add("packages-not-read", UNREAD.format(", ".join(sorted(unread))))
    return tuple(own)


def _set_apart(columns: Columns, landmarks: list[int], contents: TableBlob, chunks: Chunks) -> bool:
    """Mark the landmarks, which are not files of the image. Returns whether there were any."""
    found = [
        position
        for position in landmarks
        if columns.kinds[position] == FILE
        and _is_landmark(contents, chunks, columns.data[position])
    ]
    for position in found:
        columns.kinds[position] = METADATA
    return bool(found)


def _is_landmark(contents: TableBlob, chunks: Chunks, position: int) -> bool:
    digest = chunks.at(position).digest
    return contents.read_at(position, 1) == b"\x0f" if digest is None else digest == _LANDMARK
