"""Layers that are indexed while their archive arrives, and what the headers of the archive say about where they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from layerscope.errors import Cancelled, LayerscopeError, LimitExceeded
from layerscope.image.blob import StoredBlob
from layerscope.image.digest import Digest
from layerscope.layers.budget import extra_budget
from layerscope.layers.compression import sniff_head
from layerscope.layers.header import BLOCK_SIZE, FIELDS, ZERO_BLOCK, FieldError, is_header, number
from layerscope.layers.known import KnownLayer
from layerscope.layers.reader import index_layer
from layerscope.limits import Limits
from layerscope.records import dataclass

LONGEST_PAX: Final = 1 << 20
_FILES: Final = frozenset((0, ord("0")))
_PAX: Final = frozenset((ord("x"), ord("g")))
_BLOB: Final = re.compile(rb"(?:\./)?blobs/sha256/([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class ArchiveMember:
    """A member of the archive: its name, and how many bytes follow its header."""

    name: bytes
    size: int
    is_file: bool
    is_pax: bool

    @property
    def padded(self) -> int:
        """The bytes up to the next header."""
        return self.size + BLOCK_SIZE - 1 & -BLOCK_SIZE

    @property
    def may_be_layer(self) -> bool:
        return self.is_file and self.size > BLOCK_SIZE


def member_of(header: bytes) -> ArchiveMember | None:
    """What a header describes; None if nobody can say where the next header is."""
    if header == ZERO_BLOCK or not is_header(header):
        return None
    name, _, size, _, _, flag = FIELDS.unpack(header)[:6]
    try:
        length = number(size)
    except FieldError:
        return None
    if length < 0 or (flag in _PAX and length > LONGEST_PAX):
        return None
    return ArchiveMember(name.partition(b"\0")[0], length, flag in _FILES, flag in _PAX)


def keeps_size(records: bytes) -> bool:
    """Whether a PAX header leaves the size of the next member as its own header says."""
    return b" size=" not in records


def digest_to_prove(member: ArchiveMember, head: bytes, name: str) -> Digest | None:
    """The digest that a compressed layer's name gives it; None for what is not one. Raises `UnsupportedFormat`."""
    match = _BLOB.fullmatch(member.name)
    if match is None or sniff_head(head, name) == "none":
        return None
    return Digest("sha256", match[1].decode())


class EarlyLayers:
    """Layers of one image that are indexed before it is opened.

    `found` are those of an archive, by their offsets and sizes.
    """

    def __init__(self, limits: Limits, *, all_secrets: bool = False) -> None:
        self.found: dict[tuple[int, int], object] = {}
        self._limits = limits
        self._all_secrets = all_secrets
        self._budget = extra_budget(limits.extra_bytes)
        self._members = 0

    def index(
        self,
        blob: StoredBlob,
        digest: Digest | None,
        advanced: Callable[[int], None],
        *,
        ahead: bool = False,
    ) -> bool:
        """Index a layer of the archive. False if it is broken. Raises what `read` raises."""
        known = self.read(blob, digest, advanced, ahead=ahead)
        if known is None:
            return False
        self.found[blob.key[1], blob.size] = known
        return True

    def read(
        self,
        blob: StoredBlob,
        digest: Digest | None,
        advanced: Callable[[int], None],
        *,
        ahead: bool = False,
    ) -> KnownLayer | None:
        """Index a layer; None if it is broken. Raises `Cancelled`, and `LimitExceeded` for all layers together."""
        budget = self._budget.part()
        try:
            stored = index_layer(
                blob,
                digest=digest,
                diff_id=None,
                verify="auto",
                limits=self._limits,
                budget=budget,
                ahead=ahead,
                secrets="all" if self._all_secrets else "known",
                advanced=advanced,
            )
        except (Cancelled, LimitExceeded):
            raise
        except LayerscopeError:
            return None
        self._members += len(stored.index)
        if self._members > self._limits.members:
            raise LimitExceeded(
                f"more than {self._limits.members} members in all layers together", limit="members"
            )
        return KnownLayer(stored, budget.spent)
