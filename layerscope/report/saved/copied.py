"""What `COPY --from` takes, from a saved report."""

from __future__ import annotations

from layerscope.image.instruction import CopiedFrom, Location, StageStep
from layerscope.report.saved.fields import Fields


def read_copied(row: Fields) -> CopiedFrom | None:
    """The source of an instruction, if it has one."""
    if not row.has("copied_from"):
        return None
    copied = row.object("copied_from")
    return CopiedFrom(
        stage=copied.maybe_text("stage"),
        image=copied.maybe_text("image"),
        instructions=tuple(_step(each) for each in copied.objects("instructions")),
        narrowed=copied.boolean("narrowed"),
        left_out=copied.number("left_out") if copied.has("left_out") else 0,
        evidence=copied.text("evidence"),
    )


def read_location(row: Fields) -> Location | None:
    place = row.maybe_object("location")
    if place is None:
        return None
    return Location(place.text("file"), place.number("start_line"), place.number("end_line"))


def _step(row: Fields) -> StageStep:
    return StageStep(
        text=row.text("text"), location=read_location(row), stage=row.maybe_text("stage")
    )
