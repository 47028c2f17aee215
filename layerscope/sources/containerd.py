"""Images of containerd itself, as `ctr`, nerdctl, and Kubernetes keep them, read from its store or through `ctr`."""

from __future__ import annotations

import os
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final

from layerscope.errors import AmbiguousImage, ImageNotFound, SourceUnavailable
from layerscope.image.blob import OpenFile
from layerscope.image.image import Image
from layerscope.sources.deferred import exported
from layerscope.sources.engine import CHUNK, one_line, report_start, saved_name, whole
from layerscope.sources.files import sieve, spool
from layerscope.sources.reference import check_name
from layerscope.sources.source import BrokenOff, Request
from layerscope.sources.stores import NotReadable, check_readable, from_store
from layerscope.sources.stores.content import CONTENT, Target, open_blobs, open_content
from layerscope.sources.stores.metadata import Named, has_database, images_named
from layerscope.sources.temporary import reason

NAME: Final = "containerd"
NAMESPACE: Final = "CONTAINERD_NAMESPACE"
ROOT: Final = "CONTAINERD_ROOT"
_CONFIG: Final = "/etc/containerd/config.toml"
_ROOTS: Final = (
    "/var/lib/containerd",
    "/var/lib/docker/containerd/daemon",
    "/var/lib/rancher/k3s/agent/containerd",
    "~/.local/share/containerd",
)
_ERROR_BYTES: Final = 64 * 1024
_CHOOSE: Final = f"choose one with {NAMESPACE}"


def roots() -> list[str]:
    """Where containerd may keep its images: `CONTAINERD_ROOT`, or else its configuration's root and the usual places."""
    own = os.environ.get(ROOT)
    if own:
        return [own]
    places = [_configured_root(), *map(os.path.expanduser, _ROOTS)]
    return list(dict.fromkeys(place for place in places if place))


def _configured_root() -> str | None:
    try:
        with open(_CONFIG, "rb") as file:
            root = tomllib.load(file).get("root")
    except (OSError, ValueError):
        return None
    return root if isinstance(root, str) and root.startswith("/") else None


def open_target(target: str, request: Request) -> Image:
    """An image of containerd, from its store where that can be read."""
    check_name(target, request.reference)
    if request.via != "export":
        image = from_store(lambda: _open_stored(target, request), NAME, request)
        if image is not None:
            return image
    if request.head and request.via is None:
        image = _open_head(target, request)
        if image is not None:
            return image

    def export(complete: bool) -> OpenFile:
        with stream(target, request) as chunks:
            keep = spool if complete else sieve
            return keep(chunks, saved_name(target), request, stage="export")

    return exported(export, request, NAME)[1]


def _open_head(target: str, request: Request) -> Image | None:
    """The image without its layers, from the documents that `ctr` hands out; None if it doesn't."""
    from layerscope.sources.stores.ctr_content import CtrContent

    namespace, name = _name_to_export(target)
    blobs = CtrContent(namespace, request.limits)
    try:
        digest = blobs.target(name)
        if digest is None:
            return None
        wanted = Target(digest=digest, full_name=name, name=saved_name(target))
        return open_blobs(blobs, wanted, request, NAME)
    except SourceUnavailable:
        return None  # the export says what is wrong


def _open_stored(name: str, request: Request) -> Image:
    root, found = _locate(name)
    check_readable(f"{root}/{CONTENT}")
    wanted = Target(digest=found.digest, full_name=found.name, name=saved_name(name))
    return open_content(root, wanted, request, NAME)


def _locate(name: str) -> tuple[str, Named]:
    """The image that a name refers to, and containerd's root.

    Raises `ImageNotFound`, `AmbiguousImage`, and `NotReadable` if there is no metadata that this user can read.
    """
    readable = [root for root in roots() if has_database(root)]
    if not readable:
        raise NotReadable(
            "there is no database that this user can read",
            hint=f"run layerscope as root, or name containerd's root in {ROOT}",
        )
    namespace = os.environ.get(NAMESPACE) or None
    for root in readable:
        found = images_named(root, name, namespace)
        if len({image.digest for image in found}) > 1:
            listed = ", ".join(f"{image.namespace} ({image.digest})" for image in found[:12])
            raise AmbiguousImage(
                f"several namespaces have an image {name!r}: {listed}", hint=_CHOOSE
            )
        if found:
            return root, found[0]
    where = "no namespace" if namespace is None else f"the namespace {namespace!r} does not"
    verb = "has" if namespace is None else "have"
    raise ImageNotFound(
        f"containerd: {where} {verb} an image {name!r}",
        hint="see `ctr namespaces list` and `ctr images list`",
    )


@contextmanager
def stream(target: str, request: Request) -> Iterator[Iterator[bytes]]:
    """The tarball of an image, as `ctr images export` writes it: for all platforms, or else for those that are there."""
    namespace, name = _name_to_export(target)
    command = ["ctr", "--namespace", namespace, "images", "export"]
    report_start(request)
    with tempfile.TemporaryFile() as errors:
        child, first = _begin([*command, "--all-platforms", "-", name], errors)
        if not first:
            _end(child)
            if not _is_down(errors):
                errors.seek(0)
                errors.truncate()
                child, first = _begin([*command, "-", name], errors)
        try:
            if not first:
                raise _not_exported(errors)
            yield whole(_rest(child, first, errors), NAME)
        finally:
            _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.stdout is not None:
        child.stdout.close()
    if child.poll() is None:
        child.terminate()
    child.wait()


def _is_down(errors: IO[bytes]) -> bool:
    """Whether `ctr` has no connection to containerd."""
    return "failed to dial" in _said(errors)


def _not_exported(errors: IO[bytes]) -> SourceUnavailable:
    if _is_down(errors):
        address = os.environ.get("CONTAINERD_ADDRESS") or "/run/containerd/containerd.sock"
        return SourceUnavailable(
            f"containerd does not respond at {address}",
            hint="start it, or set CONTAINERD_ADDRESS",
        )
    return SourceUnavailable(
        f"ctr could not export the image: {_said(errors)}",
        hint="see `ctr namespaces list` and `ctr images list`",
    )


def _said(errors: IO[bytes]) -> str:
    errors.seek(0)
    return one_line(errors.read(_ERROR_BYTES).decode("utf-8", "replace"))


def _name_to_export(target: str) -> tuple[str, str]:
    """The namespace and the full name, from the metadata if it can be read."""
    try:
        _, found = _locate(target)
    except NotReadable:
        from layerscope.sources.names import normal

        return os.environ.get(NAMESPACE) or "default", normal(target)
    return found.namespace, found.name


def _begin(command: list[str], errors: IO[bytes]) -> tuple[subprocess.Popen[bytes], bytes]:
    """A running `ctr`, and the first bytes that it writes; none if it fails."""
    try:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, bufsize=0
        )
    except OSError as error:
        raise SourceUnavailable(
            f"the ctr command does not run: {reason(error)}",
            hint="install containerd's ctr, or read the store as root",
        ) from None
    assert child.stdout is not None
    return child, child.stdout.read(CHUNK)


def _rest(child: subprocess.Popen[bytes], first: bytes, errors: IO[bytes]) -> Iterator[bytes]:
    assert child.stdout is not None
    chunk = first
    while chunk:
        yield chunk
        chunk = child.stdout.read(CHUNK)
    if child.wait():
        raise BrokenOff(f"ctr could not export the image: {_said(errors)}")


def holds_names() -> bool:
    """Whether this user can read the metadata of a containerd."""
    return any(map(has_database, roots()))
