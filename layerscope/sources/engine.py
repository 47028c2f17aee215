"""Looks up, pulls, and saves images with the API that Docker and Podman share, through the `docker` SDK."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

from layerscope.errors import ImageNotFound, LayerscopeError, SourceUnavailable
from layerscope.image.blob import OpenFile
from layerscope.image.image import LOCAL_ENGINE, Image
from layerscope.layers.header import BLOCK_SIZE
from layerscope.progress import Progress, stop_if
from layerscope.records import dataclass
from layerscope.sources.deferred import open_exported
from layerscope.sources.docker_config import check_config
from layerscope.sources.engine_answers import EngineImage, EngineInfo, OddAnswer
from layerscope.sources.files import sieve, spool
from layerscope.sources.names import is_same, normal
from layerscope.sources.reference import check_name
from layerscope.sources.source import BrokenOff, Request
from layerscope.system.pipes import as_system_error, named_pipe_errors
from layerscope.system.unix_sockets import connect

if TYPE_CHECKING:
    from layerscope.sources.engine_api import EngineApi

ANSWER_SECONDS: Final = 60
SAVE_SECONDS: Final = 1800
"""How long a save may stay silent: an engine gathers the whole image before it sends the first byte."""
CHUNK: Final = 1024 * 1024
_END_OF_TAR: Final = bytes(1024)
_TAIL: Final = 16 * 1024
_MOST_PARTS: Final = 10_000
"""How many of a pull's layers count toward its progress."""
_USER: Final = re.compile(r"(?<=://)[^/@\s]*@")


@dataclass(frozen=True, slots=True)
class Place:
    """An engine to talk to: its name in messages, its address, its client's options, and the hint when it doesn't respond."""

    label: str
    host: str
    options: dict[str, Any]
    start_hint: str

    @property
    def voucher(self) -> str:
        """The engine for `Layer.vouched_by`. With a Unix socket or a named pipe, it is on this machine."""
        return LOCAL_ENGINE if self.host.startswith(("unix://", "npipe://")) else self.host

    @property
    def is_local(self) -> bool:
        """Whether the engine can be on this machine. A socket may still lead to another one."""
        return self.host.startswith("unix://")

    def __str__(self) -> str:
        return f"the {self.label} engine at {_USER.sub('', self.host)}"


@contextmanager
def connected(place: Place) -> Iterator[EngineApi]:
    """A client for the engine; raises `ConfigError`, and `SourceUnavailable` when the engine doesn't respond."""
    from layerscope.sources.engine_api import EngineApi

    check_config()
    _knock(place)
    try:
        client = EngineApi(timeout=ANSWER_SECONDS, **place.options)
    except _engine_errors() as error:
        raise unavailable(place, error) from None
    try:
        yield client
    finally:
        client.close()


def _knock(place: Place) -> None:
    """Check that something listens on the Unix socket; the SDK leaks its own socket when nothing does."""
    scheme, _, path = place.host.partition("://")
    if scheme != "unix":
        return
    try:
        connect(path, ANSWER_SECONDS).close()
    except OSError as error:
        raise unavailable(place, error) from None


def _engine_errors() -> tuple[type[Exception], ...]:
    """Everything that the SDK and the libraries under it raise when they can't talk to an engine."""
    import requests
    import urllib3
    from docker.credentials.errors import StoreError
    from docker.errors import DockerException

    return (
        DockerException,
        StoreError,
        requests.RequestException,
        urllib3.exceptions.HTTPError,
        OSError,
        ValueError,
        *named_pipe_errors(),
    )


@contextmanager
def saved(place: Place, name: str, request: Request) -> Iterator[Iterator[bytes]]:
    """The bytes of an image's tarball as the engine sends them, checked to be complete.

    Raises `ImageNotFound`, and `SourceUnavailable` even while the bytes are being read.
    """
    check_name(name, request.reference)
    path = _plain_socket(place)
    if path is not None:
        from layerscope.sources.engine_socket import saving

        def chosen(image: EngineImage) -> str:
            report_start(request)
            return _name_to_save(image, name)

        with ExitStack() as stack:
            try:
                chunks = stack.enter_context(
                    saving(path, name, chosen, SAVE_SECONDS, request.meanwhile)
                )
            except TimeoutError as error:
                raise unavailable(place, error) from None
            if chunks is not None:
                yield whole(_guarded(chunks, place), str(place))
                return
    with connected(place) as client:
        try:
            image = _look_up(client, place, name, request)
            client.timeout = SAVE_SECONDS
            report_start(request)
            chunks = client.get_image(_name_to_save(image, name), CHUNK)
        except _engine_errors() as error:
            raise unavailable(place, error) from None
        yield whole(_guarded(chunks, place), str(place))


