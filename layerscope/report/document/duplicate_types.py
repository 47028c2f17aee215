"""The types of the duplicates in the report document. The JSON Schema has the same."""

from typing import NotRequired, TypedDict


class DuplicateRow(TypedDict):
    """The same content under several paths. `bytes` is one copy, and `paths` may be cut off."""

    bytes: int
    compressed: int | None
    copies: int
    hash: str
    instructions: list[int]
    layers: list[int]
    paths: list[str]
    saving: int


class OtherDuplicatesRow(TypedDict):
    """The sum of the groups that are not listed."""

    compressed: int | None
    copies: int
    groups: int
    saving: int


class DuplicatePackageRow(TypedDict):
    """A package that is installed more than once. `bytes` is all of its copies, and `places` may be cut off."""

    bytes: int
    copies: int
    instructions: list[int]
    layers: list[int]
    name: str
    places: list[str]
    saving: int
    type: str
    versions: list[str]


class OtherDuplicatePackagesRow(TypedDict):
    """The sum of the packages that are not listed."""

    copies: int
    groups: int
    saving: int


class DuplicatePackagesRow(TypedDict):
    count: int
    groups: list[DuplicatePackageRow]
    saving: int
    rest: NotRequired[OtherDuplicatePackagesRow]


class UnreadRow(TypedDict):
    """Files that could be duplicates but were not compared."""

    bytes: int
    files: int


class DuplicatesRow(TypedDict):
    copies: int
    count: int
    groups: list[DuplicateRow]
    min_bytes: int
    saving: int | None
    saving_at_least: int
    packages: NotRequired[DuplicatePackagesRow]
    rest: NotRequired[OtherDuplicatesRow]
    unread: NotRequired[UnreadRow]
