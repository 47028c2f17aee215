"""Composes an image in memory: layers, history and config."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from tests.builder.chunked import Chunked, estargz
from tests.builder.compression import COMPRESSIONS
from tests.builder.nodes import Directory, File, Member, MemberLike, Name, Node, as_bytes
from tests.builder.tar import END, Format, tar

CREATED = "2024-01-02T03:04:05Z"
Members = Mapping[Any, Any] | Iterable[MemberLike]


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def encode(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()


@dataclass(frozen=True)
class BuiltLayer:
    """A layer's uncompressed tar and its members; `blob` is only fixed for eStargz."""

    tar: bytes
    members: tuple[Member, ...] = ()
    compression: str | None = None
    blob: bytes | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def diff_id(self) -> str:
        return digest_of(self.tar)

    def compressed(self, compression: str = "none") -> bytes:
        """The stored blob. The layer's own compression wins over the writer's."""
        if self.blob is not None:
            return self.blob
        return COMPRESSIONS[self.compression or compression](self.tar)


def with_table(made: Chunked, members: Sequence[Member]) -> BuiltLayer:
    compression = "gzip" if made.blob.startswith(b"\x1f\x8b") else "zstd"
    return BuiltLayer(made.tar, tuple(members), compression, made.blob, made.annotations)


@dataclass(frozen=True)
class BuiltImage:
    layers: tuple[BuiltLayer, ...]
    config: bytes
    tags: tuple[str, ...] = ()
    platform: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Of the manifest, in formats that have one."""

    @property
    def config_digest(self) -> str:
        return digest_of(self.config)


class ImageBuilder:
    """Builds an image step by step; `build` returns it for the writers to put in an archive.

    A layer's members are a mapping from name to node or bytes, or a list of such pairs if the order
    or a duplicate name matters.
    """

    def __init__(
        self,
        *tags: str,
        architecture: str = "amd64",
        os: str = "linux",
        variant: str | None = None,
        created: str | None = CREATED,
    ) -> None:
        self.tags = tags
        self.layers: list[BuiltLayer] = []
        self.steps: list[dict[str, Any]] | None = []
        self.settings: dict[str, Any] = {}
        self.fields: dict[str, Any] = {}
        self.platform = {"architecture": architecture, "os": os}
        if variant is not None:
            self.platform["variant"] = variant
        self.created = created

    def layer(
        self,
        members: Members = (),
        created_by: str | None = None,
        *,
        comment: str | None = None,
        author: str | None = None,
        created: str | None = CREATED,
        form: Format = "pax",
        parents: bool = False,
        prefix: str = "",
        end: bytes = END,
        compression: str | None = None,
        stargz: bool = False,
        history: bool = True,
    ) -> Self:
        """Add a layer and its history entry.

        `parents` adds an entry for each directory that lacks one. `prefix` goes before every name
        (`./`, `/`), and `end` after the last member. `history=False` leaves the layer without an entry.
        """
        listed = normalized(members)
        if parents:
            listed = with_parents(listed)
        if prefix:
            listed = [(prefix.encode() + as_bytes(name), node) for name, node in listed]
        if stargz:
            layer = with_table(estargz(tar(listed, form, end)), listed)
        else:
            layer = BuiltLayer(tar(listed, form, end), tuple(listed), compression)
        self.layers.append(layer)
        if history:
            self.step(created_by, comment=comment, author=author, created=created)
        return self

    def chunked_layer(self, made: Chunked, created_by: str | None = None) -> Self:
        """Add a layer that brings a table of contents, and its history entry."""
        self.layers.append(with_table(made, ()))
        return self.step(created_by)

    def raw_layer(self, data: bytes, created_by: str | None = None, **entry: Any) -> Self:
        """Add a layer of any bytes, even if they aren't a tar."""
        self.layers.append(BuiltLayer(data))
        return self.step(created_by, **entry)

    def empty(self, created_by: str | None = None, **entry: Any) -> Self:
        """Add a history entry without a layer."""
        return self.step(created_by, empty_layer=True, **entry)

    def step(self, created_by: str | None = None, **entry: Any) -> Self:
        """Add a history entry as is, without the fields that are None."""
        if self.steps is not None:
            fields = {"created": CREATED, "created_by": created_by} | entry
            self.steps.append({key: value for key, value in fields.items() if value is not None})
        return self

    def without_history(self) -> Self:
        """Leave out the history, as some builders do."""
        self.steps = None
        return self

    def configure(self, **settings: Any) -> Self:
        """Set fields of `config`: Env=[...], Entrypoint=[...], Labels={...}."""
        self.settings |= settings
        return self

    def top(self, **fields: Any) -> Self:
        """Set fields of the config document itself, overriding the builder's."""
        self.fields |= fields
        return self

    def build(self) -> BuiltImage:
        document: dict[str, Any] = dict(self.platform)
        if self.created is not None:
            document["created"] = self.created
        document["config"] = self.settings
        document["rootfs"] = {
            "type": "layers",
            "diff_ids": [layer.diff_id for layer in self.layers],
        }
        if self.steps is not None:
            document["history"] = self.steps
        document |= self.fields
        return BuiltImage(tuple(self.layers), encode(document), self.tags, self.platform)


def normalized(members: Members) -> list[Member]:
    """The members as pairs of name and node. Bytes mean a file; a name ending in `/` means a directory."""
    pairs: Iterable[MemberLike] = members.items() if isinstance(members, Mapping) else members
    return [(name, as_node(name, node)) for name, node in pairs]


def as_node(name: Name, node: Node | bytes) -> Node:
    if not isinstance(node, bytes):
        return node
    if as_bytes(name).endswith(b"/") and not node:
        return Directory()
    return File(node)


def with_parents(members: Sequence[Member]) -> list[Member]:
    """The members, preceded by an entry for each parent that has none yet."""
    seen: set[bytes] = set()
    out: list[Member] = []
    for name, node in members:
        parts = as_bytes(name).strip(b"/").split(b"/")
        for depth in range(1, len(parts)):
            folder = b"/".join(parts[:depth])
            if folder not in seen:
                seen.add(folder)
                out.append((folder + b"/", Directory()))
        seen.add(b"/".join(parts))
        out.append((name, node))
    return out
