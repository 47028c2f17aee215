"""Credentials for the workers: looked up where the scan runs, and sent along with the jobs that need them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from layerscope.errors import LayerscopeError
from layerscope.sources.registry.credentials import Credentials, find_credentials
from layerscope.sources.registry.lent import Lent
from layerscope.sources.registry.mirrors import endpoints
from layerscope.sources.registry.name import RegistryName

Found = dict[tuple[str, str], Credentials]
"""Credentials by registry and repository."""

_FRESH: Final = 600.0
"""Seconds that credentials are used before they are looked up again. Some helpers give them for a short time."""


def lane_of(reference: str) -> str:
    """The registry of a reference, or nothing for a file."""
    scheme, _, name = reference.partition(":")
    return name.partition("/")[0] if scheme == "registry" else ""


class Lender:
    """Looks up credentials, each repository's once in a while. Calls `lends` before it gives any away."""

    def __init__(self, lends: Callable[[], object] | None = None) -> None:
        self._found: dict[tuple[str, str, bool], tuple[float, Found]] = {}
        self._lends = lends

    def lend(self, *references: str) -> Lent | None:
        """What the readers of these images need: also their mirrors' credentials. None for files.

        Raises `ConfigError` if credentials can't be read.
        """
        names = [each.partition(":")[2] for each in references if lane_of(each)]
        if not names:
            return None
        credentials: Found = {}
        for name in names:
            try:
                parsed = RegistryName.parse(name, name)
            except LayerscopeError:
                continue  # the worker reports what is wrong with the name
            credentials.update(self._look_up(parsed))
        if credentials and self._lends is not None:
            self._lends()
            self._lends = None
        return Lent(credentials)

    def _look_up(self, name: RegistryName) -> Found:
        """The credentials for all places that a repository is pulled from."""
        # Mirrors may serve only tags, or only digests.
        key = (name.registry, name.repository, name.digest is None)
        now = time.monotonic()
        since, found = self._found.get(key, (0.0, {}))
        if key not in self._found or now - since > _FRESH:
            found = dict(_credentials(name))
            self._found[key] = now, found
        return found


def _credentials(name: RegistryName) -> Iterator[tuple[tuple[str, str], Credentials]]:
    try:
        places = endpoints(name)
    except LayerscopeError:
        return  # the worker reports it
    for place in places:
        found = find_credentials(place.registry, place.repository)
        if found is not None:
            yield (place.registry, place.repository), found
