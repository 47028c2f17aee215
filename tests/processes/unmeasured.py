"""Environments of processes with regard to coverage."""

from __future__ import annotations

import os
from collections.abc import Mapping

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def measurable(env: Mapping[str, str]) -> dict[str, str]:
    """The environment, in which the sandbox of a measured process allows coverage to write its data."""
    if any(name.startswith("COVERAGE_") for name in env):
        return {"LAYERSCOPE_SANDBOX_ALLOW": ROOT, **env}
    return dict(env)


def unmeasured(env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment without coverage: a signal's exception inside coverage leaves its lock taken, and the process hangs."""
    return {name: value for name, value in env.items() if not name.startswith("COVERAGE_")}
