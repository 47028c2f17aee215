"""Authorization for one repository: none, basic, or a bearer token (distribution spec, token authentication).

Credentials go only to the registry's own host and its token server. A token server on another host gets them only if
it's known to belong to the registry, or if the user agreed.
"""

from __future__ import annotations

import json
import threading
from dataclasses import field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

from layerscope.errors import SourceUnavailable
from layerscope.records import dataclass
from layerscope.sources.registry.challenge import parse_challenges
from layerscope.sources.registry.credentials import Credentials, find_credentials
from layerscope.sources.registry.lent import Lent, lent_credentials
from layerscope.sources.registry.name import DOCKER_HUB, host_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from layerscope.sources.registry.transport import Transport

    Exchange = Callable[[str, str, Mapping[str, str], bytes | None], tuple[int, bytes]]

_KNOWN_REALMS: Final = {DOCKER_HUB: "auth.docker.io", "registry.gitlab.com": "gitlab.com"}
_CLIENT: Final = "layerscope"
CATALOG: Final = "registry:catalog:*"
"""The scope for listing a registry's repositories (distribution, token scope documentation)."""
_LONGEST_TOKEN: Final = 64 * 1024


@dataclass
class Authorization:
    """The `Authorization` header for pulls from a repository. Threads share it."""

    registry: str
    repository: str
    host: str
    transport: Transport
    exchange: Exchange = field(repr=False)
    """Sends a request with retries, and returns the status and the bounded body. Doesn't follow redirects."""
    realms: tuple[str, ...] = ()
    """Hosts of token servers that the user agreed to."""
    _header: str | None = field(default=None, repr=False)
    _lent: Lent | None = field(init=False, default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def header(self) -> str | None:
        return self._header

    def answer(self, challenge: str | None, used: str | None) -> bool:
        """Get a header in response to a 401. False if there is nothing better than the one that was `used`.

        Raises `SourceUnavailable` if the token server must not be used or doesn't respond.
        """
        with self._lock:
            if self._header != used:
                return True
            for each in parse_challenges(challenge or ""):
                if each.scheme == "bearer" and "realm" in each.parameters:
                    self._header = "Bearer " + self._token(each.parameters)
                    return self._header != used
                if each.scheme == "basic":
                    found = self._credentials()
                    if found is None or not found.user:
                        return False
                    self._header = found.basic
                    return self._header != used
        return False

    def __post_init__(self) -> None:
        self._lent = lent_credentials()

    def _credentials(self) -> Credentials | None:
        if self._lent is not None:
            return self._lent.find(self.registry, self.repository)
        return find_credentials(self.registry, self.repository)

    def _token(self, parameters: dict[str, str]) -> str:
        realm = parameters["realm"]
        parts = self.transport.check_url(realm)
        self.transport.check_public(realm, self.host)
        if parts.scheme == "http" and not self.transport.allows_http(self.host):
            raise SourceUnavailable(f"{self.host} wants a token over plain HTTP")
        credentials = self._credentials()
        if credentials is not None and not self._trusts(parts.hostname or ""):
            raise SourceUnavailable(
                f"{self.host} wants its credentials sent to {parts.netloc}, which is another host",
                hint=f"use --token-server {parts.netloc} if you trust that host",
            )
        scope = f"repository:{self.repository}:pull" if self.repository else CATALOG
        query = {"scope": scope}
        if parameters.get("service"):
            query["service"] = parameters["service"]
        headers: dict[str, str] = {}
        if credentials is not None and credentials.identity_token:
            form = {
                **query,
                "grant_type": "refresh_token",
                "client_id": _CLIENT,
                "refresh_token": credentials.identity_token,
            }
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            status, body = self.exchange("POST", realm, headers, urlencode(form).encode())
        else:
            if credentials is not None:
                headers["Authorization"] = credentials.basic
            joint = "&" if parts.query else "?"
            status, body = self.exchange("GET", f"{realm}{joint}{urlencode(query)}", headers, None)
        if status in (400, 401, 403):
            what = "the credentials" if credentials is not None else "an anonymous pull"
            raise SourceUnavailable(
                f"the token server {parts.netloc} refuses {what} for {self.repository or 'the catalog'}"
                f" (HTTP {status})",
                hint=f"run `docker login {self.registry}`",
            )
        if status != 200:
            raise SourceUnavailable(
                f"the token server {parts.netloc} responded with HTTP {status}",
                hint="try again later",
            )
        return _read_token(body, parts.netloc)

    def _trusts(self, realm: str) -> bool:
        """Whether credentials may go to a token server's host."""
        if realm == host_of(self.host) or realm == _KNOWN_REALMS.get(self.registry):
            return True
        return realm in map(host_of, self.realms)


def _read_token(body: bytes, server: str) -> str:
    try:
        value = json.loads(body)
        token = value.get("token") or value.get("access_token")
    except (ValueError, AttributeError, RecursionError):
        token = None
    if not isinstance(token, str) or not token.isascii() or len(token) > _LONGEST_TOKEN:
        raise SourceUnavailable(f"the token server {server} sent a response without a token")
    if any(character.isspace() or not character.isprintable() for character in token):
        raise SourceUnavailable(f"the token server {server} sent a token that cannot be used")
    return token


def same_host(one: str, other: str) -> bool:
    """Whether two addresses have the same scheme, host, and port."""
    first, second = urlsplit(one), urlsplit(other)
    ports = {"https": 443, "http": 80}
    return (first.scheme, first.hostname, first.port or ports.get(first.scheme)) == (
        second.scheme,
        second.hostname,
        second.port or ports.get(second.scheme),
    )
