"""Mounts that belong to this process alone: they vanish with it, however it ends. Needs root, on Linux."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

NEW_NAMESPACE = 0x20000
READ_ONLY = 1
REMOUNT = 0x20
BIND = 0x1000
RECURSIVE_PRIVATE = 0x4000 | 0x40000
DETACH = 2


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


@cache
def own_mounts() -> None:
    """Give the process its own table of mounts. Raises `OSError`."""
    _checked(_libc().unshare(NEW_NAMESPACE), "unshare")
    _checked(_libc().mount(b"none", b"/", None, RECURSIVE_PRIVATE, None), "mount /")


@contextmanager
def memory(folder: Path, options: str = "mode=755") -> Iterator[None]:
    """Mount a tmpfs on a folder."""
    name = os.fsencode(folder)
    _checked(_libc().mount(b"tmpfs", name, b"tmpfs", 0, options.encode()), "mount tmpfs")
    try:
        yield
    finally:
        _checked(_libc().umount2(name, DETACH), "umount")


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make a folder read-only, for root too."""
    name = os.fsencode(folder)
    _checked(_libc().mount(name, name, None, BIND, None), "bind mount")
    try:
        _checked(_libc().mount(name, name, None, BIND | REMOUNT | READ_ONLY, None), "remount")
        yield
    finally:
        _checked(_libc().umount2(name, DETACH), "umount")


@contextmanager
def overlay(
    target: Path, lower: Sequence[Path], upper: Path | None = None, work: Path | None = None
) -> Iterator[None]:
    """Mount layers, the base first, as the kernel's overlayfs does. Without `upper`, nothing can be written."""
    options = "lowerdir=" + ":".join(str(each) for each in reversed(lower))
    flags = READ_ONLY
    if upper is not None:
        options += f",upperdir={upper},workdir={work}"
        flags = 0
    name = os.fsencode(target)
    _checked(
        _libc().mount(b"overlay", name, b"overlay", flags, options.encode()), f"overlay {options}"
    )
    try:
        yield
    finally:
        _checked(_libc().umount2(name, DETACH), "umount")
