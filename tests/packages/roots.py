"""Roots that a package manager filled: as layers of an image, and as stat sees them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import layerscope
from layerscope.analysis.model import Analysis
from tests.builder import FORMS, Directory, File, Hardlink, ImageBuilder, Symlink


def members_of(root: Path) -> dict[str, Any]:
    """Everything in a root, as the members of a layer. Hard links stay hard links."""
    members: dict[str, Any] = {}
    first: dict[int, str] = {}
    for path in sorted(root.rglob("*")):
        name, status = str(path.relative_to(root)), path.lstat()
        if stat.S_ISLNK(status.st_mode):
            members[name] = Symlink(os.readlink(path))
        elif stat.S_ISDIR(status.st_mode):
            members[name] = Directory()
        elif stat.S_ISREG(status.st_mode):
            known = first.setdefault(status.st_ino, name)
            mode = stat.S_IMODE(status.st_mode)
            members[name] = File(path.read_bytes(), mode) if known == name else Hardlink(known)
    return members


def stored(root: Path, paths: Iterable[str]) -> int:
    """The bytes of the regular files among these paths of a root. Hard links count once."""
    found = {}
    for path in paths:
        status = (root / path.lstrip("/")).lstat()
        if stat.S_ISREG(status.st_mode):
            found[status.st_ino] = status.st_size
    return sum(found.values())


def analyzed(folder: Path, *layers: dict[str, Any]) -> Analysis:
    """An image of these layers."""
    builder = ImageBuilder("app:1")
    for number, members in enumerate(layers):
        builder.layer(members, f"RUN {number}")
    path = FORMS["docker-legacy"].write([builder.build()], folder / "image")
    with layerscope.load(path) as image:
        return layerscope.analyze(image)
