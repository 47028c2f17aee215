"""The final filesystem from the entries of a saved report, by the same replay as for an image's layers."""

from __future__ import annotations

import binascii
import json
import re
from array import array
from base64 import b64decode
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from layerscope.analysis.model import Files
from layerscope.errors import LimitExceeded, UsageError
from layerscope.filesystem.tree import FileTree
from layerscope.layers.budget import ATTRIBUTE_BYTES, Budget
from layerscope.layers.content_hash import HASH_BYTES
from layerscope.layers.entry import (
    DIRECTORY,
    FILE,
    HARDLINK,
    KIND_NAMES,
    METADATA,
    OPAQUE,
    SYMLINK,
    Extra,
    Member,
)
from layerscope.layers.layer_index import Columns, LayerIndex
from layerscope.layers.names import clean
from layerscope.limits import Limits
from layerscope.notes import Notes
from layerscope.report.paths import unescape_path
from layerscope.report.saved.fields import HINT, Fields
from layerscope.report.saved.plain import NOWHERE, plain_entry
from layerscope.report.saved.saved_rows import SavedRows

_KINDS = {name: kind for kind, name in enumerate(KIND_NAMES[:METADATA])}
_ODD = (b"//", b"/./", b"/../")
_LARGEST = 2**63 - 1
_OLD_HASH_BYTES = 16
_LONG = 256
"""No longer name fits into the header of a tar."""


class EntryReader:
    """Turns rows into indexes, layer by layer. All layers together stay within the limits of an image."""

    def __init__(self, report: str, limits: Limits) -> None:
        self._report = report
        self._limits = limits
        self._budget = Budget(
            limits.extra_bytes, "extra_bytes", f"{report}: long names, links, and attributes"
        )
        self._count = 0

    def read(self, rows: Iterable[Any], layer: str) -> LayerIndex:
        """The index of the rows of a layer. Raises `UsageError` for one that makes no sense, and `LimitExceeded`."""
        columns = Columns()
        costs: array[int] | None = array("q")
        for position, row in enumerate(rows):
            if self._count >= self._limits.members:
                self._exceed(f"has over {self._limits.members} entries", "members")
            self._count += 1
            try:
                member, cost = self._entry(row)
            except (KeyError, TypeError, ValueError, UsageError) as error:
                problem = f"has no {error}" if isinstance(error, KeyError) else str(error)
                place = f"{self._report}: {layer} entries[{position}]"
                raise UsageError(f"{place}: {problem}", hint=HINT) from None
            if cost is None:
                costs = None
            elif costs is not None:
                costs.append(cost)
            if member.extra is not None or len(member.path) + len(member.link) > _LONG:
                self._keep(member)
            columns.add(member)
        return columns.index(None, 0, (), costs)

    @staticmethod
    def _entry(row: Any) -> tuple[Member, int | None]:
        if isinstance(row, re.Match):
            found = plain_entry(row)
            if found is not None:
                return found
            row = json.loads(row[0])
        return _member(row), _cost(row)

    def _keep(self, member: Member) -> None:
        """Count what a tar has in extension headers."""
        longest = max(len(member.path), len(member.link))
        if longest > self._limits.path_bytes:
            self._exceed(
                f"has a name of {longest} bytes, over the {self._limits.path_bytes} allowed",
                "path_bytes",
            )
        kept = 2 * len(member.path) + len(member.link)
        for key, value in member.xattrs:
            kept += ATTRIBUTE_BYTES + len(key) + len(value)
        self._budget.spend(kept)

    def _exceed(self, problem: str, limit: str) -> NoReturn:
        raise LimitExceeded(f"{self._report} {problem}", limit=limit)


def read_files(layers: Sequence[Fields], report: str, live: int, limits: Limits) -> Files:
    """The filesystem of all entries. Raises `UsageError` if it doesn't have exactly `live` live bytes."""
    tree = FileTree(Notes(), limits)
    for layer in layers:
        rows = layer.values["entries"]
        if not isinstance(rows, SavedRows):
            layer.fail("entries is not a list")
        tree.apply(rows.columns)
    found = sum(layer.columns.sizes[each] for layer in tree.layers for each in layer.live())
    if found != live:
        raise UsageError(
            f"{report}: the entries have {found} live bytes, but sizes.live is {live}", hint=HINT
        )
    return Files(tree=tree, indexes=(None,) * len(layers))


