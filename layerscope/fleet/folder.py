"""The folder of a fleet: `fleet.json` names the Parquet files that make each table, and is replaced as a whole.

A file counts once `fleet.json` names it, so a killed scan leaves either all rows of a commit or none. One process writes at
a time, behind a lock. A folder may come from someone else, so everything in it is checked before it is used.
"""

from __future__ import annotations

import json
import os
import re
import socket
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from typing import Final

import layerscope
from layerscope.errors import FormatError, ImageNotFound, OutputError
from layerscope.fleet.tables import OF_IMAGE, SCHEMA_VERSION, SCHEMAS
from layerscope.newfile import new_file
from layerscope.system.flags import NO_LINK, NO_WAIT, READ, UPDATE
from layerscope.system.folder import Folder
from layerscope.system.locks import try_lock
from layerscope.system.positions import write_at

HEAD: Final = "fleet.json"
LOCK: Final = "lock"
_HEAD_BYTES: Final = 64 * 1024 * 1024
_MOST_PARTS: Final = 100_000
_PART: Final = re.compile(r"[a-z_]{1,40}/[0-9a-f]{8}-[0-9a-f]{16}\.parquet", re.ASCII)
_KIND: Final = "layerscope fleet"
ROLLED_UP: Final = ("images", "image_packages", "files", "contents")
"""The tables that the rollups sum up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentSums:
    """`contents` summed up: different contents, those with several copies, all copies, and the bytes of each once and of all."""

    contents: int
    repeated: int
    copies: int
    once: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What `fleet.json` says: the files of each table, the number of the last scan, and of the last commit."""

    parts: Mapping[str, tuple[str, ...]]
    scan: int = 0
    commit: int = 0
    complete: bool = False
    """Whether the last scan came to its end."""
    sums: ContentSums | None = None
    """Known if `contents` has one row per hash over all of its files."""
    tidy: bool = False
    """Whether each name has one row, and no table has rows of images without a name."""
    rolled: bool = False
    """Whether the rollups are those of the other tables."""