def _name_to_save(image: EngineImage, name: str) -> str:
    """The requested tag, which the archive then has too, or else the ID."""
    return _tag(image, name) or image.id


def _tag(image: EngineImage, name: str) -> str | None:
    return next((tag for tag in image.tags if is_same(name, tag)), None)


@dataclass(frozen=True, slots=True)
class Located:
    """An image in an engine, and where the engine keeps it. `tag` is the one that the user means; None for an ID."""

    image: EngineImage
    tag: str | None
    info: EngineInfo


def locate(place: Place, name: str, request: Request) -> Located:
    """Look up an image, and pull it if it is missing and may be pulled. Raises what `saved` raises."""
    check_name(name, request.reference)
    asked = _ask(place, name)
    if asked is not None:
        image, info = asked
        return Located(image, _tag(image, name), info)
    with connected(place) as client:
        try:
            image = _look_up(client, place, name, request)
            return Located(image, _tag(image, name), client.engine_info())
        except _engine_errors() as error:
            raise unavailable(place, error) from None


def _ask(place: Place, name: str) -> tuple[EngineImage, EngineInfo] | None:
    """An image that the engine has, without the SDK; None if only the SDK can talk to it, or say what is wrong."""
    path = _plain_socket(place)
    if path is None:
        return None
    from layerscope.sources.engine_socket import ask

    try:
        return ask(path, name)
    except TimeoutError as error:
        raise unavailable(place, error) from None


def _plain_socket(place: Place) -> str | None:
    """The path of the engine's socket, if it can be asked without the SDK."""
    scheme, _, path = place.host.partition("://")
    config = check_config()
    if scheme != "unix" or not path.startswith("/") or place.options.get("tls"):
        return None
    return None if config.get("HttpHeaders") else path


def saved_name(name: str) -> str:
    """What the save of an image is called in messages and notes."""
    return f"the save of {name!r}"


def identity(place: Place, name: str, request: Request) -> str:
    """What decides what an export of the image would be. Raises what `saved` raises."""
    check_name(name, request.reference)
    asked = _ask(place, name)
    if asked is not None:
        image, _ = asked
    else:
        with connected(place) as client:
            try:
                image = _look_up(client, place, name, request)
            except _engine_errors() as error:
                raise unavailable(place, error) from None
    return f"{place.host} {_name_to_save(image, name)} {image.identity}"


def inspected(place: Place, name: str, request: Request, source: str) -> Image | None:
    """The image as the engine describes it, without its layers; None if the engine doesn't say which config it has.

    Raises what `saved` raises.
    """
    from layerscope.sources.inspected import open_inspected

    check_name(name, request.reference)
    with connected(place) as client:
        try:
            image = _look_up(client, place, name, request)
            if not client.is_podman and client.engine_info().snapshots:
                return None
            answer, history = client.described(image.id)
        except _engine_errors() as error:
            raise unavailable(place, error) from None
    return open_inspected(answer, history, name, _tag(image, name), request, source)


def report_start(request: Request) -> None:
    """Report that the image was found and the save has started. The first byte can take a while."""
    if request.progress is not None:
        request.progress(Progress("export", 0, None))


def open_saved(
    stream: Callable[[], AbstractContextManager[Iterator[bytes]]],
    name: str,
    request: Request,
    source: str,
    *,
    identity: Callable[[], str],
    vouched_by: str = LOCAL_ENGINE,
    reasons: Sequence[str] = (),
) -> Image:
    """The image that an engine saves, kept in a temporary file that goes away when the image is closed.

    If all that is read of it is known, nothing is saved; see `open_exported`.
    """

    told = False

    def export(complete: bool) -> OpenFile:
        nonlocal told
        if request.remark is not None and not told:
            for reason in reasons:
                request.remark(reason)
        told = True
        with stream() as chunks:
            keep = spool if complete else sieve
            return keep(chunks, saved_name(name), request, stage="export")

    return open_exported(
        name, request, source, export=export, identity=identity, vouched_by=vouched_by
    )


def _guarded(chunks: Iterator[bytes], place: Place) -> Iterator[bytes]:
    done = 0
    try:
        for chunk in chunks:
            done += len(chunk)
            yield chunk
    except LayerscopeError:
        raise
    except _engine_errors() as error:
        raise BrokenOff(
            f"{place} stopped after {done} bytes: {cause(error)}", hint="try again"
        ) from None


