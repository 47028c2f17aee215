"""The duplicates of a saved report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, get_args

from layerscope.analysis.duplicates import (
    PLACES,
    DuplicateGroup,
    DuplicatePackage,
    Duplicates,
    Others,
    Unread,
)
from layerscope.analysis.model import LayerSummary, Sizes
from layerscope.errors import FormatError, LayerscopeError
from layerscope.image.digest import Digest
from layerscope.packages.package import PackageType
from layerscope.report.paths import unescape_path
from layerscope.report.saved.fields import Fields

_TYPES: Final[dict[str, PackageType]] = {name: name for name in get_args(PackageType)}


def read_duplicates(
    document: Fields, sizes: Sizes, layers: Sequence[LayerSummary]
) -> Duplicates | None:
    """The groups that the report lists, and the sum of those it cut off. None for a report without duplicates.

    Checks that the groups add up to what the report says they save.
    """
    if not document.has("duplicates"):
        return None
    table = document.object("duplicates")
    packages, other_packages = _packages(table, layers)
    found = Duplicates(
        least=table.number("min_bytes"),
        groups=tuple(_group(row, layers) for row in table.objects("groups")),
        rest=_others(table.object("rest"), costs=True) if table.has("rest") else None,
        unread=_unread(table.object("unread")) if table.has("unread") else None,
        packages=packages,
        other_packages=other_packages,
    )
    told = table.number("saving_at_least")
    if told != found.known_saving or table.maybe_number("saving") != found.saving:
        table.fail(f"says that {told} can be saved, but the groups add up to {found.known_saving}")
    if table.number("count") != found.count or table.number("copies") != found.copies:
        table.fail("does not count as many groups and copies as it has")
    if told > sizes.live:
        table.fail(f"says that {told} can be saved, but only {sizes.live} are live")
    return found


def _group(row: Fields, layers: Sequence[LayerSummary]) -> DuplicateGroup:
    copies, paths = row.number("copies"), _paths(row, "paths")
    size = row.number("bytes")
    if copies < 2 or len(paths) != min(copies, PLACES):
        row.fail(f"has {len(paths)} paths of {copies} copies")
    if row.number("saving") != size * (copies - 1):
        row.fail("does not save what all copies but one hold")
    try:
        mark = bytes.fromhex(Digest.parse(row.text("hash"), "hash").hex)
    except FormatError as error:
        row.fail(error.message)
    return DuplicateGroup(
        hash=mark,
        bytes=size,
        copies=copies,
        paths=paths,
        layers=_layers(row, layers),
        compressed=row.maybe_number("compressed"),
    )


def _packages(
    table: Fields, layers: Sequence[LayerSummary]
) -> tuple[tuple[DuplicatePackage, ...] | None, Others | None]:
    if not table.has("packages"):
        return None, None
    packages = table.object("packages")
    rows = tuple(_package(row, layers) for row in packages.objects("groups"))
    rest = _others(packages.object("rest"), costs=False) if packages.has("rest") else None
    saving = sum(row.saving for row in rows) + (0 if rest is None else rest.saving)
    number = len(rows) + (0 if rest is None else rest.groups)
    if packages.number("saving") != saving or packages.number("count") != number:
        packages.fail("does not add up to its packages")
    return rows, rest


def _package(row: Fields, layers: Sequence[LayerSummary]) -> DuplicatePackage:
    kind = _TYPES.get(row.text("type"))
    if kind is None:
        row.fail(f"has an unknown type of package, {row.text('type')[:40]!r}")
    copies, places = row.number("copies"), _paths(row, "places")
    if copies < 2 or len(places) != min(copies, PLACES):
        row.fail(f"has {len(places)} places of {copies} copies")
    if row.number("saving") > row.number("bytes"):
        row.fail("saves more than its copies hold")
    return DuplicatePackage(
        type=kind,
        name=row.text("name"),
        versions=row.texts("versions"),
        copies=copies,
        bytes=row.number("bytes"),
        saving=row.number("saving"),
        places=places,
        layers=_layers(row, layers),
    )


def _layers(row: Fields, layers: Sequence[LayerSummary]) -> tuple[int, ...]:
    numbers = row.numbers("layers")
    if any(number >= len(layers) for number in numbers) or list(numbers) != sorted(set(numbers)):
        row.fail("names layers that don't exist, or not each once")
    if list(row.numbers("instructions")) != sorted({layers[at].instruction for at in numbers}):
        row.fail("names other instructions than those of its layers")
    return numbers


def _paths(row: Fields, key: str) -> tuple[bytes, ...]:
    paths = row.texts(key)
    if not all(path.startswith("/") for path in paths):
        row.fail("has a path that is not an absolute path")
    try:
        return tuple(unescape_path(path).removeprefix(b"/") for path in paths)
    except LayerscopeError as error:
        row.fail(error.message)


def _others(row: Fields, *, costs: bool) -> Others:
    groups, copies = row.number("groups"), row.number("copies")
    if copies < 2 * groups:
        row.fail(f"has {copies} copies in {groups} groups")
    return Others(
        groups=groups,
        copies=copies,
        saving=row.number("saving"),
        compressed=row.maybe_number("compressed") if costs else None,
    )


def _unread(row: Fields) -> Unread:
    return Unread(files=row.number("files"), bytes=row.number("bytes"))
