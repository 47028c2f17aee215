"""Images in a Docker engine, read through the `docker` SDK."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from layerscope.errors import ConfigError
from layerscope.image.image import Image
from layerscope.sources.deferred import vouched
from layerscope.sources.docker_config import check_config, config_path
from layerscope.sources.engine import Place, identity, inspected, one_line, open_saved, saved
from layerscope.sources.source import Request
from layerscope.sources.ssh_door import address

if TYPE_CHECKING:
    from docker.context import Context
    from docker.tls import TLSConfig

NAME: Final = "docker"
_DEFAULT_HOST: Final = (
    "npipe:////./pipe/docker_engine" if sys.platform == "win32" else "unix:///var/run/docker.sock"
)
UNTOLD: Final = (
    "--head reads an export: the engine doesn't tell the digest of the config or the sizes of the layers, "
    "and this user can't read its containerd store"
)
_START: Final = "start the engine, or set DOCKER_HOST or DOCKER_CONTEXT"


def place() -> Place:
    """The engine that the `docker` command would use: DOCKER_HOST with its TLS variables, or else the current context.

    Raises `ConfigError` for a context that doesn't exist or can't be read.
    """
    host = _plain_host()
    if host is not None:
        return _place(host, {})
    from docker.errors import DockerException
    from docker.utils import kwargs_from_env

    if not os.environ.get("DOCKER_HOST"):
        context = _context()
        if context is not None:
            host = context.Host or _DEFAULT_HOST
            if not isinstance(host, str):
                raise ConfigError(
                    f"the Docker context {context.name!r} has a host that is not text",
                    hint="check it with `docker context inspect`",
                )
            return _place(host, {"tls": _tls(context)})
    try:
        options: dict[str, Any] = {**kwargs_from_env()}
    except DockerException as error:
        raise ConfigError(
            f"the Docker engine's TLS settings don't work: {one_line(str(error))}",
            hint="check DOCKER_CERT_PATH and DOCKER_TLS_VERIFY",
        ) from None
    host = options.pop("base_url", _DEFAULT_HOST)
    return _place(host, options)


def _plain_host() -> str | None:
    """The engine's socket or pipe, if neither a context nor TLS is set; the SDK knows what to make of those."""
    environment = os.environ
    if environment.get("DOCKER_TLS_VERIFY") or environment.get("DOCKER_CERT_PATH"):
        return None
    host = environment.get("DOCKER_HOST")
    if host:
        return host if host.startswith(("unix:///", "npipe:////")) else None
    context = environment.get("DOCKER_CONTEXT") or check_config().get("currentContext")
    return _DEFAULT_HOST if context in (None, "", "default") else None


def _place(host: str, options: dict[str, Any]) -> Place:
    ssh = host.startswith("ssh://")
    hint = f"check that `ssh {host} docker version` works" if ssh else _START
    return Place("Docker", host, {**address(host), **options}, hint)


def _context() -> Context | None:
    """The current context, or None for the default one."""
    from docker.context import ContextAPI
    from docker.context.config import get_current_context_name

    check_config()
    name = os.environ.get("DOCKER_CONTEXT") or get_current_context_name()
    if name == "default":
        return None
    try:
        with _contexts_next_to_config():
            context = ContextAPI.get_context(name)
    except Exception as error:  # noqa: BLE001 - the SDK raises bare ones for broken files
        raise ConfigError(
            f"cannot read the Docker context {name!r}: {one_line(str(error))}",
            hint="see `docker context ls`",
        ) from None
    if context is None:
        raise ConfigError(f"there is no Docker context {name!r}", hint="see `docker context ls`")
    return context


@contextmanager
def _contexts_next_to_config() -> Iterator[None]:
    """Make the SDK look for contexts where `docker` does.

    On its own it looks next to the configuration file or, if that doesn't exist yet, under the current folder.
    """
    config: Any = import_module("docker.context.config")
    before = config.find_config_file
    config.find_config_file = config_path
    try:
        yield
    finally:
        config.find_config_file = before


def _tls(context: Context) -> TLSConfig | bool:
    """The certificates of a context. The SDK returns None for a context without any, whatever its types say."""
    found: TLSConfig | None = context.TLSConfig
    return False if found is None else found


def stream(target: str, request: Request) -> AbstractContextManager[Iterator[bytes]]:
    """The tarball of an image, as `docker save` writes it."""
    return saved(place(), target, request)


def open_target(target: str, request: Request) -> Image:
    """An image in the engine, from its store where that can be read."""
    engine = place()
    reasons: list[str] = []
    if request.via != "export":
        from layerscope.sources.stores.docker import open_stored

        image = open_stored(engine, target, replace(request, remark=reasons.append), NAME)
        if image is not None:
            return vouched(image, engine.voucher)
    if request.head and request.via is None:
        image = inspected(engine, target, request, NAME)
        if image is not None:
            return image
        if not reasons:
            reasons.append(UNTOLD)
    return open_saved(
        lambda: saved(engine, target, request),
        target,
        request,
        NAME,
        identity=lambda: identity(engine, target, request),
        vouched_by=engine.voucher,
        reasons=reasons,
    )


def holds_names() -> bool:
    """Always true: a bare name can be an image in the engine. Opening it finds out whether the engine runs."""
    return True
