"""What a registry holds: its repositories, and the tags of a repository (OCI distribution specification, listing)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, quote, urlsplit

from layerscope.errors import FormatError, LimitExceeded, UsageError
from layerscope.sources.registry.client import Client, Endpoint
from layerscope.sources.registry.mirrors import endpoints
from layerscope.sources.registry.name import RegistryName, api_host
from layerscope.sources.registry.transport import Transport

if TYPE_CHECKING:
    from layerscope.progress import CancelledCallback

PAGE: Final = 1000
"""Names to ask for at a time. A registry may send fewer."""
MOST_NAMES: Final = 5_000_000
"""The most names that one listing may have."""
_PAGE_BYTES: Final = 8 * 1024 * 1024
_HOST: Final = re.compile(
    r"(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?", re.ASCII
)
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
_NEXT: Final = re.compile(r'<([^>]{1,4096})>\s*;\s*rel="?next"?', re.ASCII)


def is_host(text: str) -> bool:
    """Whether a text is a host with or without a port, as it begins the name of an image in a registry."""
    return _HOST.fullmatch(text) is not None and ("." in text or ":" in text or text == "localhost")


def is_tag(text: str) -> bool:
    """Whether a text can be a tag."""
    return _TAG.fullmatch(text) is not None


def repositories(
    host: str,
    *,
    insecure: bool = False,
    token_servers: tuple[str, ...] = (),
    cancelled: CancelledCallback | None = None,
) -> Iterator[str]:
    """The names of all repositories in a registry's catalog, such as `team/app`. The texts are untrusted.

    Raises `SourceError`, `FormatError` for a catalog that isn't one, and `UsageError` for a text that isn't a host.
    """
    if not is_host(host):
        raise UsageError(f"{host[:200]!r} is not the host of a registry")
    client = _client(Endpoint(host, api_host(host), ""), insecure, token_servers, cancelled)
    try:
        yield from _names(client, "_catalog", "repositories")
    finally:
        client.transport.close()


def tags(
    name: str,
    *,
    insecure: bool = False,
    token_servers: tuple[str, ...] = (),
    cancelled: CancelledCallback | None = None,
) -> Iterator[str]:
    """The tags of a repository such as `registry.example/team/app`. The texts are untrusted.

    Raises what `repositories` raises.
    """
    parsed = RegistryName.parse(name, name)
    client = _client(endpoints(parsed)[-1], insecure, token_servers, cancelled)
    try:
        yield from _names(client, "tags/list", "tags")
    finally:
        client.transport.close()


def _client(
    place: Endpoint,
    insecure: bool,
    token_servers: tuple[str, ...],
    cancelled: CancelledCallback | None,
) -> Client:
    transport = Transport(insecure=insecure or place.insecure)
    return Client(place, transport, realms=token_servers, cancelled=cancelled)


def _names(client: Client, path: str, key: str) -> Iterator[str]:
    """The names on all pages. Only `last` is taken from a link to the next page, so it can't lead elsewhere."""
    last = ""
    count = 0
    while True:
        query = f"{path}?n={PAGE}" + (f"&last={quote(last, safe='')}" if last else "")
        body, link = client.get_page(query, _PAGE_BYTES)
        found = _page(body, key, f"{client.endpoint.host}: {path}")
        for name in found:
            count += 1
            if count > MOST_NAMES:
                raise LimitExceeded(
                    f"{client.endpoint.host} lists more than {MOST_NAMES} names",
                    hint="scan its repositories one by one",
                )
            yield name
        following = _last(link)
        if following is None:
            return
        if following == last:
            raise FormatError(f"{client.endpoint.host}: {path} links from a page to itself")
        last = following


def _page(body: bytes, key: str, name: str) -> list[str]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise FormatError(f"{name} is not JSON") from None
    found = value.get(key) if isinstance(value, dict) else None
    if found is None and isinstance(value, dict) and key in value:
        return []  # registries write null for a repository without tags
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise FormatError(f"{name} has no list of {key}")
    return found


def _last(link: str | None) -> str | None:
    match = _NEXT.search(link or "")
    if match is None:
        return None
    try:
        values = parse_qs(urlsplit(match[1]).query, max_num_fields=20).get("last")
    except ValueError:
        return None
    return values[0] if values else None
