"""The packages of an image with the bytes they really store, largest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from layerscope.analysis.model import sum_of
from layerscope.analysis.ownership import Ownership, PackageShare
from layerscope.packages.package import Package, PackageType
from layerscope.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Bytes that files store: all of them, and those that are live.

    `compressed` is what the files take in the compressed blobs; None if unknown.
    """

    content: int
    live: int
    compressed: int | None = None

    @property
    def wasted(self) -> int:
        return self.content - self.live


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFacts(Held):
    """One package: `content` counts the file versions it owned when they were stored, `files` how many those are.

    `layer` is the first layer after which the package is installed, `instruction` is the one of that layer, and `where`
    is the document that names the package. `installed` says that the final filesystem has it: an old version that a later
    layer replaces, or a package that it removes, is not installed. `inside` counts the packages built into its files,
    whose own bytes are unknown.
    """

    package: Package
    where: bytes
    layer: int
    instruction: int
    files: int
    installed: bool
    inside: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherPackages(Held):
    """The sum of the packages that a saved report doesn't list."""

    count: int
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """All packages, the most content first. `owned` and `unowned` add up to the image's content.

    A saved report may list only the largest packages; `rest` is the sum of the others. `unreadable` are the types of
    databases that can't be read, so that packages of these types may be missing.
    """

    owned: Held
    unowned: Held
    rows: tuple[PackageFacts, ...]
    rest: OtherPackages | None = None
    unreadable: tuple[PackageType, ...] = ()


def package_facts(ownership: Ownership, instructions: Sequence[int]) -> Packages:
    """The packages of an image; `instructions` gives the instruction of each layer."""
    rows = sorted((_facts(each, instructions) for each in ownership.packages), key=_order)
    return Packages(
        owned=Held(
            content=sum(row.content for row in rows),
            live=sum(row.live for row in rows),
            compressed=sum_of(row.compressed for row in rows),
        ),
        unowned=Held(
            content=ownership.unowned.content,
            live=ownership.unowned.live,
            compressed=ownership.unowned.compressed,
        ),
        rows=tuple(rows),
        unreadable=tuple(sorted(ownership.unreadable)),
    )


def name_matcher(pattern: str) -> Callable[[str, str], bool]:
    """A test of a package's type and name: whether `type:name` or the name alone matches a shell pattern."""

    def matches(kind: str, name: str) -> bool:
        return fnmatchcase(name, pattern) or fnmatchcase(f"{kind}:{name}", pattern)

    return matches


def _facts(share: PackageShare, instructions: Sequence[int]) -> PackageFacts:
    return PackageFacts(
        package=share.package,
        where=share.where,
        layer=share.layer,
        instruction=instructions[share.layer],
        files=share.files,
        content=share.content,
        live=share.live,
        compressed=share.compressed,
        installed=share.installed,
        inside=len(share.inside),
    )


def _order(row: PackageFacts) -> tuple[int, str, int, bytes]:
    return -row.content, row.package.purl, row.layer, row.where
