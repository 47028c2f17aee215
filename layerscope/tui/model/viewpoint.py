"""Which layers the files are viewed from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.records import dataclass
from layerscope.tui.model.view import MODES, Mode, Scope

if TYPE_CHECKING:
    from layerscope.analysis.model import InstructionSummary
    from layerscope.tui.model.session import Session


@dataclass(slots=True)
class Viewpoint:
    """The kind of view, and the instruction where a range starts; None means the first one."""

    session: Session
    mode: Mode = "tree"
    range_start: int | None = None

    def next_mode(self) -> Mode:
        return MODES[(MODES.index(self.mode) + 1) % len(MODES)]

    def scope(self, current: InstructionSummary | None) -> Scope | None:
        """The view for the selected instruction; None before the first layer."""
        if current is None:
            return self.session.whole
        layers = current.instruction.layers
        last = self.session.layer_at(current.instruction.index)
        if last is None:
            return None
        first = min(layers) if layers else last
        if self.mode != "range":
            return Scope(self.mode, first, last)
        start = self._start_layer()
        return Scope("range", min(start, first), max(start, last))

    def _start_layer(self) -> int:
        if self.range_start is None:
            return 0
        for each in self.session.analysis.instructions[self.range_start :]:
            if each.instruction.layers:
                return min(each.instruction.layers)
        return self.session.last_layer

    def instructions_of(self, scope: Scope, current: InstructionSummary | None) -> frozenset[int]:
        """The instructions whose changes a view shows."""
        if scope.mode == "tree" and current is not None:
            return frozenset({current.instruction.index})
        return frozenset(
            each.instruction.index
            for each in self.session.analysis.instructions
            if any(scope.first <= layer <= scope.last for layer in each.instruction.layers)
        )
