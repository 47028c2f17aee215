"""The places to pull a repository from: the mirrors in containers' and docker's configuration, then the registry.

Formats: containers-registries.conf(5) version 2, and `registry-mirrors` and `insecure-registries` of docker's
daemon.json.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator
from glob import glob
from typing import Any, Final
from urllib.parse import urlsplit

from layerscope.errors import ConfigError, SourceUnavailable
from layerscope.records import dataclass
from layerscope.sources.registry.client import Endpoint
from layerscope.sources.registry.name import DOCKER_HUB, RegistryName, api_host

_FILE_BYTES: Final = 4 * 1024 * 1024


def endpoints(name: RegistryName) -> list[Endpoint]:
    """The places to try, in order. The last one is the registry itself.

    Raises `ConfigError` if a file can't be read, and `SourceUnavailable` if the registry is blocked.
    """
    found = list(_from_containers(name))
    if name.registry == DOCKER_HUB:
        found = [*_from_docker(name), *found]
    own = Endpoint(name.registry, api_host(name.registry), name.repository)
    if not any(each.host == own.host and each.repository == own.repository for each in found):
        found.append(own)
    return list(dict.fromkeys(found))


def _from_docker(name: RegistryName) -> Iterator[Endpoint]:
    path = os.environ.get("DOCKER_DAEMON_CONFIG", "/etc/docker/daemon.json")
    data = _read(path)
    if data is None:
        return
    try:
        config = json.loads(data)
    except (ValueError, RecursionError):
        raise ConfigError(f"{path} is not valid JSON") from None
    mirrors = config.get("registry-mirrors") if isinstance(config, dict) else None
    for mirror in mirrors if isinstance(mirrors, list) else ():
        parts = urlsplit(mirror) if isinstance(mirror, str) else None
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"{path}: {mirror!r} is not the address of a mirror")
        yield Endpoint(
            parts.netloc.rpartition("@")[2],
            parts.netloc.rpartition("@")[2],
            name.repository,
            insecure=parts.scheme == "http",
        )


def _from_containers(name: RegistryName) -> Iterator[Endpoint]:
    """The mirrors and the location in the table whose prefix of the name is longest."""
    full = f"{name.registry}/{name.repository}"
    best: _Table | None = None
    for path in _registries_files():
        for table in _tables(path):
            if _covers(table.prefix, name.registry, full) and (
                best is None or len(table.prefix) >= len(best.prefix)
            ):
                best = table
    if best is None:
        return
    if best.values.get("blocked") is True:
        raise SourceUnavailable(f"{best.path} blocks {name.registry}")
    mirrors = best.values.get("mirror")
    for mirror in mirrors if isinstance(mirrors, list) else ():
        location = mirror.get("location") if isinstance(mirror, dict) else None
        if not isinstance(location, str) or not location:
            raise ConfigError(f"{best.path}: a mirror of {best.prefix} has no location")
        unwanted = "digest-only" if name.digest is None else "tag-only"
        if mirror.get("pull-from-mirror") != unwanted:
            yield _placed(location, best.prefix, full, mirror.get("insecure") is True)
    location = best.values.get("location")
    if isinstance(location, str) and location:
        yield _placed(location, best.prefix, full, best.values.get("insecure") is True)


@dataclass(frozen=True, slots=True)
class _Table:
    """One `[[registry]]` of a file."""

    path: str
    prefix: str
    values: dict[str, Any]


def _tables(path: str) -> Iterator[_Table]:
    data = _read(path)
    if data is None:
        return
    try:
        config = tomllib.loads(data.decode())
    except (ValueError, RecursionError):
        raise ConfigError(f"{path} is not valid TOML") from None
    tables = config.get("registry")
    for table in tables if isinstance(tables, list) else ():
        prefix = table.get("prefix") or table.get("location") if isinstance(table, dict) else None
        if not isinstance(prefix, str):
            raise ConfigError(f"{path}: a registry has neither a prefix nor a location")
        yield _Table(path, prefix, table)


def _covers(prefix: str, registry: str, full: str) -> bool:
    """Whether a prefix in registries.conf covers a repository. It can be a host, a path below it, or `*.host`."""
    if prefix.startswith("*."):
        return registry.endswith(prefix[1:])
    return full == prefix or full.startswith(prefix.rstrip("/") + "/")


def _placed(location: str, prefix: str, full: str, insecure: bool) -> Endpoint:
    """The endpoint for a location that replaces the prefix."""
    rest = full.partition("/")[2] if prefix.startswith("*.") else full[len(prefix) :].lstrip("/")
    host, _, folder = location.partition("/")
    repository = "/".join(part for part in (folder.strip("/"), rest) if part)
    return Endpoint(host, api_host(host), repository, insecure)


def _registries_files() -> Iterator[str]:
    explicit = os.environ.get("CONTAINERS_REGISTRIES_CONF")
    if explicit:
        yield explicit
        return
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    own = os.path.join(config, "containers", "registries.conf")
    yield own if os.path.exists(own) else "/etc/containers/registries.conf"
    yield from sorted(glob("/etc/containers/registries.conf.d/*.conf"))
    yield from sorted(glob(os.path.join(config, "containers", "registries.conf.d", "*.conf")))


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            data = file.read(_FILE_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > _FILE_BYTES:
        raise ConfigError(f"{path} has more than the {_FILE_BYTES} bytes allowed")
    return data
