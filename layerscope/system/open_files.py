"""How many files a process may have open."""

from __future__ import annotations

import sys


def most_open_files() -> int | None:
    """None if there is no bound, or none that this process could ask for."""
    if sys.platform != "win32":
        import resource

        most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if most != resource.RLIM_INFINITY:
            return most
    return None
