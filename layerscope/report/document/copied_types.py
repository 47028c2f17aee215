"""The types of what `COPY --from` takes, in the report document. The JSON Schema has the same."""

from typing import NotRequired, TypedDict


class LocationRow(TypedDict):
    end_line: int
    file: str
    start_line: int


class StageStepRow(TypedDict):
    """An instruction of another stage, which has no line if it comes from its base image."""

    location: LocationRow | None
    stage: str | None
    text: str


class CopiedFromRow(TypedDict):
    """The instructions that can have made what is copied, nearest first."""

    evidence: str
    image: str | None
    instructions: list[StageStepRow]
    narrowed: bool
    stage: str | None
    left_out: NotRequired[int]
