"""Where a run finds what it reads besides images: Python, libraries, settings, certificates."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import layerscope
from layerscope.system.users import user_id

_LIBRARIES: Final = ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share", "/nix/store", "/gnu/store")  # fmt: skip
_SYSTEM: Final = (
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/terminfo",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/openssl.cnf",
    "/etc/crypto-policies",
    "/dev/null",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/kernel",
    "/proc/sys/vm",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
)
_NETWORK: Final = (
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/run/nscd",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/etc/docker",
    "/etc/containers",
)
_CERTIFICATES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "OPENSSL_CONF")  # fmt: skip
_TEMPORARY: Final = ("/tmp", "/var/tmp", "/usr/tmp")  # noqa: S108 - what `tempfile` tries
TERMINALS: Final = ("/dev/null", "/dev/tty")
"""Devices that any run may write to."""
_LOADERS: Final = ("/lib/ld-*", "/lib64/ld-*", "/lib/*/ld-*", "/usr/lib/*/ld-*", "/libexec/ld-*")
_SHELL: Final = "/bin/sh"


def python_files() -> Iterator[str]:
    """Python, all that it may import, and what the libraries that it loads need.

    The current folder isn't among them, even where `python -m` would import from it.
    """
    here = _current_folder()
    yield str(Path(layerscope.__file__).parent)
    for path in (sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix, *sys.path):
        if path and os.path.realpath(path) not in (here, "/", _home()):
            yield path
    for name in ("LD_LIBRARY_PATH", "TEXTUAL_CSS_PATH"):
        yield from filter(None, os.environ.get(name, "").split(os.pathsep))
    yield from _LIBRARIES


def system_files() -> Iterator[str]:
    """What the system tells about itself, and this user's settings of layerscope."""
    yield from _SYSTEM
    yield from (os.environ[name] for name in ("TZDIR", "OPENSSL_CONF") if os.environ.get(name))
    yield os.path.join(_configuration(), "layerscope")


def network_files() -> Iterator[str]:
    """What it takes to find a registry, to trust it, and to log in."""
    yield from _NETWORK
    yield from (os.environ[name] for name in _CERTIFICATES if os.environ.get(name))
    for name in ("REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "DOCKER_DAEMON_CONFIG"):
        if os.environ.get(name):
            yield os.environ[name]
    if os.environ.get("CONTAINERS_REGISTRIES_CONF"):
        yield os.environ["CONTAINERS_REGISTRIES_CONF"]
    yield os.path.join(_home(), ".docker")
    yield os.path.join(_configuration(), "containers")
    yield f"/run/containers/{user_id()}/auth.json"
    if os.environ.get("XDG_RUNTIME_DIR"):
        yield os.path.join(os.environ["XDG_RUNTIME_DIR"], "containers", "auth.json")


def interpreters() -> Iterator[str]:
    """The files that have to be executable to start this Python again, from a shell or without one."""
    from glob import glob

    yield from filter(None, (sys.executable, getattr(sys, "_base_executable", None), _SHELL))
    for pattern in _LOADERS:
        yield from glob(pattern)


def temporary_folder() -> str | None:
    """The folder in which `tempfile` makes its files."""
    named = [os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP")]
    for path in (*named, *_TEMPORARY):
        if path and os.path.isdir(path) and os.access(path, os.W_OK | os.X_OK):
            return os.path.abspath(path)
    return _current_folder() or None


def existing(path: str) -> str:
    """The path, or the nearest folder above it that exists. A path that starts in a deleted folder is left as it is."""
    try:
        path = os.path.abspath(path)
    except FileNotFoundError:
        return path
    while not os.path.exists(path) and path != os.path.dirname(path):
        path = os.path.dirname(path)
    return path


def _current_folder() -> str:
    try:
        return os.path.realpath(os.getcwd())
    except OSError:
        return ""


def _home() -> str:
    return os.path.expanduser("~")


def _configuration() -> str:
    return os.environ.get("XDG_CONFIG_HOME") or os.path.join(_home(), ".config")
