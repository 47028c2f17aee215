"""The pull half of the OCI distribution API for one repository: authorization, redirects, retries, resuming."""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from layerscope.errors import ImageNotFound, SourceUnavailable
from layerscope.limits import too_large
from layerscope.progress import CancelledCallback, stop_if
from layerscope.records import dataclass
from layerscope.sources.registry.authorization import Authorization, same_host
from layerscope.sources.registry.transport import Transport

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

TRIES: Final = 5
FIRST_PAUSE = 0.5
"""Seconds before the first retry. Each later pause is twice as long."""
_REDIRECTS: Final = 5
_LONGEST_WAIT: Final = 60.0
_BUSY: Final = (429, 500, 502, 503, 504)
_MOVED: Final = (301, 302, 303, 307, 308)
_BODY: Final = 1024 * 1024
_PIECE: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host with the repository: the registry itself or a mirror. `host` can have a port.

    An empty `repository` stands for the registry as a whole, which has a catalog.
    """

    registry: str
    host: str
    repository: str
    insecure: bool = False


@dataclass
class Client:
    """Talks to one endpoint. Threads share it."""

    endpoint: Endpoint
    transport: Transport
    realms: tuple[str, ...] = ()
    cancelled: CancelledCallback | None = None
    requests: int = 0
    """The number of requests sent so far, including those to token servers."""
    _scheme: str = "https"
    _authorization: Authorization = field(init=False)

    def __post_init__(self) -> None:
        self._authorization = Authorization(
            registry=self.endpoint.registry,
            repository=self.endpoint.repository,
            host=self.endpoint.host,
            transport=self.transport,
            exchange=self._exchange_token,
            realms=self.realms,
        )

    def get(self, path: str, headers: Mapping[str, str]) -> BaseHTTPResponse:
        """A response with status 200 or 206 and its body unread, for `path` below the repository.

        Raises `ImageNotFound` for 404 and `SourceUnavailable`.
        """
        response = self._authorized(path, headers)
        if response.status in (200, 206):
            return response
        message = self._explain(response, path)
        if response.status == 404:
            raise ImageNotFound(message)
        hint = "try again later"
        if response.status in (401, 403):
            hint = f"run `docker login {self.endpoint.registry}` with an account that may pull"
        raise SourceUnavailable(message, hint=hint)

    def get_document(
        self, path: str, headers: Mapping[str, str], max_bytes: int
    ) -> tuple[bytes, str]:
        """The whole body of a small response, and its media type. Raises `LimitExceeded` and what `get` raises."""
        body, told = self._get_small(path, headers, max_bytes)
        return body, told.get("Content-Type", "").partition(";")[0].strip().lower()

    def get_page(self, path: str, max_bytes: int) -> tuple[bytes, str | None]:
        """The whole body of a page of a listing, and its `Link` header. Raises what `get_document` raises."""
        body, told = self._get_small(path, {"Accept": "application/json"}, max_bytes)
        return body, told.get("Link")

    def _get_small(
        self, path: str, headers: Mapping[str, str], max_bytes: int
    ) -> tuple[bytes, Mapping[str, str]]:
        import urllib3

        name = f"{self.endpoint.host}: {path}"
        for attempt in range(TRIES):
            response = self.get(path, headers)
            try:
                body = _read_bounded(response, max_bytes)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                if attempt == TRIES - 1:
                    raise SourceUnavailable(
                        f"{name} stopped early: {reason(error)}", hint="try again later"
                    ) from None
                self.wait(attempt, None)
                continue
            finally:
                response.close()
            if len(body) > max_bytes:
                raise too_large(name, None, max_bytes)
            return body, response.headers
        raise AssertionError("unreachable")

    def wait(self, attempt: int, asked: float | None) -> None:
        """Wait before the next try: as long as the host asked for, or else longer each time."""
        pause = min(30.0, FIRST_PAUSE * 2**attempt)
        seconds = pause * random.uniform(0.7, 1.3) if asked is None else asked  # noqa: S311 - jitter
        while seconds > 0:
            stop_if(self.cancelled)
            step = min(seconds, 0.25)
            time.sleep(step)
            seconds -= step

    def _authorized(self, path: str, headers: Mapping[str, str]) -> BaseHTTPResponse:
        answers = 0
        while True:
            used = self._authorization.header
            own = dict(headers)
            if used is not None:
                own["Authorization"] = used
            response = self._followed(path, own)
            if response.status != 401 or answers == 2:
                return response
            challenge = response.headers.get("WWW-Authenticate")
            foreign = not same_host(str(response.url or ""), self._address(path))
            _drain(response)
            if foreign:
                raise SourceUnavailable(
                    f"{self.endpoint.host} redirects to a host that wants credentials of its own"
                )
            answers += 1
            if not self._authorization.answer(challenge, used):
                raise SourceUnavailable(
                    f"{self.endpoint.host} does not let you"
                    f" {f'pull {self.endpoint.repository}' if self.endpoint.repository else 'list its repositories'}"
                    " (HTTP 401)",
                    hint=f"run `docker login {self.endpoint.registry}`",
                )

    def _address(self, path: str) -> str:
        below = f"{self.endpoint.repository}/{path}" if self.endpoint.repository else path
        return f"{self._scheme}://{self.endpoint.host}/v2/{below}"

    def _followed(self, path: str, headers: dict[str, str]) -> BaseHTTPResponse:
        """Send a request to the registry and follow its redirects. Other hosts get no credentials."""
        response = self._send_first(path, headers)
        url = self._address(path)
        for _ in range(_REDIRECTS):
            location = response.headers.get("Location")
            if response.status not in _MOVED or not location:
                return _at(response, url)
            _drain(response)
            target = _joined(url, location)
            parts = self.transport.check_url(target)
            if urlsplit(url).scheme == "https" and parts.scheme == "http":
                raise SourceUnavailable(
                    f"{self.endpoint.host} redirects from https to plain HTTP on {parts.netloc}"
                )
            self.transport.check_public(target, self.endpoint.host)
            if not same_host(url, target):
                headers = {
                    name: value for name, value in headers.items() if name != "Authorization"
                }
            url = target
            response = self._tried("GET", url, headers, None)
        if response.status in _MOVED:
            _drain(response)
            raise SourceUnavailable(
                f"{self.endpoint.host} redirects more than {_REDIRECTS} times for {path}"
            )
        return _at(response, url)

    def _send_first(self, path: str, headers: Mapping[str, str]) -> BaseHTTPResponse:
        """Use https. If plain HTTP is acceptable, fall back to it once."""
        if self.requests or not self.transport.allows_http(self.endpoint.host):
            return self._tried("GET", self._address(path), headers, None)
        import urllib3

        plain = {name: value for name, value in headers.items() if name != "Authorization"}
        try:
            self.requests += 1
            return self.transport.exchange("GET", self._address(path), plain)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            if not _speaks_no_tls(error):
                return self._tried("GET", self._address(path), headers, None)
            self._scheme = "http"
        return self._tried("GET", self._address(path), headers, None)

    def _tried(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> BaseHTTPResponse:
        """Send a request, with retries if the host is busy or the connection fails."""
        import urllib3

        host = urlsplit(url).netloc
        attempt = 0
        while True:
            stop_if(self.cancelled)
            asked: float | None = None
            try:
                self.requests += 1
                response = self.transport.exchange(method, url, headers, body=body)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                if attempt == TRIES - 1 or _is_final(error, attempt):
                    raise SourceUnavailable(
                        f"{host} does not respond: {reason(error)}", hint=_remedy(error)
                    ) from None
            else:
                if response.status not in _BUSY or attempt == TRIES - 1:
                    return response
                asked = retry_after(response.headers.get("Retry-After"))
                _drain(response)
                if asked is not None and asked > _LONGEST_WAIT:
                    raise SourceUnavailable(
                        f"{host} is busy (HTTP {response.status}) and asks to wait {asked:.0f} s",
                        hint="try again then",
                    )
            self.wait(attempt, asked)
            attempt += 1

    def _exchange_token(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, bytes]:
        import urllib3

        response = self._tried(method, url, headers, body)
        try:
            return response.status, _read_bounded(response, _BODY)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            host = urlsplit(url).netloc
            raise SourceUnavailable(f"{host} stopped early: {reason(error)}") from None
        finally:
            response.close()

    def _explain(self, response: BaseHTTPResponse, path: str) -> str:
        """The reason for a refusal, on one line: the code and message in the distribution spec's error body."""
        import json

        from layerscope.sources.engine import one_line

        told = ""
        with suppress(Exception):
            body = _read_bounded(response, _PIECE)
            error = json.loads(body)["errors"][0]
            told = one_line(f"{error.get('code', '')} {error.get('message', '')}")
        response.close()
        where = f"{self.endpoint.host}/{self.endpoint.repository}".removesuffix("/")
        what = f"responded with HTTP {response.status}"
        if response.status == 404:
            what = f"has no {self._missing(path)}"
        return f"{where} {what}" + (f": {told}" if told else "")

    def _missing(self, path: str) -> str:
        kind, _, name = path.partition("/")
        if not self.endpoint.repository:
            return "catalog of repositories"
        if kind == "blobs":
            return f"blob {name}, although its manifest names it"
        return f"image {name}" if ":" in name else f"tag {name}"


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


