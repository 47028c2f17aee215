"""What a layer can hold: one class per kind of tar member."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Name = str | bytes


def as_bytes(name: Name) -> bytes:
    """The bytes of a name. Text is UTF-8, with surrogate escapes for other bytes."""
    return name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Meta:
    """The attributes of every member."""

    mode: int | None = None
    uid: int = 0
    gid: int = 0
    mtime: float = 0
    uname: str = ""
    gname: str = ""
    xattrs: Mapping[str, bytes] = field(default_factory=dict)
    pax: Mapping[str, str | bytes] = field(default_factory=dict)
    """More PAX records, written as is, before the ones that the member needs."""
    overrides: Mapping[str, bytes] = field(default_factory=dict)
    """Raw bytes for header fields (`size`, `mode`, `checksum`, `typeflag`, `magic`...)."""


@dataclass(frozen=True)
class File(Meta):
    data: bytes = b""

    def __init__(self, data: bytes = b"", mode: int | None = None, **rest: object) -> None:
        set_fields(self, rest | {"data": data, "mode": mode})


@dataclass(frozen=True)
class Directory(Meta):
    pass


@dataclass(frozen=True)
class Symlink(Meta):
    target: Name = b""

    def __init__(self, target: Name, **rest: object) -> None:
        set_fields(self, rest | {"target": target})


@dataclass(frozen=True)
class Hardlink(Meta):
    """`header_size` is what some writers put in the size field even though no data follows."""

    target: Name = b""
    header_size: int = 0

    def __init__(self, target: Name, header_size: int = 0, **rest: object) -> None:
        set_fields(self, rest | {"target": target, "header_size": header_size})


@dataclass(frozen=True)
class Device(Meta):
    major: int = 0
    minor: int = 0
    block: bool = False


@dataclass(frozen=True)
class Fifo(Meta):
    pass


@dataclass(frozen=True)
class Sparse(Meta):
    """A file of `size` bytes that stores only `chunks` (offset, data)."""

    size: int = 0
    chunks: tuple[tuple[int, bytes], ...] = ()
    form: Literal["gnu", "0.0", "0.1", "1.0"] = "gnu"


@dataclass(frozen=True)
class Other(Meta):
    """A member with any type flag (`V`, `7`, `s`...)."""

    typeflag: bytes = b"V"
    data: bytes = b""


@dataclass(frozen=True)
class Whiteout(Meta):
    """Hides the path it is at; `data` or another `node` makes an unusual one."""

    node: File | Directory | Symlink | None = None


@dataclass(frozen=True)
class Opaque(Meta):
    """Hides what lower layers hold in the directory it is in."""


@dataclass(frozen=True)
class Global(Meta):
    """A PAX global header with the records in `pax`."""


@dataclass(frozen=True)
class Raw:
    """Bytes written to the tar as is."""

    data: bytes


Node = (
    File | Directory | Symlink | Hardlink | Device | Fifo | Sparse | Other
    | Whiteout | Opaque | Global | Raw
)  # fmt: skip
Member = tuple[Name, Node]
MemberLike = tuple[Name, Node | bytes]

WHITEOUT = Whiteout()
OPAQUE = Opaque()
WHITEOUT_PREFIX = b".wh."
OPAQUE_NAME = b".wh..wh..opq"


def set_fields(node: Meta, values: Mapping[str, object]) -> None:
    """Fill a frozen node whose first argument is positional."""
    known = type(node).__dataclass_fields__
    for name, spec in known.items():
        if name in values:
            value = values[name]
        elif callable(factory := spec.default_factory):
            value = factory()
        else:
            value = spec.default
        object.__setattr__(node, name, value)
    if unknown := set(values) - set(known):
        raise TypeError(f"{type(node).__name__} has no {', '.join(sorted(unknown))}")