def whole(chunks: Iterable[bytes], sender: str) -> Iterator[bytes]:
    """The chunks as they arrive; raises `SourceUnavailable` after the last one unless it ends a tar.

    An engine that fails in the middle of a save can only stop, or write its error after the last bytes.
    """
    tail = b""
    done = 0
    for chunk in chunks:
        tail = chunk if len(chunk) >= _TAIL else tail[-_TAIL:] + chunk
        done += len(chunk)
        yield chunk
    if done % BLOCK_SIZE or not tail.endswith(_END_OF_TAR):
        said = _trailing_error(tail[-_TAIL:])
        raise BrokenOff(
            f"{sender} stopped after {done} bytes" + (f": {said}" if said else ""),
            hint="try again, and check its log",
        )


def _trailing_error(tail: bytes) -> str:
    start = tail.rfind(b'{"errorDetail"')
    try:
        message = json.loads(tail[start:])["error"] if start >= 0 else ""
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return one_line(str(message))


def _look_up(client: EngineApi, place: Place, name: str, request: Request) -> EngineImage:
    from docker.errors import APIError, NotFound

    try:
        return client.image(name)
    except NotFound:
        if not request.pull:
            raise ImageNotFound(
                f"{place} has no image {name!r}",
                hint="pull it, or let layerscope pull it with --pull",
            ) from None
    try:
        _pull(client, place, name, request)
        return client.image(name)
    except APIError as error:
        said = one_line(str(error.explanation or error))
        raise ImageNotFound(f"{place} could not pull {name!r}: {said}") from None


def _pull(client: EngineApi, place: Place, name: str, request: Request) -> None:
    platform = str(request.platform) if request.platform is not None else None
    full = normal(name)
    done: dict[str, int] = {}
    for event in client.pull(full, stream=True, decode=True, platform=platform):
        stop_if(request.cancelled)
        if "error" in event:
            raise ImageNotFound(f"{place} could not pull {name!r}: {one_line(str(event['error']))}")
        detail, part = event.get("progressDetail"), event.get("id")
        if event.get("status") != "Downloading" or not isinstance(detail, dict):
            continue
        current = detail.get("current")
        if isinstance(current, int) and isinstance(part, str) and len(done) < _MOST_PARTS:
            done[part] = current
            if request.progress is not None:
                request.progress(Progress("pull", sum(done.values()), None))


def unavailable(place: Place, error: BaseException) -> LayerscopeError:
    """The error that says in one line why an engine can't be used, and how to fix it."""
    from docker.errors import APIError

    if isinstance(error, APIError):
        said = one_line(str(error.explanation or error))
        return SourceUnavailable(f"{place} refused: {said}", hint="check its log")
    if isinstance(error, LayerscopeError):
        return error
    if isinstance(error, OddAnswer):
        return SourceUnavailable(f"{place} {error}", hint="check that an engine listens there")
    root = _system_error(error)
    if isinstance(root, PermissionError):
        return SourceUnavailable(
            f"cannot use {place}: permission denied",
            hint="join the group that owns the socket, or run as a user with access",
        )
    if isinstance(root, FileNotFoundError) and place.host.startswith("ssh:"):
        return SourceUnavailable(
            f"cannot reach {place}: there is no `ssh` command", hint="install OpenSSH's client"
        )
    if isinstance(root, FileNotFoundError):
        what = "named pipe" if place.host.startswith("npipe:") else "socket"
        return SourceUnavailable(f"{place} does not respond: no such {what}", hint=place.start_hint)
    if "paramiko" in str(error):
        return SourceUnavailable(
            f"{place} needs the paramiko package", hint="pip install 'layerscope[ssh]'"
        )
    return SourceUnavailable(f"{place} does not respond: {cause(error)}", hint=place.start_hint)


def _system_error(error: BaseException) -> OSError | None:
    """The operating system's error that a library wrapped, however many times."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, OSError) and one.errno is not None:
            return one
        named = as_system_error(one)
        if named is not None:
            return named
        waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
    return None


def cause(error: BaseException) -> str:
    """What went wrong, on one line."""
    root = _system_error(error)
    if root is not None and root.strerror:
        return root.strerror[:1].lower() + root.strerror[1:]
    return one_line(str(error)) or type(error).__name__


def one_line(text: str) -> str:
    """Another program's text for a message: one line, cut to 400 characters, without the credentials in URLs."""
    return _USER.sub("", " ".join(text.split()))[:400]
