"""What a run may still do after it was confined."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from layerscope.records import dataclass


class Programs(IntEnum):
    """The programs that a run may start. They inherit its sandbox."""

    NONE = 0
    PYTHON = 1
    ANY = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """Everything that isn't listed is denied. The union of two rights allows what either of them does."""

    reads: tuple[str, ...] = ()
    """Files, and folders with everything below them."""
    outputs: tuple[str, ...] = ()
    """Folders in which files may be created and replaced, but not read."""
    folders: tuple[str, ...] = ()
    """Folders in which anything may be read, created, and removed, except devices."""
    streams: tuple[str, ...] = ()
    """Existing files and devices that are written in place."""
    connects: bool = False
    """Whether to connect to other hosts."""
    sockets: bool = False
    """Whether to connect to Unix sockets, which only kernels since Landlock ABI 9 can deny."""
    listens: tuple[int, ...] | None = ()
    """The TCP ports to listen on; None for any."""
    programs: Programs = Programs.NONE
    first: tuple[Callable[[], None], ...] = ()
    """What has to be done before the sandbox is there, because it can't be done in it. May raise `OSError`."""
    unconfined: str | None = None
    """Why there can't be a sandbox at all."""

    def __or__(self, other: Rights) -> Rights:
        both = None if None in (self.listens, other.listens) else (*self.ports, *other.ports)
        return Rights(
            reads=(*self.reads, *other.reads),
            outputs=(*self.outputs, *other.outputs),
            folders=(*self.folders, *other.folders),
            streams=(*self.streams, *other.streams),
            connects=self.connects or other.connects,
            sockets=self.sockets or other.sockets,
            listens=both,
            programs=max(self.programs, other.programs),
            first=(*self.first, *other.first),
            unconfined=self.unconfined or other.unconfined,
        )

    @property
    def ports(self) -> tuple[int, ...]:
        """The listed ports."""
        return self.listens or ()
