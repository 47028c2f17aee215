"""How much the random tests try: a quarter of the full count by default, all of it in CI, and more with `.ci/random`.

`LAYERSCOPE_TEST_EFFORT` multiplies the counts. Seeds are fixed. `LAYERSCOPE_TEST_SEED` picks others.
"""

from __future__ import annotations

import os

EFFORT = float(os.environ.get("LAYERSCOPE_TEST_EFFORT", "0.25"))
SEED = os.environ.get("LAYERSCOPE_TEST_SEED")


def examples(full: int) -> int:
    """The number of examples for a test whose full count is `full`."""
    return max(1, round(full * EFFORT))


def seeds(full: int) -> range:
    """The seeds for a test that runs once per seed."""
    first = int(SEED or 0)
    return range(first, first + examples(full))
