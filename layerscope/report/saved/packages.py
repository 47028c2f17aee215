"""The packages of a saved report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, get_args
from urllib.parse import unquote

from layerscope.analysis.model import LayerSummary, Sizes, sum_of
from layerscope.analysis.packages import Held, OtherPackages, PackageFacts, Packages
from layerscope.errors import LayerscopeError
from layerscope.packages.package import SYSTEM_TYPES, Package, PackageType
from layerscope.report.paths import unescape_path
from layerscope.report.saved.fields import Fields
from layerscope.units import count

_TYPES: Final[dict[str, PackageType]] = {name: name for name in get_args(PackageType)}
_HELD: Final = ("content", "live", "wasted")


def read_packages(
    document: Fields, sizes: Sizes, layers: Sequence[LayerSummary]
) -> Packages | None:
    """The packages that the report lists, and the sum of those it cut off. None for a report without packages.

    Checks that they add up to the sizes of the image.
    """
    if not document.has("packages"):
        return None
    table = document.object("packages")
    owned, unowned = _held(table.object("owned")), _held(table.object("unowned"))
    rows = tuple(_package(row, layers) for row in table.objects("largest"))
    rest = _rest(table.object("rest")) if table.has("rest") else None
    listed: tuple[Held, ...] = rows if rest is None else (*rows, rest)
    for name in _HELD:
        told = getattr(owned, name)
        found = _sum(listed, name)
        if found != told:
            table.fail(f"says {name} is {told}, but the packages add up to {found}")
        whole = getattr(sizes, name)
        held = told + getattr(unowned, name)
        if held != whole:
            table.fail(f"says {name} is {held}, but the image has {whole}")
    told_cost, found_cost = owned.compressed, sum_of(row.compressed for row in listed)
    if told_cost != found_cost and (told_cost is None) == (found_cost is None):
        table.fail(f"says compressed is {told_cost}, but the packages add up to {found_cost}")
    number = len(rows) + (0 if rest is None else rest.count)
    if table.number("count") != number:
        table.fail(f"says there are {count(table.number('count'), 'package')}, but has {number}")
    return Packages(
        owned=owned,
        unowned=unowned,
        rows=rows,
        rest=rest,
        unreadable=tuple(_type(name, table) for name in table.texts("unreadable")),
    )


def _sum(rows: Iterable[Held], name: str) -> int:
    return sum(getattr(row, name) for row in rows)


def _held(row: Fields) -> Held:
    content, live = _sizes(row)
    return Held(content=content, live=live, compressed=_compressed(row))


def _compressed(row: Fields) -> int | None:
    return row.maybe_number("compressed") if row.has("compressed") else None


def _sizes(row: Fields) -> tuple[int, int]:
    content, live = row.number("content"), row.number("live")
    if content - live != row.number("wasted"):
        row.fail("does not add up: live and wasted are not the content")
    return content, live


def _rest(row: Fields) -> OtherPackages:
    content, live = _sizes(row)
    return OtherPackages(
        content=content,
        live=live,
        compressed=_compressed(row),
        count=row.number("count"),
        files=row.number("files"),
    )


def _package(row: Fields, layers: Sequence[LayerSummary]) -> PackageFacts:
    content, live = _sizes(row)
    layer, instruction = row.number("layer"), row.number("instruction")
    if layer >= len(layers) or layers[layer].instruction != instruction:
        row.fail("names a layer that doesn't exist or belongs to another instruction")
    try:
        where = unescape_path(row.text("path")).removeprefix(b"/")
    except LayerscopeError as error:
        row.fail(error.message)
    return PackageFacts(
        package=_named(row),
        where=where,
        layer=layer,
        instruction=instruction,
        files=row.number("files"),
        content=content,
        live=live,
        compressed=_compressed(row),
        installed=row.boolean("installed"),
        inside=row.number("inside"),
    )


def _named(row: Fields) -> Package:
    """The package with the parts that only its package URL has: the namespace, and the qualifiers."""
    kind = _type(row.text("type"), row)
    name, purl = row.text("name"), row.text("purl")
    place, _, pairs = purl.partition("?")
    path = place.partition("@")[0].split("/")[1:-1]
    namespace = "/".join(unquote(part) for part in path)
    if namespace and kind not in SYSTEM_TYPES:
        joint = ":" if kind == "maven" else "/"
        if not name.startswith(namespace + joint):
            namespace = name.rpartition(joint)[0]
        name = name[len(namespace) + 1 :]
    package = Package(
        type=kind,
        name=name,
        version=row.text("version"),
        namespace=namespace,
        qualifiers=tuple((key, unquote(value)) for key, _, value in _split(pairs)),
        installer=row.maybe_text("installer"),
    )
    try:
        same = package.purl == purl
    except UnicodeEncodeError:
        same = False
    if not same:
        row.fail(f"has the package URL of another package, {purl[:80]!r}")
    return package


def _type(name: str, row: Fields) -> PackageType:
    kind = _TYPES.get(name)
    if kind is None:
        row.fail(f"has an unknown type of package, {name[:40]!r}")
    return kind


def _split(pairs: str) -> Iterable[tuple[str, str, str]]:
    return (pair.partition("=") for pair in pairs.split("&") if pair)
