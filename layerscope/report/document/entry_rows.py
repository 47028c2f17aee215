"""The entries of a layer as rows of the report. They are created lazily, since there may be a million of them."""

from __future__ import annotations

from abc import abstractmethod
from base64 import b64encode
from collections.abc import Iterator, Sequence
from json.encoder import JSONEncoder, encode_basestring_ascii
from typing import TYPE_CHECKING, overload

from layerscope.analysis.content_hashes import content_hash
from layerscope.filesystem.entry import Entry
from layerscope.layers.entry import CHANGE_NAMES, HARDLINK, KIND_NAMES, METADATA, SYMLINK
from layerscope.report.paths import escape_path, escape_text

if TYPE_CHECKING:
    from layerscope.report.document.rows import EntryRow, LayerRow


class JsonRows(Sequence["EntryRow"]):
    """The rows of `entries`: a sequence of dictionaries that are never all in memory."""

    __slots__ = ()

    @abstractmethod
    def json_rows(self) -> Iterator[str]:
        """Each row as JSON with sorted keys, as `json.dumps` would write it."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


class EntryRows(JsonRows):
    """The rows of the entries of a layer, in tar order."""

    __slots__ = ("_entries", "_hashes")

    def __init__(self, entries: Sequence[Entry], *, hashes: bool = False) -> None:
        self._entries = entries
        self._hashes = hashes

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> EntryRow: ...
    @overload
    def __getitem__(self, index: slice) -> EntryRows: ...
    def __getitem__(self, index: int | slice) -> EntryRow | EntryRows:
        if isinstance(index, slice):
            return EntryRows(self._entries[index], hashes=self._hashes)
        return _row(self._entries[index], self._hashes)

    def __iter__(self) -> Iterator[EntryRow]:
        return (_row(entry, self._hashes) for entry in self._entries)

    def json_rows(self) -> Iterator[str]:
        quote = encode_basestring_ascii
        changes = [f'{{"change": "{name}", ' for name in CHANGE_NAMES]
        kinds = [f', "type": "{name}", "uid": ' for name in KIND_NAMES]
        hashes = self._hashes
        for entry in self._entries:
            kind = entry.kind
            if entry.extra is not None or entry.led or kind == METADATA:
                yield _encode(_row(entry, hashes))
                continue
            mark = entry.fingerprint if hashes and entry.names > 0 else None
            known = f'"content_hash": "{mark.hex()}", ' if mark is not None else ""
            link = f', "linkname": {quote(_link(entry))}' if kind in (SYMLINK, HARDLINK) else ""
            cost = entry.compressed
            yield (
                f'{changes[entry.change]}"compressed": {"null" if cost is None else cost}, {known}"gid": {entry.gid}{link}, '
                f'"mode": {entry.mode}, "mtime": {entry.mtime}, '
                f'"path": {quote(escape_path(entry.path))}, "size": {entry.size}{kinds[kind]}{entry.uid}}}'
            )


_encode = JSONEncoder(allow_nan=False, sort_keys=True).encode


def _row(entry: Entry, hashes: bool) -> EntryRow:
    row: EntryRow = {
        "change": CHANGE_NAMES[entry.change],
        "compressed": entry.compressed,
        "gid": entry.gid,
        "mode": entry.mode,
        "mtime": entry.mtime,
        "path": escape_path(entry.stored_path),
        "size": entry.size,
        "type": KIND_NAMES[entry.kind],
        "uid": entry.uid,
    }
    if entry.kind in (SYMLINK, HARDLINK):
        row["linkname"] = _link(entry)
    if entry.kind == METADATA:
        row["metadata"] = True
    if hashes and entry.names > 0:
        mark = content_hash(entry)
        if mark is not None:
            row["content_hash"] = mark.hex()
    if entry.extra is not None:
        if entry.extra.device is not None:
            row["device"] = list(entry.extra.device)
        if entry.logical_size != entry.size:
            row["logical_size"] = entry.logical_size
        if entry.extra.xattrs:
            row["xattrs"] = {
                escape_text(name): b64encode(value).decode("ascii")
                for name, value in entry.extra.xattrs
            }
    return row


def _link(entry: Entry) -> str:
    """The link's target: for a hard link a path in the image, for a symlink its literal text."""
    return escape_path(entry.link) if entry.kind == HARDLINK else escape_text(entry.link)


def without_entries(row: LayerRow) -> LayerRow:
    """The row of a layer without its entries."""
    bare = row.copy()
    bare.pop("entries", None)
    return bare
