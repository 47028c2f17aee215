"""What the screens share about one image: its analysis, its flat tree of names, and the views computed so far."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.advise import advise
from layerscope.analysis.base_instructions import base_instructions
from layerscope.analysis.grouping import WasteSummary
from layerscope.analysis.masked import masked
from layerscope.options import DEFAULT_OPTIONS, ReadOptions
from layerscope.tui.model.outline import TreeOutline
from layerscope.tui.model.overview_rows import OverviewRows
from layerscope.tui.model.selection import Selection
from layerscope.tui.model.view import (
    ADDED,
    FLEETING,
    MODIFIED,
    REMOVED,
    REWRITTEN,
    SAME,
    Scope,
    Totals,
    entry_in,
    measure,
)

if TYPE_CHECKING:
    from layerscope.analysis.model import Analysis, InstructionSummary
    from layerscope.filesystem.entry import Entry
    from layerscope.filesystem.node import Node

KEPT_NAMES: Final = 3_000_000
"""The most names over all cached views. A view takes about 20 bytes per name."""
Change = Literal["added", "modified", "removed", "unchanged"]
CHANGES: Final[dict[Change, frozenset[int]]] = {
    "added": frozenset({ADDED}),
    "modified": frozenset({MODIFIED, REWRITTEN}),
    "removed": frozenset({REMOVED, FLEETING}),
    "unchanged": frozenset({SAME}),
}


class Session:
    """One open image, with its secrets masked unless `show_args`. The worker that reads it creates it for the screens."""

    def __init__(
        self,
        analysis: Analysis,
        *,
        show_args: bool = False,
        options: ReadOptions = DEFAULT_OPTIONS,
    ) -> None:
        self.options = options
        """How the image was read, and how another one is read to compare it with."""
        analysis = analysis if show_args else masked(analysis)
        self.analysis = analysis
        self.outline = TreeOutline(analysis.tree)
        self.summary = WasteSummary(analysis.waste)
        self.pairs = self.summary.pairs()
        self.advice: tuple[Advice, ...] = advise(analysis, self.summary)
        self.base_instructions = base_instructions(analysis.facts)
        self.overview = OverviewRows(analysis, self.advice, self.summary)
        self._views: OrderedDict[Scope, Totals] = OrderedDict()
        self.totals(self.whole)

    @property
    def last_layer(self) -> int:
        return max(0, len(self.analysis.layers) - 1)

    @property
    def whole(self) -> Scope:
        """The filesystem that a container sees."""
        return Scope("tree", self.last_layer, self.last_layer)

    def known_totals(self, scope: Scope) -> Totals | None:
        totals = self._views.get(scope)
        if totals is not None:
            self._views.move_to_end(scope)
        return totals

    def totals(self, scope: Scope, cancelled: Callable[[], bool] | None = None) -> Totals:
        """The view's totals; the first call walks over all names. Raises `Cancelled`."""
        totals = self.known_totals(scope)
        if totals is None:
            totals = self._views[scope] = measure(self.outline, scope, cancelled)
            while len(self._views) > max(2, KEPT_NAMES // len(self.outline)):
                oldest = next(kept for kept in self._views if kept != self.whole)
                del self._views[oldest]
        return totals

    def entry(self, number: int, scope: Scope) -> Entry | None:
        return entry_in(self.outline.node(number), scope)

    def selection(self, node: Node, layer: int) -> Selection:
        """A file or directory as it is after a layer."""
        when = f"as it is after instruction {self.instruction_of_layer(layer)}"
        return Selection(node, layer, when, self.analysis.indexes)

    def instruction(self, index: int) -> InstructionSummary | None:
        found = self.analysis.instructions
        return found[index] if 0 <= index < len(found) else None

    def instruction_of_layer(self, layer: int) -> int:
        return self.analysis.layers[layer].instruction if self.analysis.layers else 0

    def layer_at(self, instruction: int) -> int | None:
        """The layer whose filesystem exists after an instruction; None before the first layer."""
        found = None
        for summary in self.analysis.instructions[: instruction + 1]:
            if summary.instruction.layers:
                found = max(summary.instruction.layers)
        return found
