"""Images in Podman, read through its Docker-compatible socket if there is one, or else through the `podman` command."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import IO, Final

from layerscope.errors import FormatError, ImageNotFound, SourceUnavailable
from layerscope.image.image import LOCAL_ENGINE, Image
from layerscope.sources.deferred import vouched
from layerscope.sources.engine import (
    CHUNK,
    Place,
    identity,
    inspected,
    one_line,
    open_saved,
    report_start,
    saved,
    whole,
)
from layerscope.sources.names import is_same
from layerscope.sources.reference import check_name
from layerscope.sources.source import BrokenOff, Request
from layerscope.sources.ssh_door import address
from layerscope.sources.temporary import reason
from layerscope.system.users import user_id

NAME: Final = "podman"
_START: Final = "start `podman system service`, or set CONTAINER_HOST"
_FORWARD: Final = "forward its socket with `ssh -NL /tmp/podman.sock:PATH HOST`, and set CONTAINER_HOST=unix:///tmp/podman.sock"
_ERROR_BYTES: Final = 64 * 1024
_ANSWER_BYTES: Final = 16 * 1024 * 1024
_MISSING: Final = 1
_INSPECT: Final = "{{.Id}}\n{{.GraphDriver.Name}}\n{{.GraphDriver.Data.UpperDir}}\n{{range .RepoTags}}{{.}}\n{{end}}"


def place() -> Place | None:
    """The socket that Podman listens on: CONTAINER_HOST, the user's, or the system's; None if there isn't one."""
    host = os.environ.get("CONTAINER_HOST")
    if not host:
        user = user_id()
        if user is None:
            return None
        runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{user}"
        paths = [f"{runtime}/podman/podman.sock"]
        if user == 0:
            paths = ["/run/podman/podman.sock", *paths]
        path = next((path for path in paths if _is_socket(path)), None)
        if path is None:
            return None
        host = f"unix://{path}"
    ssh = host.startswith("ssh://")
    return Place("Podman", host, address(host), _FORWARD if ssh else _START)


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False


def stream(target: str, request: Request) -> AbstractContextManager[Iterator[bytes]]:
    """The tarball of an image, as `podman save` writes it."""
    engine = place()
    return (
        saved(engine, target, request) if engine is not None else _saved_by_command(target, request)
    )


def _run(command: list[str], errors: IO[bytes], output: IO[bytes] | None = None) -> int:
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output or subprocess.DEVNULL,
            stderr=errors,
            check=False,
        ).returncode
    except OSError as error:
        raise _no_command(error) from None


def _no_command(error: OSError) -> SourceUnavailable:
    return SourceUnavailable(
        f"podman has no socket, and the podman command does not run: {reason(error)}", hint=_START
    )


def _stderr_line(errors: IO[bytes]) -> str:
    return one_line(_text(errors))


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(_ERROR_BYTES).decode("utf-8", "replace")


def _identity_by_command(name: str, request: Request) -> str:
    """What decides what an export of the image would be. Raises what looking it up raises."""
    check_name(name, request.reference)
    with tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as output:
        _look_up(name, request, errors)
        command = ["podman", "image", "inspect", "--format", "{{.Id}} {{.RepoTags}}", "--", name]
        status = _run(command, errors, output)
        if status:
            raise SourceUnavailable(f"podman failed: {_stderr_line(errors)}")
        return f"podman command {_text(output)}"


def _look_up(name: str, request: Request, errors: IO[bytes]) -> None:
    """Make sure that the image is there, and pull it if it may be pulled."""
    status = _run(["podman", "image", "exists", "--", name], errors)
    if status == _MISSING and request.pull:
        options = ["--platform", str(request.platform)] if request.platform else []
        status = _run(["podman", "pull", "--quiet", *options, "--", name], errors)
        if status:
            raise ImageNotFound(f"podman could not pull {name!r}: {_stderr_line(errors)}")
    elif status == _MISSING:
        raise ImageNotFound(
            f"podman has no image {name!r}",
            hint="pull it, or let layerscope pull it with --pull",
        )
    elif status:
        raise SourceUnavailable(f"podman failed: {_stderr_line(errors)}")


