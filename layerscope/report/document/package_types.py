"""The types of the packages in the report document. The JSON Schema has the same."""

from typing import NotRequired, TypedDict


class HeldRow(TypedDict):
    compressed: NotRequired[int | None]
    content: int
    live: int
    wasted: int


class PackageRow(HeldRow):
    """One package: the file versions it owned when they were stored."""

    files: int
    inside: int
    installed: bool
    installer: str | None
    instruction: int
    layer: int
    name: str
    path: str
    purl: str
    type: str
    version: str


class OtherPackagesRow(HeldRow):
    """The sum of the packages that are not listed."""

    count: int
    files: int


class PackagesRow(TypedDict):
    count: int
    largest: list[PackageRow]
    owned: HeldRow
    unowned: HeldRow
    unreadable: list[str]
    rest: NotRequired[OtherPackagesRow]
