"""One side of a comparison: the facts of an image or a saved report, and the masks for its secrets."""

from __future__ import annotations

from dataclasses import field, fields

from layerscope.analysis.advice.advise import advise
from layerscope.analysis.causes import causes_of
from layerscope.analysis.comparison.explained import CauseKey, Explained, GivenAdvice
from layerscope.analysis.masked import NO_MASKS, Masks, masked, masks_of
from layerscope.analysis.model import Analysis, Facts, Files, LayerSummary
from layerscope.analysis.ownership import Ownership
from layerscope.image.instruction import Instruction
from layerscope.records import dataclass

__all__ = ["Files", "Side", "layer_key"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side(Facts):
    """The facts of one image. Texts are compared unmasked. Use `masks` to hide secrets in a text before you show it."""

    masks: Masks = field(default_factory=Masks, repr=False)
    ownership: Ownership | None = field(default=None, repr=False)
    """Which package owns each file; None if it is unknown, as for a saved report."""
    explained: Explained | None = field(default=None, repr=False)
    """Why the image is big and what to do; None if it is unknown."""

    def shown_text(self, instruction: Instruction) -> str:
        """The masked text of an instruction, with its build arguments if `show_args` was set."""
        if self.masks is NO_MASKS:
            return instruction.text_with_arguments()
        return self.masks.text(instruction.text)

    @classmethod
    def of(cls, analysis: Analysis, *, show_args: bool = False) -> Side:
        """A side from an analysis. Its image must stay open while contents are compared."""
        masks = NO_MASKS if show_args else masks_of(analysis)
        explained = None if analysis.facts.head else _explain(analysis, show_args=show_args)
        return cls._of(analysis.facts, masks, analysis.ownership, explained)

    @classmethod
    def of_facts(
        cls, facts: Facts, *, show_args: bool = False, explained: Explained | None = None
    ) -> Side:
        """A side from facts, such as those of a saved report."""
        instructions = [each.instruction for each in facts.instructions]
        masks = NO_MASKS if show_args else Masks.of(facts.config, instructions, base=facts.base)
        return cls._of(facts, masks, explained=explained)

    @classmethod
    def _of(
        cls,
        facts: Facts,
        masks: Masks,
        ownership: Ownership | None = None,
        explained: Explained | None = None,
    ) -> Side:
        known = {each.name: getattr(facts, each.name) for each in fields(Facts)}
        return cls(**known, masks=masks, ownership=ownership, explained=explained)


def _explain(analysis: Analysis, *, show_args: bool) -> Explained:
    shown = analysis if show_args else masked(analysis)
    texts = [each.instruction.text for each in shown.instructions]
    return Explained(
        causes={
            CauseKey(cause.base, cause.kind, cause.name): cause.bytes
            for cause in causes_of(analysis)
        },
        advice=tuple(
            GivenAdvice(
                rule=each.rule,
                message=each.message,
                bytes=each.bytes,
                compressed=each.compressed,
                instruction=each.instruction,
                text="" if each.instruction is None else texts[each.instruction],
            )
            for each in advise(shown)
        ),
    )


def layer_key(layer: LayerSummary) -> str | None:
    """A key that is equal for layers with the same content: the diff_id, else the digest; None if neither is known."""
    known = layer.diff_id or layer.digest
    return None if known is None else str(known)
