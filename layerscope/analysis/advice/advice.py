"""A piece of advice: a change to the build, and what it saves."""

from __future__ import annotations

from layerscope.analysis.advice.edits import Edit
from layerscope.analysis.model import WasteKind
from layerscope.image.instruction import Location
from layerscope.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A change to the build that saves `bytes` of content.

    `message` is one line: where, what to change, and what that saves. `rule` is the id of the rule that gives it.
    `bytes` is None if nobody measured the saving, or if the change saves time and no bytes. `compressed` is what a pull
    saves, None if unknown. `instruction` is the one to edit and `location` its lines, None if unknown. `written_by` wrote the files. `kind`
    and `wasted_by` are about waste; they are None for live files. `edits` make the change in a Dockerfile; none if a
    person has to think about it, and `reason` may say why.
    """

    rule: str
    message: str
    bytes: int | None
    compressed: int | None = None
    files: int = 0
    instruction: int | None = None
    location: Location | None = None
    written_by: int | None = None
    kind: WasteKind | None = None
    wasted_by: int | None = None
    edits: tuple[Edit, ...] = ()
    reason: str = ""
