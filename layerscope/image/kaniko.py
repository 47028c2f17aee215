"""What a Dockerfile adds to the history that kaniko writes.

kaniko only records steps that made a layer, and with `--single-snapshot` only the Dockerfile's last step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from layerscope.image.dialects import FILESYSTEM_KEYWORDS
from layerscope.image.dockerfile import Step
from layerscope.image.history import HistoryEntry
from layerscope.image.image import Base
from layerscope.image.instruction import Instruction

AUTHOR: Final = "kaniko"


def is_single_snapshot(history: Sequence[HistoryEntry], steps: Sequence[Step]) -> bool:
    """Whether kaniko's only entry is the last of several steps, so that its layer can hold what all of them stored."""
    own = [entry for entry in history if entry.author == AUTHOR]
    changing = [step for step in steps if step.keyword in FILESYSTEM_KEYWORDS]
    if len(own) != 1 or len(changing) < 2:
        return False
    return own[0].created_by.split(None, 1)[:1] == [steps[-1].keyword]


def base_below(
    history: Sequence[HistoryEntry],
    instructions: Sequence[Instruction],
    steps: Sequence[Step],
    name: str,
) -> Base | None:
    """The base image below kaniko's own entries, if the Dockerfile `name` accounts for all of them.

    An entry that it doesn't account for can come from a base image that kaniko built too.
    """
    own = [place for place, entry in enumerate(history) if entry.author == AUTHOR]
    if not own or own != list(range(own[0], len(history))):
        return None
    made = sum(not history[place].empty_layer for place in own)
    layered = [step for step in instructions if step.layers]
    below, above = layered[: len(layered) - made], layered[len(layered) - made :]
    if any(step.location is None or step.location.file != name for step in above):
        return None
    words = [word for word in steps[0].text.split()[1:] if not word.startswith("--")]
    base_name = words[0] if words and "$" not in words[0] else None
    count = sum(len(step.layers) for step in below)
    if not count or base_name == "scratch":
        return None
    return Base(layers=count, name=base_name, evidence="dockerfile")
