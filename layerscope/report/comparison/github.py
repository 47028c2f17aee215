"""What grew from A to B, as workflow commands that GitHub shows as annotations of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from layerscope.report.comparison.words import measure, one_line, pull_words, step_text
from layerscope.report.escape import fit_start
from layerscope.report.formats.github import MOST, command
from layerscope.units import format_delta, format_size

if TYPE_CHECKING:
    from layerscope.report.comparison.rows import ComparisonDocument

LONGEST = 200
"""The most columns of an instruction in an annotation."""


class ComparisonGithub:
    """Writes at most ten notices: the summary first, then the instructions that grew, largest growth first."""

    def render(self, document: ComparisonDocument, out: TextIO) -> None:
        sentence = f"{one_line(document['sentence'])} To pull: {pull_words(document)}."
        out.write(command("notice", sentence, title="layerscope compare"))
        name = measure(document)
        deltas = [(row["sizes"][name]["delta"] or 0, row) for row in document["instructions"]]
        grown = [(delta, row) for delta, row in deltas if delta > 0]
        grown.sort(key=lambda pair: -pair[0])
        room = MOST - 1
        shown = grown if len(grown) <= room else grown[: room - 1]
        for delta, row in shown:
            text = f"instruction {row['b']} grew by {format_size(delta)}"
            if row["status"] == "only_b":
                text = f"instruction {row['b']} is new and adds {format_size(delta)}"
            text += f": {fit_start(step_text(row), LONGEST)}"
            out.write(command("notice", text, title="layerscope compare: grown"))
        left = grown[len(shown) :]
        if left:
            together = format_delta(sum(delta for delta, _ in left))
            text = f"{len(left):,} more instructions grew, {together} together"
            out.write(command("notice", text, title="layerscope compare: grown"))
