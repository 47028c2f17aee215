"""Credentials that someone else looked up: the worker of a cluster uses those it is given, and no others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import field

from layerscope.records import dataclass
from layerscope.sources.registry.credentials import Credentials


@dataclass(frozen=True, slots=True)
class Lent:
    """The credentials for some repositories, by registry and repository. Whatever isn't listed is pulled anonymously.

    They never show in a message, a log, or a repr.
    """

    credentials: Mapping[tuple[str, str], Credentials] = field(default_factory=dict, repr=False)

    def find(self, registry: str, repository: str) -> Credentials | None:
        """The credentials for a repository of a registry, and of nothing else."""
        return self.credentials.get((registry, repository))


_LENT: ContextVar[Lent | None] = ContextVar("lent credentials", default=None)


def lent_credentials() -> Lent | None:
    """What was lent to this thread; None if it looks up credentials itself."""
    return _LENT.get()


@contextmanager
def lending(lent: Lent | None) -> Iterator[None]:
    """Use these credentials for the registries that are opened in the block, and no configuration of this machine."""
    token = _LENT.set(lent)
    try:
        yield
    finally:
        _LENT.reset(token)
