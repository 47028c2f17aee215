"""Names of budget rules and of the files they live in: everything the command line needs to know."""

from __future__ import annotations

from typing import Literal, NamedTuple

Quantity = Literal["size", "percent", "share", "count", "growth"]
"""What a rule measures. `growth` is a size, or a percentage of the former size."""

CONFIG_NAME = "layerscope.toml"
PYPROJECT = "pyproject.toml"
DIVE_CI = ".dive-ci"
FORBID_SECRETS = "forbid_secrets"
BASELINE_RULES = (
    "max_growth",
    "max_compressed_growth",
    "max_instruction_growth",
    "max_instruction_compressed_growth",
    "max_path_growth",
    "max_path_compressed_growth",
    "max_package_growth",
    "max_package_compressed_growth",
)
ANCHOR_RULES = ("max_drift", "max_compressed_drift")
GROWTH_RULES = BASELINE_RULES + ANCHOR_RULES
DIVE_RULES = ("lowestEfficiency", "highestWastedBytes", "highestUserWastedPercent")


class RuleName(NamedTuple):
    """A rule as users write it. A value equal to its limit passes. `upper` limits pass smaller values, others larger ones."""

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
    RuleName(
        "max_own_wasted",
        "size",
        True,
        "Content that the image's own instructions waste, in the base image's files too.",
    ),
    RuleName(
        "max_duplicates", "size", True, "Live content that is stored although another file has it."
    ),
    RuleName(
        "max_dead_weight", "size", True, "Live content that a running container hardly needs."
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
    RuleName(
        "max_compressed_growth",
        "growth",
        True,
        "Growth of what one pull transfers against --baseline (2MB or 1%).",
    ),
    RuleName(
        "max_compressed_drift",
        "growth",
        True,
        "Growth of what one pull transfers against --anchor (20MB or 10%).",
    ),
)
"""Every rule with a single limit, in the order of a verdict."""
