"""The entries of a layer as rows of the report, made when they are read: there may be a million of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from json.encoder import encode_basestring_ascii
from typing import Any, overload

from layerscope.layers.entry import (
    CHANGE_NAMES,
    HARDLINK,
    KIND_NAMES,
    SYMLINK,
    Entry,
)
from layerscope.report.paths import escape_path


class EntryRows(Sequence[dict[str, Any]]):
    """The rows of `entries`, in tar order; a sequence of dictionaries that is never held as such."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> EntryRows: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | EntryRows:
        if isinstance(index, slice):
            return EntryRows(self._entries[index])
        return _row(self._entries[index])

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(_row, self._entries)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def json_rows(self) -> Iterator[str]:
        """Each row as JSON with sorted keys, as `json.dumps` would write it."""
        quote = encode_basestring_ascii
        changes = [f'{{"change": "{name}", "gid": ' for name in CHANGE_NAMES]
        kinds = [f', "type": "{name}", "uid": ' for name in KIND_NAMES]
        for entry in self._entries:
            link = (
                f', "linkname": {quote(_link(entry))}' if entry.kind in (SYMLINK, HARDLINK) else ""
            )
            yield (
                f'{changes[entry.change]}{entry.gid}{link}, "mode": {entry.mode}, "mtime": {entry.mtime}, '
                f'"path": {quote(escape_path(entry.path))}, "size": {entry.size}{kinds[entry.kind]}{entry.uid}}}'
            )


def _row(entry: Entry) -> dict[str, Any]:
    row: dict[str, Any] = {
        "change": CHANGE_NAMES[entry.change],
        "gid": entry.gid,
        "mode": entry.mode,
        "mtime": entry.mtime,
        "path": escape_path(entry.path),
        "size": entry.size,
        "type": KIND_NAMES[entry.kind],
        "uid": entry.uid,
    }
    if entry.kind in (SYMLINK, HARDLINK):
        row["linkname"] = _link(entry)
    return row


def _link(entry: Entry) -> str:
    """A hard link names a path of the image, a symlink whatever its text is."""
    if entry.kind == HARDLINK:
        return escape_path(entry.link)
    return entry.link.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")