def _cost(row: dict[str, Any]) -> int | None:
    cost = row.get("compressed")
    if cost is not None and (type(cost) is not int or not 0 <= cost <= _LARGEST):
        raise ValueError(f"{cost!r:.40} is not a number of compressed bytes")
    return cost


def _member(row: Any) -> Member:
    """One entry. Raises `KeyError`, `TypeError`, `ValueError`, or `UsageError` for a row that no report contains."""
    if not isinstance(row, dict):
        raise TypeError("is not an object")
    kind = METADATA if row.get("metadata") is True else _kind(row["type"])
    path = row["path"]
    cleaned = _path(path)
    if not cleaned and kind not in (DIRECTORY, OPAQUE, METADATA):
        raise ValueError(f"the root is not a {row['type']}")
    size, mode, uid, gid, mtime = row["size"], row["mode"], row["uid"], row["gid"], row["mtime"]
    for number in (size, mode, uid, gid):
        if type(number) is not int or not -_LARGEST <= number <= _LARGEST:
            raise ValueError(f"{number!r:.40} is not a whole number")
    if size < 0 or (size and kind not in (FILE, METADATA)):
        raise ValueError(f"{size} is not a valid size for a {row['type']}")
    if type(mtime) not in (int, float) or not -_LARGEST <= mtime <= _LARGEST:
        raise ValueError(f"{mtime!r:.40} is not a time")
    link = _link(row["linkname"]) if kind in (SYMLINK, HARDLINK) else b""
    member = Member(cleaned, kind, size, NOWHERE, (mode, uid, gid), int(mtime), link)
    if "content_hash" in row:
        member.fingerprint = _content_hash(row["content_hash"])
    if "xattrs" in row or "device" in row or "logical_size" in row:
        member.extra = Extra(
            _xattrs(row.get("xattrs") or {}), _device(row.get("device")), _logical_size(row)
        )
    return member


def _content_hash(text: str) -> bytes | None:
    """The hash of a content; None for the XXH3 of an older report, which no other hash can be compared with."""
    mark = bytes.fromhex(text)
    if len(mark) == _OLD_HASH_BYTES:
        return None
    if len(mark) != HASH_BYTES:
        raise ValueError(f"{text[:80]!r} is not a content_hash")
    return mark


def _logical_size(row: dict[str, Any]) -> int | None:
    """The size of a sparse file with its holes. None for any other file."""
    size = row.get("logical_size")
    if size is None:
        return None
    if row["type"] != "file" or type(size) is not int or not 0 <= size <= _LARGEST:
        raise ValueError(f"{size!r:.40} is not a logical size of a {row['type']}")
    return size


def _kind(name: Any) -> int:
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ValueError(f"{name!r:.40} is not a type of entry")
    return kind


def _link(target: Any) -> bytes:
    if not isinstance(target, str):
        raise TypeError("linkname is not text")
    return unescape_path(target)


def _path(text: Any) -> bytes:
    """The clean path for an absolute path of the report."""
    if not isinstance(text, str) or not text.startswith("/"):
        raise ValueError(f"{text!r:.80} is not an absolute path")
    path = text.encode() if "\\" not in text else unescape_path(text)
    if path.endswith((b"/", b"/.", b"/..")) or any(odd in path for odd in _ODD):
        path = b"/" + clean(path)[0]
    return path[1:]


def _xattrs(values: Any) -> tuple[tuple[bytes, bytes], ...]:
    try:
        return tuple(
            sorted(
                (unescape_path(name), b64decode(value, validate=True))
                for name, value in values.items()
            )
        )
    except (AttributeError, binascii.Error):
        raise ValueError("xattrs are not a map to base64") from None


def _device(numbers: Any) -> tuple[int, int] | None:
    if numbers is None:
        return None
    if (
        not isinstance(numbers, list)
        or len(numbers) != 2
        or not all(type(n) is int and 0 <= n <= _LARGEST for n in numbers)
    ):
        raise ValueError("device is not a pair of numbers")
    return numbers[0], numbers[1]
