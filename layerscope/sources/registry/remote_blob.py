"""A blob that is fetched while it's read. Reading forward keeps nothing; reading back spools it into an unnamed file."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Final

from layerscope.errors import DigestMismatch, FormatError, SourceUnavailable
from layerscope.image.digest import Digest
from layerscope.layers.lazy.part import NoPartsError
from layerscope.progress import stop_if
from layerscope.sources.registry.client import TRIES, Client, reason
from layerscope.sources.registry.spools import Spools
from layerscope.sources.temporary import no_room, temporary_file, write_all
from layerscope.system.positions import pread

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

WINDOW: Final = 512 * 1024
"""Bytes to fetch at a time. The last piece is kept, so you can read its beginning again."""
_PROGRESS: Final = 64 * 1024
"""After this many bytes, an earlier cut no longer counts as a failed try."""
SLOWEST = 1024
"""The slowest acceptable speed in bytes per second, measured over `PATIENCE` seconds."""
PATIENCE = 60.0


class RemoteBlob:
    """A blob of `size` bytes in a registry, read like a blob in a file.

    If the connection is cut, it is resumed with a Range request. Raises `SourceUnavailable` if the host keeps failing,
    `FormatError` if it sends another length, and `DigestMismatch` if a spooled blob has other bytes.
    """

    def __init__(
        self, client: Client, digest: Digest, size: int, name: str, spools: Spools
    ) -> None:
        self.digest = digest
        self.size = size
        self.name = name
        self._client = client
        self._spools = spools
        self._lock = threading.RLock()
        self._response: BaseHTTPResponse | None = None
        self._start = 0
        self._window = b""
        self._spooled: int | None = None
        self._closed = False
        self._began = time.monotonic()
        self._fetched = 0

    def read_at(self, position: int, count: int) -> bytes:
        """`count` bytes from `position`, fewer only at the end."""
        count = min(count, self.size - position)
        if count <= 0:
            return b""
        with self._lock:
            if self._spooled is None and position < self._start:
                self._spool()
            if self._spooled is not None:
                self._spools.used(self)
                return pread(self._spooled, count, position)
            parts: list[bytes] = []
            while count > 0:
                offset = position - self._start
                if offset >= len(self._window):
                    self._advance()
                    continue
                part = self._window[offset : offset + count]
                parts.append(part)
                position += len(part)
                count -= len(part)
            return parts[0] if len(parts) == 1 else b"".join(parts)

    def read_part(self, position: int, count: int) -> bytes:
        """Exactly `count` bytes from `position`, in a request of their own that disturbs no reading forward.

        Raises `NoPartsError` if the host sends the whole blob instead, `FormatError` for other bytes than were asked
        for, and `SourceUnavailable`.
        """
        import urllib3

        parts: list[bytes] = []
        attempt = 0
        while count > 0:
            stop_if(self._client.cancelled)
            problem = "the connection was cut"
            response = self._open_part(position, count)
            came = 0
            try:
                while came < count and (part := response.read1(count - came)):
                    parts.append(part)
                    came += len(part)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                problem = reason(error)
            (response.release_conn if came == count else response.close)()
            position += came
            count -= came
            if came >= _PROGRESS:
                attempt = 0
            if count:
                attempt += 1
                if attempt == TRIES:
                    raise SourceUnavailable(
                        f"{self.name} broke off at byte {position}: {problem}",
                        hint="try again later",
                    )
                self._client.wait(attempt - 1, None)
        return b"".join(parts)

    def _open_part(self, position: int, count: int) -> BaseHTTPResponse:
        headers = {"Accept": "*/*", "Range": f"bytes={position}-{position + count - 1}"}
        response = self._client.get(f"blobs/{self.digest}", headers)
        if response.status != 206:
            response.close()
            raise NoPartsError
        announced = response.headers.get("Content-Range", "")
        if announced.partition("/")[0] != f"bytes {position}-{position + count - 1}":
            response.close()
            raise FormatError(
                f"{self.name}: bytes {position} to {position + count - 1} were asked for, and"
                f" {announced[:60]!r} came back"
            )
        return response

    def head(self, count: int) -> bytes:
        """At most `count` bytes from the beginning, without the rest if the host can send them alone."""
        count = min(count, self.size)
        with self._lock:
            has_them = not self._start and len(self._window) >= count
        if has_them or self._spooled is not None:
            return self.read_at(0, count)
        try:
            return self.read_part(0, count)
        except NoPartsError:
            return self.read_at(0, count)

    @property
    def key(self) -> tuple[int, int, int]:
        """Equal only for the same object. A store creates one per digest."""
        return id(self), 0, self.size

    @property
    def closed(self) -> bool:
        return self._closed

    def check_unchanged(self) -> None:
        """Does nothing: the digest is checked instead."""

    def forget(self) -> bool:
        """Give up the hidden copy, which is made again when it is needed. False if a thread reads it."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            if self._spooled is not None:
                os.close(self._spooled)
                self._spooled = None
                self._start = self.size
            return True
        finally:
            self._lock.release()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._response is not None:
                self._response.close()
                self._response = None
            if self._spooled is not None:
                os.close(self._spooled)
                self._spooled = None

    def _advance(self) -> None:
        """Replace the window with the bytes after it."""
        start = self._start + len(self._window)
        self._window = self._fetch(start, min(WINDOW, self.size - start))
        self._start = start

    def _fetch(self, start: int, count: int) -> bytes:
        """Exactly `count` bytes from `start`, over as many connections as needed."""
        import urllib3

        parts: list[bytes] = []
        attempt = came = 0
        while count > 0:
            stop_if(self._client.cancelled)
            problem = "the connection was cut"
            try:
                if self._response is None:
                    self._response = self._open(start)
                part = self._response.read1(count)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                part, problem = b"", reason(error)
            if part:
                parts.append(part)
                start += len(part)
                count -= len(part)
                self._check_speed(len(part))
                came += len(part)
                if came >= _PROGRESS:
                    attempt = came = 0
                continue
            if self._response is not None:
                self._response.close()
                self._response = None
            attempt += 1
            if attempt == TRIES:
                raise SourceUnavailable(
                    f"{self.name} stopped after {start} of {self.size} bytes: {problem}",
                    hint="try again later",
                )
            self._client.wait(attempt - 1, None)
        if start == self.size and self._response is not None:
            self._check_end(self._response)
            self._response = None
        return b"".join(parts)

    def _open(self, start: int) -> BaseHTTPResponse:
        headers = {"Accept": "*/*"}
        if start:
            headers["Range"] = f"bytes={start}-"
        response = self._client.get(f"blobs/{self.digest}", headers)
        if response.status == 206:
            announced = response.headers.get("Content-Range", "")
            if not announced.startswith(f"bytes {start}-"):
                response.close()
                raise FormatError(
                    f"{self.name}: requested bytes from {start}, but the registry sent"
                    f" {announced[:60]!r}"
                )
            return response
        length = response.headers.get("Content-Length", "")
        if length.isdigit() and int(length) != self.size:
            response.close()
            raise FormatError(
                f"{self.name} has {length} bytes, but its descriptor says {self.size}",
                hint="push the image again",
            )
        skipped = 0
        while skipped < start:
            part = response.read(min(WINDOW, start - skipped))
            if not part:
                break
            skipped += len(part)
        return response

    def _check_end(self, response: BaseHTTPResponse) -> None:
        """Return the connection to the pool. Raises `FormatError` if there are more bytes."""
        import urllib3

        try:
            more = response.read(1)
        except (urllib3.exceptions.HTTPError, OSError):
            more = b""
        if more:
            response.close()
            raise FormatError(
                f"{self.name} has more than the {self.size} bytes in its descriptor",
                hint="push the image again",
            )
        response.release_conn()

    def _check_speed(self, count: int) -> None:
        self._fetched += count
        now = time.monotonic()
        if now - self._began < PATIENCE:
            return
        if self._fetched < SLOWEST * PATIENCE:
            raise SourceUnavailable(
                f"{self.name} is too slow: {self._fetched} bytes in {now - self._began:.0f} s",
                hint="try again later",
            )
        self._began, self._fetched = now, 0

    def _spool(self) -> None:
        """Fetch the whole blob into an unnamed file, and check its digest."""
        if self._response is not None:
            self._response.close()
            self._response = None
        self._spools.make_room(self)
        hasher = self.digest.hasher()
        with temporary_file(self.name) as file:
            done = 0
            while done < self.size:
                part = self._fetch(done, min(WINDOW, self.size - done))
                hasher.update(part)
                try:
                    write_all(file.fileno(), part)
                except OSError as error:
                    raise no_room(self.name, done, error) from None
                done += len(part)
            if hasher.hexdigest() != self.digest.hex:
                raise DigestMismatch(
                    f"{self.name}: the bytes have the digest"
                    f" {self.digest.algorithm}:{hasher.hexdigest()}",
                    hint="push the image again",
                )
            self._spooled = os.dup(file.fileno())
        self._window = b""