def read_head(path: str) -> Head:
    """The head of the fleet in a folder. Raises `ImageNotFound` and `FormatError`."""
    name = os.path.join(path, HEAD)
    try:
        fd = os.open(name, READ | NO_LINK | NO_WAIT)
    except (FileNotFoundError, NotADirectoryError):
        raise ImageNotFound(
            f"{path} is not a fleet: it has no {HEAD}",
            hint=f"make one with `layerscope fleet scan TARGET --out {path}`",
        ) from None
    except OSError as error:
        raise FormatError(f"{name} cannot be read: {error.strerror}") from None
    with open(fd, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_size > _HEAD_BYTES:
            raise FormatError(f"{name} is not a regular file of at most {_HEAD_BYTES} bytes")
        data = file.read(_HEAD_BYTES)
    return _parse(data, name)


def _parse(data: bytes, name: str) -> Head:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise FormatError(f"{name} is not JSON") from None
    if not isinstance(value, dict) or value.get("kind") != _KIND:
        raise FormatError(f"{name} is not the head of a fleet")
    if value.get("schema_version") != SCHEMA_VERSION:
        raise FormatError(
            f"{name} has schema version {str(value.get('schema_version'))[:20]}, and this layerscope reads {SCHEMA_VERSION}",
            hint="scan into a new folder",
        )
    tables = value.get("tables")
    if not isinstance(tables, dict):
        raise FormatError(f"{name} names no tables")
    parts: dict[str, tuple[str, ...]] = {}
    for table in SCHEMAS:
        files = tables.get(table, [])
        if not isinstance(files, list) or len(files) > _MOST_PARTS:
            raise FormatError(f"{name}: the table {table} is not a list of files")
        for each in files:
            if not isinstance(each, str) or _PART.fullmatch(each) is None:
                raise FormatError(f"{name}: {str(each)[:80]!r} is not the name of a file")
            if not each.startswith(f"{table}/"):
                raise FormatError(f"{name}: {each} is not a file of the table {table}")
        parts[table] = tuple(files)
    numbers = [value.get(key, 0) for key in ("scan", "commit")]
    if any(type(number) is not int or not 0 <= number < 1 << 31 for number in numbers):
        raise FormatError(f"{name}: the number of a scan is not a number")
    return Head(
        parts=parts,
        scan=numbers[0],
        commit=numbers[1],
        complete=value.get("complete") is True,
        sums=_sums(value.get("contents"), name),
        tidy=value.get("tidy") is True,
        rolled=value.get("rolled") is True,
    )


def _sums(value: object, name: str) -> ContentSums | None:
    if value is None:
        return None
    numbers: dict[str, int] = {}
    for each in fields(ContentSums):
        number = value.get(each.name) if isinstance(value, dict) else None
        if type(number) is not int or not 0 <= number < 1 << 63:
            raise FormatError(f"{name}: the sums of the contents are not numbers")
        numbers[each.name] = number
    return ContentSums(**numbers)


class FleetFolder:
    """A fleet's folder, open for writing. Use `locked`."""

    def __init__(self, path: str, folder: Folder, head: Head) -> None:
        self.path = path
        self.head = head
        self._folder = folder

    def new_part(self, table: str) -> str:
        """A name for a new file of a table, unused so far."""
        return f"{table}/{self.head.commit + 1:08x}-{os.urandom(8).hex()}.parquet"

    def full(self, part: str) -> str:
        """The path of a file."""
        return os.path.join(self.path, part)

    def commit(
        self,
        parts: Mapping[str, tuple[str, ...]],
        *,
        scan: int | None = None,
        complete: bool = False,
        sums: ContentSums | None = None,
        tidy: bool = False,
        rolled: bool = False,
    ) -> None:
        """Make these files the tables, at once. Files that no table needs any more are removed.

        What is known of the tables, `sums`, `tidy`, and `rolled`, stays true while their files stay the same.
        """
        changed = {name for name in parts if parts[name] != self.head.parts.get(name, ())}
        head = Head(
            parts={**self.head.parts, **parts},
            scan=self.head.scan if scan is None else scan,
            commit=self.head.commit + 1,
            complete=complete,
            sums=self.head.sums if sums is None and "contents" not in changed else sums,
            tidy=tidy or (self.head.tidy and changed.isdisjoint(("images", *OF_IMAGE))),
            rolled=rolled or (self.head.rolled and changed.isdisjoint(ROLLED_UP)),
        )
        before = {each for files in self.head.parts.values() for each in files}
        self._write(head)
        self.head = head
        for each in before - {each for files in head.parts.values() for each in files}:
            with suppress(OSError):
                os.unlink(self.full(each))

    def _write(self, head: Head) -> None:
        document = {
            "commit": head.commit,
            "complete": head.complete,
            "contents": None if head.sums is None else asdict(head.sums),
            "kind": _KIND,
            "layerscope": layerscope.__version__,
            "rolled": head.rolled,
            "scan": head.scan,
            "schema_version": SCHEMA_VERSION,
            "tables": {name: list(head.parts.get(name, ())) for name in SCHEMAS},
            "tidy": head.tidy,
        }
        data = (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()
        try:
            with new_file(self._folder, HEAD, mode=0o644, replace=True) as fd:
                write_at(fd, data, 0)
                os.fsync(fd)
        except OSError as error:
            raise OutputError(f"{self.path}: {HEAD} cannot be written: {error.strerror}") from None

    def sweep(self) -> None:
        """Remove files that a killed scan left and no table has."""
        named = {each for files in self.head.parts.values() for each in files}
        for table in SCHEMAS:
            folder = os.path.join(self.path, table)
            with suppress(FileNotFoundError):
                for name in os.listdir(folder):
                    part = f"{table}/{name}"
                    if part not in named and (_PART.fullmatch(part) or name.startswith(".")):
                        with suppress(OSError):
                            os.unlink(os.path.join(folder, name))


@contextmanager
def locked(path: str) -> Iterator[FleetFolder]:
    """The folder, made if it doesn't exist, for this process alone.

    Raises `OutputError` if another scan writes it or if it can't be written, and `FormatError`.
    """
    try:
        os.makedirs(path, exist_ok=True)
        folder = Folder.at(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be made a folder: {error.strerror}") from None
    try:
        lock = _lock(folder, path)
        try:
            try:
                head = read_head(path)
            except ImageNotFound:
                _check_empty(path)
                head = Head(parts=dict.fromkeys(SCHEMAS, ()))
            fleet = FleetFolder(path, folder, head)
            for table in SCHEMAS:
                os.makedirs(os.path.join(path, table), exist_ok=True)
            fleet.sweep()
            yield fleet
        finally:
            os.close(lock)
    finally:
        folder.close()


def _check_empty(path: str) -> None:
    """Raise `OutputError` for a folder with something else in it."""
    others = set(os.listdir(path)) - {LOCK, "indexes", *SCHEMAS}
    if others:
        raise OutputError(
            f"{path} is not a fleet, and has other files in it, such as {min(others)!r}",
            hint="name a new folder with --out",
        )


def _lock(folder: Folder, path: str) -> int:
    try:
        fd = folder.open(LOCK, UPDATE, 0o644)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from None
    if not try_lock(fd):
        owner = os.read(fd, 200).decode("utf-8", "replace").strip()
        os.close(fd)
        raise OutputError(
            f"another scan writes {path}" + (f" ({owner})" if owner else ""),
            hint="wait until it ends, or name another folder with --out",
        ) from None
    os.ftruncate(fd, 0)
    os.write(fd, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
    return fd
