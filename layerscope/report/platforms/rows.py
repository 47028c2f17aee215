"""The types of the document of several platforms: every key in `schema/platforms-1.json`."""

from typing import Literal, TypedDict

from layerscope.report.document.rows import ReportDocument


class IndexRow(TypedDict):
    index_digest: str | None
    reference: str
    source: str
    tags: list[str]


class PlatformsTotalRow(TypedDict):
    compressed: int | None
    content: int | None
    layers: int
    tar: int | None


class PlatformsDocument(TypedDict):
    """The reports of an image for all platforms of its index."""

    absent: list[str]
    image: IndexRow
    kind: Literal["platforms"]
    layerscope: str
    platforms: list[ReportDocument]
    schema_version: int
    total: PlatformsTotalRow
