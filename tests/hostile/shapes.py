"""Images of extreme shapes, each at any size: what a bomb of this kind looks like, and what must become of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from tests.builder import FORMS, ImageBuilder
from tests.builder.image import BuiltImage
from tests.builder.nodes import OPAQUE, WHITEOUT, File, Hardlink, MemberLike, Sparse, Symlink
from tests.builder.tar import END, member

MIB = 1 << 20


@dataclass(frozen=True)
class Shape:
    """`layers` makes the members of each layer for a number of entries."""

    name: str
    layers: Callable[[int], Iterator[Iterator[MemberLike]]]
    refused: str | None = None
    """The limit that refuses it at the size `bomb`, if one does."""
    bomb: int = 100_000
    """The number of entries at which the table shows it."""

    def image(self, size: int) -> BuiltImage:
        builder = ImageBuilder("app:1")
        for number, members in enumerate(self.layers(size)):
            data = b"".join(
                member(name, node) if not isinstance(node, bytes) else member(name, File(node))
                for name, node in members
            )
            builder.raw_layer(data + END, created_by=f"/bin/sh -c step {number}")
        return builder.build()

    def write(self, size: int, path: Path, compression: str = "gzip") -> str:
        """A reference to the image, written as an OCI archive."""
        return FORMS["oci-archive"].write([self.image(size)], path, compression)


def named(number: int) -> str:
    return f"usr/share/package{number // 1000}/part{number // 50 % 20}/file{number}"


def spread(layers: int) -> Callable[[int], Iterator[Iterator[MemberLike]]]:
    """Ordinary files, the same number in each of some layers."""

    def make(size: int) -> Iterator[Iterator[MemberLike]]:
        each = size // layers
        for layer in range(layers):
            first = layer * each
            last = size if layer == layers - 1 else first + each
            yield ((named(number), File(b"")) for number in range(first, last))

    return make


def alone(
    make: Callable[[int], Iterator[MemberLike]],
) -> Callable[[int], Iterator[Iterator[MemberLike]]]:
    return lambda size: iter([make(size)])


def one_directory(size: int) -> Iterator[MemberLike]:
    return ((f"d/{number}", File(b"x")) for number in range(size))


def deep(size: int) -> Iterator[MemberLike]:
    """A file at each level of a path, at most a thousand levels."""
    for number in range(size):
        yield "d/" * (number % 1000) + f"f{number}", File(b"")


def implied(size: int) -> Iterator[MemberLike]:
    """Ten thousand levels for each entry, none of which has an entry of its own."""
    for number in range(size):
        yield f"{number}/" + "d/" * 10_000 + "f", File(b"")


def hard_links(size: int) -> Iterator[MemberLike]:
    yield "d/0", File(b"x")
    for number in range(1, size):
        yield f"d/{number}", Hardlink(f"d/{number - 1}")


def symlinks(size: int) -> Iterator[MemberLike]:
    """Each through all links before it."""
    yield "l0", Symlink("d")
    for number in range(1, size):
        yield f"l{number}", Symlink(f"l{number - 1}/x")


def attributes(size: int) -> Iterator[MemberLike]:
    for number in range(size):
        yield f"f{number}", File(b"", xattrs={f"user.{key}": b"v" * 200 for key in range(10)})


def long_names(size: int) -> Iterator[MemberLike]:
    for number in range(size):
        yield f"{number}" + "n" * 2000, File(b"")


def sparse(size: int) -> Iterator[MemberLike]:
    """Sparse files of a tebibyte each with a few regions."""
    chunks = tuple((at << 36, b"x") for at in range(8))
    for number in range(size):
        yield f"s{number}", Sparse(size=1 << 40, chunks=chunks, form="1.0")


def twice(size: int) -> Iterator[MemberLike]:
    return (("f", File(b"x")) for _ in range(size))


def all_whited_out(size: int) -> Iterator[Iterator[MemberLike]]:
    half = size // 2
    yield ((f"d/{number}", File(b"x")) for number in range(half))
    yield ((f"d/{number}", WHITEOUT) for number in range(half))


def opaque_on_opaque(size: int) -> Iterator[Iterator[MemberLike]]:
    """A thousand layers that each empty the directory and fill it again."""
    each = max(size // 1000 - 1, 1)
    for _ in range(min(1000, max(size // 2, 1))):
        filled: Iterator[MemberLike] = ((f"d/{number}", File(b"x")) for number in range(each))
        yield chain([("d", OPAQUE)], filled)


def small_layers(size: int) -> Iterator[Iterator[MemberLike]]:
    """A thousand layers that all write the same paths."""
    each = max(size // 1000, 1)
    for _ in range(min(1000, size)):
        yield ((f"d/{number}", File(b"x")) for number in range(each))


def zeros(size: int) -> Iterator[MemberLike]:
    """A file of ten kilobytes of zeros for each entry, all in one."""
    return iter([("zeros", File(bytes(size * 10_000)))])


SHAPES = (
    Shape("gzip bomb", alone(zeros)),
    Shape("sparse files", alone(sparse), bomb=20_000),
    Shape("names in one directory", alone(one_directory)),
    Shape("deep paths", alone(deep), bomb=20_000),
    Shape("directories without entries", alone(implied), "implied_bytes", 100),
    Shape("hard links, a chain", alone(hard_links)),
    Shape("symlinks, a chain", alone(symlinks)),
    Shape("extended attributes", alone(attributes), bomb=50_000),
    Shape("long names", alone(long_names), bomb=20_000),
    Shape("one name again and again", alone(twice)),
    Shape("whiteouts of everything", all_whited_out),
    Shape("a thousand small layers", small_layers),
    Shape("opaque on opaque", opaque_on_opaque),
)
