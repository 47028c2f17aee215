"""Credentials for the workers: looked up where the scan runs, and sent along with the jobs that need them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from layerscope.errors import LayerscopeError
from layerscope.sources.registry.credentials import Credentials, find_credentials
from layerscope.sources.registry.lent import Lent
from layerscope.sources.registry.mirrors import endpoints
from layerscope.sources.registry.name import RegistryName

_FRESH: Final = 600.0
"""Seconds that credentials are used before they are looked up again. Some helpers give them for a short time."""


def lane_of(reference: str) -> str:
    """The registry of a reference, or nothing for a file."""
    scheme, _, name = reference.partition(":")
    return name.partition("/")[0] if scheme == "registry" else ""


class Lender:
    """Looks up credentials, each repository's once in a while. Calls `lends` before it gives any away."""

    def __init__(self, lends: Callable[[], object] | None = None) -> None:
        self._found: dict[tuple[str, str], tuple[float, Credentials | None]] = {}
        self._lends = lends

    def lend(self, *references: str) -> Lent | None:
        """What the readers of these images need: also their mirrors' credentials. None for files.

        Raises `ConfigError` if credentials can't be read.
        """
        names = [each.partition(":")[2] for each in references if lane_of(each)]
        if not names:
            return None
        credentials: dict[tuple[str, str], Credentials] = {}
        for name in names:
            try:
                places = endpoints(RegistryName.parse(name, name))
            except LayerscopeError:
                continue  # the worker reports what is wrong with the name
            for place in places:
                found = self._look_up(place.registry, place.repository)
                if found is not None:
                    credentials[place.registry, place.repository] = found
        if credentials and self._lends is not None:
            self._lends()
            self._lends = None
        return Lent(credentials)

    def _look_up(self, registry: str, repository: str) -> Credentials | None:
        now = time.monotonic()
        since, found = self._found.get((registry, repository), (0.0, None))
        if (registry, repository) not in self._found or now - since > _FRESH:
            found = find_credentials(registry, repository)
            self._found[registry, repository] = now, found
        return found
