"""Credentials for a registry: docker's config.json with its helpers, and Podman's auth.json.

Formats: docker/cli `config.json`, docker-credential-helpers' protocol, and containers-auth.json(5).
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import field
from typing import Any, Final

from layerscope.errors import ConfigError
from layerscope.records import dataclass
from layerscope.sources.registry.name import DOCKER_HUB, api_host
from layerscope.system.users import user_id

_HELPER_SECONDS: Final = 30
_FILE_BYTES: Final = 4 * 1024 * 1024
_IDENTITY: Final = "<token>"
_HUB_KEYS: Final = ("https://index.docker.io/v1/", "index.docker.io", "docker.io")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user and password, or an identity token. Neither ever appears in a message."""

    user: str = field(repr=False)
    password: str = field(repr=False)
    identity_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """The value of a basic `Authorization` header."""
        pair = f"{self.user}:{self.password}".encode()
        return "Basic " + base64.b64encode(pair).decode("ascii")


_ANSWERS: Final[dict[tuple[str, str], Credentials | ConfigError | None]] = {}
"""What was asked ahead, by registry and repository."""


def find_credentials(registry: str, repository: str) -> Credentials | None:
    """The credentials for a repository; None for an anonymous pull.

    The most specific key wins, as containers-auth.json(5) says, and docker's file comes first. Raises `ConfigError` if
    a file or a helper fails, because an anonymous pull would hide the cause.
    """
    if (registry, repository) not in _ANSWERS:
        return _find(registry, repository)
    known = _ANSWERS[registry, repository]
    if isinstance(known, ConfigError):
        raise known
    return known


def ask_ahead(registry: str, repository: str) -> None:
    """Look up the credentials for a repository now, because this process can't start helpers later.

    What goes wrong is raised when the credentials are needed, since a public repository needs none.
    """
    try:
        _ANSWERS[registry, repository] = _find(registry, repository)
    except ConfigError as error:
        _ANSWERS[registry, repository] = error


def _find(registry: str, repository: str) -> Credentials | None:
    keys = list(_keys(registry, repository))
    for path in _files():
        config = _read(path)
        if config is None:
            continue
        found = _look_up(config, keys, path)
        if found is not None:
            return found
    return None


def names_helper() -> bool:
    """Whether a program may have to run to find credentials. A file that can't be read names none."""
    for path in _files():
        try:
            config = _read(path)
        except ConfigError:
            continue
        if config and (config.get("credsStore") or config.get("credHelpers")):
            return True
    return False


def _files() -> Iterator[str]:
    home = os.path.expanduser("~")
    docker = os.environ.get("DOCKER_CONFIG") or os.path.join(home, ".docker")
    explicit = os.environ.get("REGISTRY_AUTH_FILE")
    if explicit:
        yield explicit
    yield os.path.join(docker, "config.json")
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime:
        yield os.path.join(runtime, "containers", "auth.json")
    elif (user := user_id()) is not None:
        yield f"/run/containers/{user}/auth.json"
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    yield os.path.join(config, "containers", "auth.json")


def _keys(registry: str, repository: str) -> Iterator[str]:
    """The keys that can have the credentials, most specific first."""
    parts = repository.split("/")
    for count in range(len(parts), 0, -1):
        yield f"{registry}/{'/'.join(parts[:count])}"
    if registry == DOCKER_HUB:
        yield from _HUB_KEYS
        registry = api_host(registry)
    yield registry
    for scheme in ("https", "http"):
        yield f"{scheme}://{registry}"
        yield f"{scheme}://{registry}/"
        yield f"{scheme}://{registry}/v1/"
        yield f"{scheme}://{registry}/v2/"


def _read(path: str) -> dict[str, Any] | None:
    try:
        with open(path, "rb") as file:
            data = file.read(_FILE_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}", hint="log in to the registry again"
        ) from None
    if len(data) > _FILE_BYTES:
        raise ConfigError(f"{path} has more than the {_FILE_BYTES} bytes allowed")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise ConfigError(
            f"{path} is not valid JSON", hint="log in to the registry again"
        ) from None
    if not isinstance(value, dict):
        raise ConfigError(f"{path} is not a JSON object", hint="log in to the registry again")
    return value


def _look_up(config: dict[str, Any], keys: list[str], path: str) -> Credentials | None:
    helpers = _table(config, "credHelpers", path)
    auths = _table(config, "auths", path)
    store = config.get("credsStore")
    if store is not None and not isinstance(store, str):
        raise ConfigError(f"{path}: credsStore is not a string")
    for key in keys:
        helper = helpers.get(key)
        if isinstance(helper, str) and helper:
            found = _ask_helper(helper, key)
            if found is not None:
                return found
    if store:
        for key in keys:
            if key in auths or key in _HUB_KEYS or "/" not in key:
                found = _ask_helper(store, key)
                if found is not None:
                    return found
    for key in keys:
        entry = auths.get(key)
        if isinstance(entry, dict):
            found = _from_entry(entry, key, path)
            if found is not None:
                return found
    return None


def _table(config: dict[str, Any], key: str, path: str) -> dict[str, Any]:
    value = config.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: {key} is not an object")
    return value


def _from_entry(entry: dict[str, Any], key: str, path: str) -> Credentials | None:
    token = _text(entry, "identitytoken", key, path)
    user = _text(entry, "username", key, path)
    password = _text(entry, "password", key, path)
    encoded = _text(entry, "auth", key, path)
    if encoded:
        try:
            pair = base64.b64decode(encoded.encode(), validate=False).decode().rstrip("\0")
        except (binascii.Error, ValueError):
            raise ConfigError(
                f"{path}: the credentials for {key} are not base64",
                hint="log in to the registry again",
            ) from None
        user, colon, password = pair.partition(":")
        if not colon:
            raise ConfigError(
                f"{path}: the credentials for {key} have no password",
                hint="log in to the registry again",
            )
    if token:
        return Credentials(user, "", token)
    return Credentials(user, password) if user else None


def _text(entry: dict[str, Any], name: str, key: str, path: str) -> str:
    value = entry.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ConfigError(f"{path}: {name} of {key} is not a string")
    return value


def _ask_helper(helper: str, key: str) -> Credentials | None:
    """Run `docker-credential-HELPER get`; None if it has nothing for the key."""
    program = f"docker-credential-{helper}"
    if "/" in helper or "\0" in helper:
        raise ConfigError(f"{helper!r} is not the name of a credential helper")
    try:
        done = subprocess.run(
            [program, "get"],
            input=key.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_HELPER_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise ConfigError(
            f"the credential helper {program} is not installed",
            hint="install it, or remove it from docker's config.json",
        ) from None
    except subprocess.TimeoutExpired:
        raise ConfigError(
            f"the credential helper {program} did not respond within {_HELPER_SECONDS} s"
        ) from None
    except OSError as error:
        raise ConfigError(f"the credential helper {program} cannot run: {error.strerror}") from None
    if done.returncode:
        if b"not found" in done.stdout:
            return None
        raise ConfigError(
            f"the credential helper {program} failed with exit code {done.returncode}",
            hint=f"try `echo {key} | {program} get`",
        )
    try:
        answer = json.loads(done.stdout[:_FILE_BYTES])
        user, secret = answer["Username"], answer["Secret"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ConfigError(f"the credential helper {program} gave an unreadable answer") from None
    if not isinstance(user, str) or not isinstance(secret, str):
        raise ConfigError(f"the credential helper {program} gave an unreadable answer")
    if not secret:
        return None
    return Credentials("", "", secret) if user == _IDENTITY else Credentials(user, secret)
