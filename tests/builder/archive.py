"""The files of an image archive, before packing them as a tar or writing them to a folder."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from tests.builder.image import digest_of, encode
from tests.builder.nodes import Directory, File, Member, Node, Symlink, as_bytes
from tests.builder.tar import END, tar


class Archive:
    """An ordered list of members that tests can change before packing it."""

    def __init__(self) -> None:
        self.members: list[Member] = []

    def add(self, name: str, content: bytes | Node) -> Self:
        """Append a member, even if the name already exists."""
        self.members.append((name, File(content) if isinstance(content, bytes) else content))
        return self

    def add_folder(self, name: str) -> Self:
        if name not in self:
            self.add(name, Directory())
        return self

    def add_json(self, name: str, document: object) -> Self:
        return self.add(name, encode(document))

    def add_blob(self, data: bytes, media_type: str) -> dict[str, object]:
        """Store a blob under its digest, once, and return its descriptor."""
        digest = digest_of(data)
        name = "blobs/" + digest.replace(":", "/")
        if name not in self:
            self.add(name, data)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def __contains__(self, name: str) -> bool:
        return any(known == name for known, _ in self.members)

    def __iter__(self) -> Iterator[str]:
        return iter(as_bytes(name).decode() for name, _ in self.members)

    def __getitem__(self, name: str) -> bytes:
        """The bytes of a file member."""
        node = self.members[self.position(name)][1]
        if not isinstance(node, File):
            raise TypeError(f"{name!r} is a {type(node).__name__}")
        return node.data

    def position(self, name: str) -> int:
        return [known for known, _ in self.members].index(name)

    def replace(self, name: str, content: bytes | Node) -> Self:
        node = File(content) if isinstance(content, bytes) else content
        self.members[self.position(name)] = (name, node)
        return self

    def rename(self, name: str, new: str) -> Self:
        at = self.position(name)
        self.members[at] = (new, self.members[at][1])
        return self

    def remove(self, name: str) -> Self:
        del self.members[self.position(name)]
        return self

    def sort(self) -> Self:
        """Sort the members by name, like writers that walk a folder."""
        self.members.sort(key=lambda item: as_bytes(item[0]))
        return self

    def reverse(self) -> Self:
        self.members.reverse()
        return self

    def pack(self, prefix: str = "", compress: bool = False, end: bytes = END) -> bytes:
        """The archive as a tar, with `prefix` before each name, and optionally gzipped."""
        data = tar([(prefix.encode() + as_bytes(n), node) for n, node in self.members], "gnu", end)
        return gzip.compress(data, 1, mtime=0) if compress else data

    def write(self, path: Path, prefix: str = "", compress: bool = False) -> Path:
        path.write_bytes(self.pack(prefix, compress))
        return path

    def write_folder(self, path: Path) -> Path:
        path.mkdir(parents=True, exist_ok=True)
        for name, node in self.members:
            target = path / as_bytes(name).decode()
            target.parent.mkdir(parents=True, exist_ok=True)
            match node:
                case Directory():
                    target.mkdir(exist_ok=True)
                case Symlink():
                    target.symlink_to(as_bytes(node.target).decode())
                case File():
                    target.write_bytes(node.data)
                case _:
                    raise TypeError(f"{name!r} is a {type(node).__name__}")
        return path
