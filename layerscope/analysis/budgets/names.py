"""What the rules of a budget are called, and where they are found: all that a command line needs of them."""

from __future__ import annotations

from typing import Literal, NamedTuple

Quantity = Literal["size", "percent", "share", "count", "growth"]
"""What a rule is measured in; `growth` is a size, or a percentage of what it grew from."""

CONFIG_NAME = "layerscope.toml"
PYPROJECT = "pyproject.toml"
DIVE_CI = ".dive-ci"
DIVE_RULES = ("lowestEfficiency", "highestWastedBytes", "highestUserWastedPercent")


class RuleName(NamedTuple):
    """A rule as people write it. `upper` limits are passed by anything up to and including the limit, others from it on."""

    name: str
    quantity: Quantity
    upper: bool
    help: str


RULE_NAMES = (
    RuleName("max_size", "size", True, "Content of all layers."),
    RuleName("max_own_size", "size", True, "Content of all layers but the base image's."),
    RuleName("max_compressed_size", "size", True, "Compressed layers: what one pull transfers."),
    RuleName("max_tar_size", "size", True, "Uncompressed layer tars, headers included."),
    RuleName("max_wasted", "size", True, "Wasted content."),
    RuleName("max_wasted_percent", "percent", True, "Wasted content, in percent of the content."),
    RuleName(
        "min_efficiency", "share", False, "Live content as a share of the content (0.95 or 95%)."
    ),
    RuleName("max_layers", "count", True, "Number of layers."),
    RuleName("max_layer_size", "size", True, "Content of the largest layer."),
    RuleName("max_growth", "growth", True, "Growth of the content against --baseline (2MB or 1%)."),
    RuleName(
        "max_drift",
        "growth",
        True,
        "Growth of the content against --anchor, which stays where it is (20MB or 10%).",
    ),
)
"""Every rule that has one limit, in the order in which a verdict lists them."""
