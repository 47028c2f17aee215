"""One side of a comparison: the facts of an image or a saved report, and the masks for its secrets."""

from __future__ import annotations

from dataclasses import field, fields

from layerscope.analysis.masked import NO_MASKS, Masks, masks_of
from layerscope.analysis.model import Analysis, Facts, Files, LayerSummary
from layerscope.image.instruction import Instruction
from layerscope.records import dataclass

__all__ = ["Files", "Side", "layer_key"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side(Facts):
    """The facts of one image. Texts are compared unmasked. Use `masks` to hide secrets in a text before you show it."""

    masks: Masks = field(default_factory=Masks, repr=False)

    def shown_text(self, instruction: Instruction) -> str:
        """The masked text of an instruction, with its build arguments if `show_args` was set."""
        if self.masks is NO_MASKS:
            return instruction.text_with_arguments()
        return self.masks.text(instruction.text)

    @classmethod
    def of(cls, analysis: Analysis, *, show_args: bool = False) -> Side:
        """A side from an analysis. Its image must stay open while contents are compared."""
        return cls._of(analysis.facts, NO_MASKS if show_args else masks_of(analysis))

    @classmethod
    def of_facts(cls, facts: Facts, *, show_args: bool = False) -> Side:
        """A side from facts, such as those of a saved report."""
        instructions = [each.instruction for each in facts.instructions]
        return cls._of(facts, NO_MASKS if show_args else Masks.of(facts.config, instructions))

    @classmethod
    def _of(cls, facts: Facts, masks: Masks) -> Side:
        return cls(**{each.name: getattr(facts, each.name) for each in fields(Facts)}, masks=masks)


def layer_key(layer: LayerSummary) -> str | None:
    """A key that is equal for layers with the same content: the diff_id, else the digest; None if neither is known."""
    known = layer.diff_id or layer.digest
    return None if known is None else str(known)
