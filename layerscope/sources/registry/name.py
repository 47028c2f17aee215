"""The name of an image in a registry: host, repository, and a tag or a digest (OCI distribution specification)."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from layerscope.errors import BadReference
from layerscope.image.digest import Digest
from layerscope.records import dataclass
from layerscope.sources.names import familiar, normal
from layerscope.sources.reference import check_name

DOCKER_HUB: Final = "docker.io"
_HUB_HOST: Final = "registry-1.docker.io"
_HUB_ALIASES: Final = ("docker.io", "index.docker.io", _HUB_HOST)
LONGEST_REPOSITORY: Final = 255
_COMPONENT: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY: Final = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*", re.ASCII)


@dataclass(frozen=True, slots=True)
class RegistryName:
    """A full name. `registry` is the host's usual name, such as `docker.io`. `reference` is a tag or a digest."""

    registry: str
    repository: str
    reference: str
    digest: Digest | None

    @classmethod
    def parse(cls, text: str, reference: str) -> RegistryName:
        """Complete a short name the way Docker does. Raises `BadReference`, and `FormatError` for a bad digest."""
        check_name(text, reference)
        full = normal(text)
        registry, _, rest = full.partition("/")
        path, at, digest_text = rest.partition("@")
        digest = Digest.parse(digest_text, "the reference") if at else None
        repository, colon, tag = path.rpartition(":")
        if not colon:
            repository, tag = path, "latest"
        if _REPOSITORY.fullmatch(repository) is None:
            raise BadReference(
                f"{repository[:200]!r} is not the name of a repository",
                hint="write it in lower case",
            )
        if registry in _HUB_ALIASES:
            registry = DOCKER_HUB
        return cls(registry, repository, str(digest) if digest else tag, digest)

    @property
    def shown(self) -> str:
        """The short form of the name, as you would write it."""
        sign = "@" if self.digest is not None else ":"
        return familiar(f"{self.registry}/{self.repository}{sign}{self.reference}")


def is_repository(text: str) -> bool:
    """Whether a text is the name of a repository, without its registry."""
    return len(text) <= LONGEST_REPOSITORY and _REPOSITORY.fullmatch(text) is not None


def api_host(registry: str) -> str:
    """The host that serves a registry's API."""
    return _HUB_HOST if registry == DOCKER_HUB else registry


def host_of(netloc: str) -> str:
    """The host of `host[:port]`, without the brackets of an IPv6 address."""
    if netloc.startswith("["):
        return netloc[1:].partition("]")[0]
    return netloc.partition(":")[0]


def is_loopback(netloc: str) -> bool:
    """Whether a host is this machine, by name or address. Engines allow plain HTTP there."""
    host = host_of(netloc)
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