def _at(response: BaseHTTPResponse, url: str) -> BaseHTTPResponse:
    response.url = url
    return response


def _drain(response: BaseHTTPResponse) -> None:
    """Return a connection to the pool if little is left to read, or else close it."""
    with suppress(Exception):
        response.read(_PIECE)
    response.close()


def _read_bounded(response: BaseHTTPResponse, max_bytes: int) -> bytes:
    """The body, up to one byte more than allowed, no matter what length the host announces."""
    parts: list[bytes] = []
    left = max_bytes + 1
    while left > 0 and (part := response.read(min(left, _PIECE))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def retry_after(value: str | None) -> float | None:
    """Seconds to wait, from a number or a date (RFC 9110 section 10.2.3); None for anything else."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _speaks_no_tls(error: BaseException) -> bool:
    """Whether a failure means that the port speaks plain HTTP, or that nothing listens on the TLS port."""
    import urllib3

    return isinstance(
        error,
        urllib3.exceptions.SSLError
        | urllib3.exceptions.NewConnectionError
        | urllib3.exceptions.ProtocolError
        | ssl.SSLError,
    )


def _is_final(error: BaseException, attempt: int) -> bool:
    """Whether a retry can't help: a bad certificate, an unknown host name, or a connection refused twice."""
    import urllib3

    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return True
    if isinstance(
        error, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError
    ):
        return attempt > 0
    return isinstance(error, urllib3.exceptions.SSLError) and "CERTIFICATE" in str(error).upper()


def _remedy(error: BaseException) -> str:
    if "CERTIFICATE" in str(error).upper():
        return "put its CA certificate into /etc/docker/certs.d/HOST/ca.crt"
    return "check the name, the network, and HTTPS_PROXY"


def reason(error: BaseException) -> str:
    """The core of a network error, without URLs, which can contain a signature."""
    import urllib3

    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return "no such host"
    if isinstance(error, urllib3.exceptions.NewConnectionError):  # older ones are a TimeoutError
        refused = isinstance(error.__cause__ or error.__context__, ConnectionRefusedError)
        return "the connection was refused" if refused else "there is no connection to it"
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "it timed out"
    if isinstance(error, urllib3.exceptions.SSLError) and "CERTIFICATE" in str(error).upper():
        return "its certificate is not trusted"
    if isinstance(error, urllib3.exceptions.IncompleteRead):
        return "the connection was cut"
    inner = error.args[-1] if error.args else None
    if isinstance(inner, OSError) and inner.strerror:
        return inner.strerror[:1].lower() + inner.strerror[1:]
    return type(error).__name__
