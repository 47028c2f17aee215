"""What `COPY --from` takes: the instructions of the other stage that can have made the files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.analysis.mentions import short_command
from layerscope.report.words import one_line

if TYPE_CHECKING:
    from layerscope.report.document.copied_types import StageStepRow
    from layerscope.report.document.rows import RecordedInstructionRow

SHOWN = 3
"""The most instructions that are named in one line."""
_WIDTH = 60


def copied_words(row: RecordedInstructionRow, most: int = SHOWN) -> str:
    """`from stage builder, made by line 11 RUN make or line 8 COPY . /src`. Empty for another instruction."""
    if "copied_from" not in row:
        return ""
    copied = row["copied_from"]
    if copied["stage"] is None:
        return f"from image {image_name(copied['image'])}"
    steps = copied["instructions"]
    named = [step_words(step, copied["stage"]) for step in steps[:most]]
    left = len(steps) - len(named) + copied.get("left_out", 0)
    if left:
        named.append(f"{left} more")
    if copied["image"] is not None:
        named.append(f"its image {image_name(copied['image'])}")
    made = f", made by {' or '.join(named)}" if named else ""
    return f"from stage {one_line(copied['stage'], _WIDTH)}{made}"


def step_words(step: StageStepRow, stage: str | None = None) -> str:
    """`line 8 COPY . /src`, with the stage if it is another one than `stage`."""
    where = "" if step["location"] is None else f"line {step['location']['start_line']} "
    text = one_line(short_command(step["text"].partition("\n")[0]), _WIDTH)
    other = step["stage"] if step["stage"] != stage else None
    return f"{where}{text}" + (f" (stage {one_line(other, _WIDTH)})" if other else "")


def image_name(name: str | None) -> str:
    """The name of an image, without its digest and the usual registry."""
    short = (name or "").partition("@")[0]
    for prefix in ("docker.io/library/", "docker.io/"):
        short = short.removeprefix(prefix)
    return one_line(short or name or "", _WIDTH)
