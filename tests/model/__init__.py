"""A second, deliberately simple implementation of what a stack of layers contains and wastes."""

import pytest

pytest.register_assert_rewrite("tests.model.sums")

from tests.model.sums import check_sums  # noqa: E402
from tests.model.union import Expected, LayerSums, Waste, expect  # noqa: E402

__all__ = ["Expected", "LayerSums", "Waste", "check_sums", "expect"]
