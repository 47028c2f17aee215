"""The types of what is the base image's and what is own, in the report document. The JSON Schema has the same."""

from typing import TypedDict

from layerscope.report.document.package_types import HeldRow


class OriginPackagesRow(HeldRow):
    count: int


class OriginPartRow(TypedDict):
    compressed: int | None
    content: int
    dead_weight: int | None
    instructions: int
    layers: int
    live: int
    packages: OriginPackagesRow | None
    wasted: int


class OriginRow(TypedDict):
    """The two parts add up to the image in each column."""

    base: OriginPartRow
    base_wasted_by_own: int
    own: OriginPartRow
