"""Archives that were unpacked: most of their files are in the image, under the paths that they have in the archive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from layerscope.filesystem.entry import numbered_entry
from layerscope.filesystem.tree import FileTree
from layerscope.packages.archive_members import Member

MOST_MEMBERS: Final = 100_000
"""The most files of all archives of an image that are looked for. Archives beyond that are not known."""
MOST_PLACES: Final = 16
"""A file that is in more places than this doesn't say where an archive was unpacked to."""
FEW: Final = 3
"""An archive of fewer files must have been unpacked next to it, since a few files may be elsewhere by chance."""
_STRIPPED: Final = 1
"""The most directories at the start of its paths that an archive loses (`tar --strip-components`)."""
_ROOTS: Final = 4

Root = tuple[bytes, int]
"""A directory that an archive may have been unpacked to, and how many directories of its paths are left out there."""


def unpacked_archives(tree: FileTree, archives: Mapping[int, Sequence[Member]]) -> dict[int, bool]:
    """Whether each archive was unpacked; those that can't be known are left out. Archives are numbers of files."""
    known: dict[int, Sequence[Member]] = {}
    left = MOST_MEMBERS
    for number, members in archives.items():
        left -= len(members)
        if left >= 0:
            known[number] = members
    places = _places(tree, {member for members in known.values() for member in _names(members)})
    return {
        number: _is_unpacked(numbered_entry(tree.layers, number).path, members, places)
        for number, members in known.items()
    }


def _names(members: Sequence[Member]) -> Iterator[Member]:
    """The names of files without their directories, and their sizes."""
    for path, size in members:
        yield path[path.rfind(b"/") + 1 :], size


def _places(tree: FileTree, wanted: set[Member]) -> dict[Member, list[bytes]]:
    """The paths of the live files with these names and sizes, for each at most one more than `MOST_PLACES`."""
    found: dict[Member, list[bytes]] = {}
    if not wanted:
        return found
    sizes = {size for _, size in wanted}
    for layer in tree.layers:
        columns, records = layer.columns, layer.records
        for position in layer.live():
            size = columns.sizes[position]
            if size not in sizes:
                continue
            record = records[position]
            path = columns.path(position) if record is None else record.path
            key = path[path.rfind(b"/") + 1 :], size
            if key in wanted:
                paths = found.setdefault(key, [])
                if len(paths) <= MOST_PLACES:
                    paths.append(path)
    return found


def _is_unpacked(
    archive: bytes, members: Sequence[Member], places: Mapping[Member, Sequence[bytes]]
) -> bool:
    """Whether more than half of the files are below one directory, with their sizes."""
    votes: Counter[Root] = Counter()
    for (path, _), key in zip(members, _names(members), strict=True):
        paths = places.get(key, ())
        if len(paths) <= MOST_PLACES:
            votes.update({root for place in paths for root in _roots(path, place)})
    near = archive[: archive.rfind(b"/") + 1]
    for (root, stripped), _ in votes.most_common(_ROOTS):
        found = sum(
            _stripped(root, path, stripped) in places.get(key, ())
            for (path, _), key in zip(members, _names(members), strict=True)
        )
        if 2 * found > len(members) and (len(members) >= FEW or root.startswith(near)):
            return True
    return False


def _roots(path: bytes, place: bytes) -> Iterator[Root]:
    """The directories to which unpacking `path` makes `place`: with a slash at the end, empty for the root."""
    for stripped in range(_STRIPPED + 1):
        if place == path or place.endswith(b"/" + path):
            yield place[: len(place) - len(path)], stripped
        _, slash, path = path.partition(b"/")
        if not slash:
            return


def _stripped(root: bytes, path: bytes, stripped: int) -> bytes:
    for _ in range(stripped):
        path = path.partition(b"/")[2]
    return root + path
