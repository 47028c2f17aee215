"""A second, deliberately plain opinion on what a stack of layers holds and wastes."""

from tests.model.union import Expected, LayerSums, Waste, expect

__all__ = ["Expected", "LayerSums", "Waste", "expect"]
