"""What a scan sends to the workers of a cluster and gets back: plain values that hold no file and no connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from layerscope.errors import LayerscopeError, SourceUnavailable
from layerscope.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    import pyarrow as pa

    from layerscope.sources.registry.lent import Lent


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How every image of a scan is read."""

    platform: str | None = None
    insecure: bool = False
    token_servers: tuple[str, ...] = ()
    limits: Limits = DEFAULT_LIMITS


@dataclass(frozen=True, slots=True)
class Wanted:
    """An image to look at. `root` is what its name referred to when it was scanned before."""

    reference: str
    target: str
    root: str | None = None


@dataclass(frozen=True, slots=True)
class LayerPlace:
    """One layer of an image: its key, its names, its size as stored, and whether there are bytes to read."""

    key: str
    digest: str | None
    diff_id: str | None
    size: int
    readable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadFound:
    """An image without its layers. `packed` is the image for `replay`; the scan itself doesn't look into it."""

    wanted: Wanted
    root: str
    image: str
    created: str | None
    packed: bytes = field(repr=False)
    layers: tuple[LayerPlace, ...]


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The name refers to what it referred to before."""

    wanted: Wanted


@dataclass(frozen=True, slots=True)
class Several:
    """A file with several images, each under a reference of its own."""

    wanted: Wanted
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Something that couldn't be read, as a row of `failures`. `passing` says that a later try may succeed."""

    reference: str
    target: str
    stage: str
    kind: str
    message: str
    digest: str | None = None
    passing: bool = False

    @classmethod
    def of(
        cls, error: BaseException, wanted: Wanted, stage: str, digest: str | None = None
    ) -> Failed:
        """The failure that an error means. A bug of layerscope names its type."""
        own = isinstance(error, LayerscopeError)
        message = str(error) if own else f"a bug: {type(error).__name__}: {error}"
        return cls(
            reference=wanted.reference,
            target=wanted.target,
            stage=stage,
            kind=type(error).__name__,
            message=" ".join(message.split())[:MESSAGE],
            digest=digest,
            passing=isinstance(error, SourceUnavailable),
        )


MESSAGE = 2000
"""The longest message of a failure, in characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerRead:
    """A layer that was read: its index as `IndexStore` keeps it, and its rows."""

    key: str
    data: bytes = field(repr=False)
    rows: Mapping[str, pa.Table] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """The rows of an image. `image` has the columns of `images` that don't depend on the reference."""

    image: Mapping[str, object]
    rows: Mapping[str, pa.Table] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Missing:
    """The worker doesn't see the folder of the fleet, or the indexes in it."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HeadJob:
    """Images of one registry, or in files, whose manifests a worker reads one after the other."""

    wanted: tuple[Wanted, ...]
    reading: Reading
    lent: Lent | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class LayerJob:
    """Layers of one image that a worker reads."""

    wanted: Wanted
    layers: tuple[LayerPlace, ...]
    reading: Reading
    lent: Lent | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ReplayJob:
    """An image whose layers are known. `owns` are the diff_ids whose `packages` this image tells.

    The indexes are in `folder`, if the worker sees it, and otherwise in `shipped`.
    """

    wanted: Wanted
    image: str
    packed: bytes = field(repr=False)
    layers: tuple[LayerPlace, ...] = field(repr=False)
    owns: tuple[str, ...] = field(repr=False)
    reading: Reading = field(default_factory=Reading, repr=False)
    folder: str = ""
    shipped: Mapping[str, bytes] | None = field(default=None, repr=False)
