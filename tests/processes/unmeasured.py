"""The environment of a process that gets a signal."""

from __future__ import annotations

import os
from collections.abc import Mapping


def unmeasured(env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment without coverage: a signal's exception inside coverage leaves its lock taken, and the process hangs."""
    return {name: value for name, value in env.items() if not name.startswith("COVERAGE_")}