@contextmanager
def _saved_by_command(name: str, request: Request) -> Iterator[Iterator[bytes]]:
    check_name(name, request.reference)
    with tempfile.TemporaryFile() as errors:
        _look_up(name, request, errors)
        report_start(request)
        command = ["podman", "save", "--quiet", "--format", "docker-archive", "--", name]
        try:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, bufsize=0
            )
        except OSError as error:
            raise _no_command(error) from None
        try:
            yield _output(child, errors)
        finally:
            if child.poll() is None:
                child.terminate()
            if child.stdout is not None:
                child.stdout.close()
            child.wait()


def _output(child: subprocess.Popen[bytes], errors: IO[bytes]) -> Iterator[bytes]:
    def chunks() -> Iterator[bytes]:
        assert child.stdout is not None
        while chunk := child.stdout.read(CHUNK):
            yield chunk
        if child.wait():
            raise BrokenOff(f"podman could not save the image: {_stderr_line(errors)}")

    return whole(chunks(), "podman")


def open_target(target: str, request: Request) -> Image:
    """An image in Podman, from its store where that can be read."""
    engine = place()
    voucher = LOCAL_ENGINE if engine is None else engine.voucher
    reasons: list[str] = []
    if request.via != "export":
        image = _open_stored(engine, target, replace(request, remark=reasons.append))
        if image is not None:
            return vouched(image, voucher)
    if request.head and request.via is None:
        image = (
            _inspected_by_command(target, request)
            if engine is None
            else inspected(engine, target, request, NAME)
        )
        if image is not None:
            return image
    if engine is None:
        return open_saved(
            lambda: _saved_by_command(target, request),
            target,
            request,
            NAME,
            identity=lambda: _identity_by_command(target, request),
            reasons=reasons,
        )
    return open_saved(
        lambda: saved(engine, target, request),
        target,
        request,
        NAME,
        identity=lambda: identity(engine, target, request),
        vouched_by=voucher,
        reasons=reasons,
    )


def _inspected_by_command(name: str, request: Request) -> Image:
    """The image as Podman describes it, without its layers."""
    from layerscope.image.document import parse_document
    from layerscope.sources.inspected import open_inspected

    check_name(name, request.reference)
    with tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as output:
        _look_up(name, request, errors)
        command = ["podman", "image", "inspect", "--", name]
        if _run(command, errors, output):
            raise SourceUnavailable(f"podman failed: {_stderr_line(errors)}")
        output.seek(0)
        data = output.read(_ANSWER_BYTES + 1)
    limits = request.limits
    node = parse_document(
        data.strip(), "podman's answer", max_bytes=_ANSWER_BYTES, max_depth=limits.json_depth
    )
    listed = node.value
    answer = listed[0] if isinstance(listed, list) and len(listed) == 1 else None
    if not isinstance(answer, dict):
        raise FormatError("podman's answer does not describe one image")
    history, tags = answer.get("History"), answer.get("RepoTags")
    tag = (
        next((tag for tag in tags or () if isinstance(tag, str) and is_same(name, tag)), None)
        if isinstance(tags, list)
        else None
    )
    rows = history if isinstance(history, list) else []
    return open_inspected(answer, rows, name, tag, request, NAME)


def _open_stored(engine: Place | None, name: str, request: Request) -> Image | None:
    from layerscope.sources.stores.podman import open_stored_by_api, open_stored_by_command

    if engine is not None:
        return open_stored_by_api(engine, name, request, NAME)
    check_name(name, request.reference)
    with tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as output:
        _look_up(name, request, errors)
        command = ["podman", "image", "inspect", "--format", _INSPECT, "--", name]
        if _run(command, errors, output):
            raise SourceUnavailable(f"podman failed: {_stderr_line(errors)}")
        image_id, driver, upper, *tags = [*_text(output).splitlines(), "", "", ""]
    tag = next((tag for tag in tags if tag and is_same(name, tag)), None)
    return open_stored_by_command(
        name, request, NAME, image_id=image_id, tag=tag, driver=driver, upper=upper
    )


def holds_names() -> bool:
    return place() is not None or shutil.which("podman") is not None
