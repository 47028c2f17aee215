"""One HTTP exchange with a host: proxies, certificates, and timeouts, but no redirects, retries, or credentials.

This uses `urllib3` directly because higher-level clients send `~/.netrc` credentials unasked and have their own rules
for redirects.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import field
from functools import cached_property
from glob import escape, glob
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from layerscope.errors import ConfigError, SourceUnavailable
from layerscope.records import dataclass
from layerscope.sources.registry.name import host_of, is_loopback

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

CONNECT_SECONDS: Final = 20
READ_SECONDS: Final = 60
_USER_AGENT: Final = "layerscope"
_CERTIFICATE_FOLDERS: Final = ("/etc/containers/certs.d", "/etc/docker/certs.d")


@dataclass
class Transport:
    """Connections to registries, shared by all threads of one image.

    With `insecure`, every host may use plain HTTP or an unverified certificate. Otherwise only this machine may.
    """

    insecure: bool = False
    _pools: dict[tuple[str, str | None], PoolManager] = field(default_factory=dict)

    def allows_http(self, netloc: str) -> bool:
        """Whether plain HTTP to a host is acceptable: to this machine, or to any host with `insecure`."""
        return self.insecure or is_loopback(netloc)

    def exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        body: bytes | None = None,
    ) -> BaseHTTPResponse:
        """Send one request and return the response with its body unread.

        Raises `urllib3.exceptions.HTTPError`, and `SourceUnavailable` for a URL that must not be used.
        """
        parts = self.check_url(url)
        return self._pool(parts).request(
            method,
            url,
            body=body,
            headers={"User-Agent": _USER_AGENT, "Accept-Encoding": "identity", **headers},
            redirect=False,
            retries=False,
            preload_content=False,
            decode_content=False,
        )

    def check_url(self, url: str) -> SplitResult:
        """Split a URL that a registry sent. Raises `SourceUnavailable` if it is not plain https."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise SourceUnavailable("a registry sent a malformed URL") from None
        if parts.scheme not in ("http", "https"):
            raise SourceUnavailable(
                f"a registry sent a URL with the scheme {parts.scheme[:20]!r}, not https"
            )
        if not parts.hostname or port == 0:
            raise SourceUnavailable("a registry sent a URL without a host")
        if parts.username is not None or parts.password is not None:
            raise SourceUnavailable(f"a registry sent a URL on {parts.hostname} with a user name")
        if parts.scheme == "http" and not self.allows_http(parts.netloc):
            raise SourceUnavailable(
                f"{parts.netloc} is only reachable over plain HTTP",
                hint="use --insecure if it is your own test registry",
            )
        return parts

    def check_public(self, url: str, origin: str) -> None:
        """Raise `SourceUnavailable` if a public registry points to an address inside this network.

        Names are resolved only if no proxy does that.
        """
        host = urlsplit(url).hostname or ""
        if is_loopback(origin) or self.insecure or host == host_of(origin):
            return
        addresses = [host] if self._proxy(urlsplit(url)) is not None else _resolve(host)
        if any(map(_is_internal, addresses)) and not any(
            map(_is_internal, _resolve(host_of(origin)))
        ):
            raise SourceUnavailable(
                f"{origin} points to {host}, which is an internal address",
                hint="use --insecure if that is intended",
            )

    def close(self) -> None:
        for pool in self._pools.values():
            pool.clear()
        self._pools.clear()

    def _proxy(self, parts: SplitResult) -> str | None:
        proxies = getproxies_environment()
        host = parts.hostname or ""
        if is_loopback(parts.netloc) or proxy_bypass(host):
            return None
        return proxies.get(parts.scheme) or proxies.get("all")

    def _pool(self, parts: SplitResult) -> PoolManager:
        proxy = self._proxy(parts)
        key = (parts.netloc, proxy)
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools.setdefault(key, self._make_pool(parts.netloc, proxy))
        return pool

    def _make_pool(self, netloc: str, proxy: str | None) -> PoolManager:
        import urllib3

        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        context = self._context(netloc)
        if proxy is None:
            return urllib3.PoolManager(maxsize=8, timeout=timeout, ssl_context=context)
        address = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ConfigError(
                f"the proxy in the environment is not an http URL on {address.hostname}",
                hint="set HTTPS_PROXY to http://HOST:PORT",
            )
        headers = None
        if address.username:
            pair = f"{unquote(address.username)}:{unquote(address.password or '')}"
            headers = urllib3.make_headers(proxy_basic_auth=pair)
        port = f":{address.port}" if address.port else ""
        host = f"[{address.hostname}]" if ":" in address.hostname else address.hostname
        return urllib3.ProxyManager(
            f"{address.scheme}://{host}{port}",
            proxy_headers=headers,
            maxsize=8,
            timeout=timeout,
            ssl_context=context,
        )

    def _context(self, netloc: str) -> ssl.SSLContext:
        """TLS settings for a host: the system's CA certificates and those in `certs.d`, as engines use them."""
        if self.allows_http(netloc):
            # Nothing is verified here, and loading the system's certificates takes as long as a small layer.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        else:
            context = ssl.create_default_context()
        for folder in self._certificate_folders:
            place = os.path.join(folder, netloc)
            try:
                for path in sorted(glob(os.path.join(escape(place), "*.crt"))):
                    context.load_verify_locations(cafile=path)
                for path in sorted(glob(os.path.join(escape(place), "*.cert"))):
                    context.load_cert_chain(path, path.removesuffix("cert") + "key")
            except (OSError, ssl.SSLError) as error:
                raise ConfigError(
                    f"the certificates in {place} cannot be used: {error.strerror or error}"
                ) from None
        return context

    @cached_property
    def _certificate_folders(self) -> list[str]:
        config = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
        return [*_CERTIFICATE_FOLDERS, os.path.join(config, "containers", "certs.d")]


def _resolve(host: str) -> list[str]:
    try:
        return [str(row[4][0]) for row in socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)]
    except (OSError, UnicodeError):
        return []


def _is_internal(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return found.is_private or found.is_loopback or found.is_link_local
