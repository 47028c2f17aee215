"""What goes wrong: each fault runs a command in its own way, and says which exit codes are right then."""

from __future__ import annotations

import os
import random
import re
import resource
import shutil
import signal
import socket as sockets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Final

from tests import mounts
from tests.faults.actions import Action

ROOT: Final = Path(__file__).parents[2]
MIB: Final = 1 << 20
TIMEOUT: Final = 60
COMMAND: Final = (sys.executable, "-m", "layerscope")


@dataclass
class Place:
    """Where a command runs: its folder, its images, and how long it takes and writes if nothing happens."""

    folder: Path
    inputs: Path
    environment: Mapping[str, str]
    seconds: float
    size: int
    registry: str = ""
    """The address of a registry."""
    images: tuple[str, ...] = ()
    """The images that the command reads, to change them."""


@dataclass
class Ran:
    code: int
    errors: bytes | None
    """Standard error, or None if it was closed or full."""
    wrong: tuple[str, ...] = ()
    """What the fault itself found."""


@dataclass(frozen=True)
class Fault:
    """`codes` are the exit codes that are right besides the command's own."""

    name: str
    run: Callable[[Action, Place, random.Random], Ran]
    codes: frozenset[int]
    actions: frozenset[str] = field(default_factory=frozenset)
    """The actions to which it can happen, or none for all."""
    root: bool = False
    other_user: bool = False
    program: str = ""
    """A program without which it can't happen."""
    changes_images: bool = False
    slow: bool = False
    """Whether the command waits and tries again, so that few cases of a mix have this fault."""


def start(action: Action, place: Place, **options: Any) -> subprocess.Popen[bytes]:
    arguments = [
        each.replace("INPUTS", str(place.inputs)).replace("REGISTRY", place.registry)
        for each in action.arguments
    ]
    given: dict[str, Any] = {
        "cwd": place.folder,
        "env": dict(place.environment),
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.PIPE,
    }
    if action.stdin is not None and "stdin" not in options:
        with (place.inputs / action.stdin).open("rb") as file:
            return subprocess.Popen([*COMMAND, *arguments], **given | {"stdin": file} | options)
    return subprocess.Popen([*COMMAND, *arguments], **given | options)


def wait(process: subprocess.Popen[bytes]) -> Ran:
    with process:
        try:
            _, errors = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            return Ran(process.wait(), None, (f"it runs for more than {TIMEOUT} seconds",))
    return Ran(process.returncode, errors)


def plain(action: Action, place: Place) -> Ran:
    return wait(start(action, place))


# Signals


STARTED: Final = re.compile(rb'/layerscope/(?!__(?:init|main)__\.py", line [0-9]+, in <module>)')
"""A frame of code that runs after Python found the package and the module to run."""


def _signal(number: signal.Signals) -> Callable[[Action, Place, random.Random], Ran]:
    def run(action: Action, place: Place, source: random.Random) -> Ran:
        process = start(action, place)
        time.sleep(source.uniform(0.05, 1.1) * place.seconds)
        process.send_signal(number)
        ran = wait(process)
        if ran.errors and b"KeyboardInterrupt" in ran.errors and not STARTED.search(ran.errors):
            return Ran(-number, b"")  # Python's own start was interrupted
        return Ran(ran.code, ran.errors if number != signal.SIGKILL else b"")

    return run


# Limits of the system


def _limited(kind: int, least: int, most: int) -> Callable[[Action, Place, random.Random], Ran]:
    def run(action: Action, place: Place, source: random.Random) -> Ran:
        limit = source.randint(least, most or max(place.size, 1))

        def restrict() -> None:
            resource.setrlimit(kind, (limit, limit))

        return wait(start(action, place, preexec_fn=restrict))

    return run


def _full_disk(action: Action, place: Place, source: random.Random) -> Ran:
    """The folder is on a disk that gets full at some point."""
    mounts.own_mounts()
    kept = place.folder.with_name("kept")
    shutil.copytree(place.folder, kept)
    there = sum(path.stat().st_size for path in kept.rglob("*") if path.is_file())
    room = 64 * 1024 + there + source.randint(0, place.size)
    with mounts.memory(place.folder, f"size={room}"):
        shutil.copytree(kept, place.folder, dirs_exist_ok=True)
        ran = plain(action, place)
        shutil.rmtree(kept)
        shutil.copytree(place.folder, kept)
    shutil.rmtree(place.folder)
    kept.rename(place.folder)
    return ran


def _read_only(action: Action, place: Place, _: random.Random) -> Ran:
    mounts.own_mounts()
    with mounts.read_only(place.folder):
        return plain(action, place)


def _without_threads(action: Action, place: Place, source: random.Random) -> Ran:
    """Another user, who may have few processes and threads."""
    user, most = 12345 + source.randrange(1000), source.randint(1, 4)
    for path in (place.folder, *place.folder.rglob("*")):
        os.chown(path, user, user)

    def restrict() -> None:
        resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)

    return wait(start(action, place, preexec_fn=restrict))


# Streams


def _streams(action: Action, place: Place, source: random.Random) -> Ran:
    """Some of the standard streams are closed, full, or nobody reads them."""
    how = [source.choice(("as usual", "closed", "full")) for _ in range(2)]
    closed = [number for number, what in enumerate(how, 1) if what == "closed"]
    if action.stdin is None and source.random() < 0.5:
        closed.append(0)

    def close() -> None:
        for number in closed:
            os.close(number)

    with open("/dev/full", "wb") as full:
        options: dict[str, IO[bytes]] = {}
        for name, what in zip(("stdout", "stderr"), how, strict=True):
            if what == "full":
                options[name] = full
        ran = wait(start(action, place, preexec_fn=close, **options))
    return Ran(ran.code, ran.errors if how[1] == "as usual" else None)


def _early_reader(action: Action, place: Place, source: random.Random) -> Ran:
    """Whoever reads the output stops after some bytes. The command writes its report there too."""
    arguments = tuple(each for each in action.arguments if each not in {"-o", "--force"})
    if action.name in {"report", "check", "compare", "standard input", "cache", "registry"}:
        arguments = tuple(each for each in arguments if "=" not in each)
    else:
        arguments = action.arguments
    process = start(
        Action(action.name, arguments, stdin=action.stdin), place, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.read(source.choice((0, 1, 10, 500)))
    process.stdout.close()
    process.stdout = None
    return wait(process)


# Images that change


def _changing(action: Action, place: Place, source: random.Random) -> Ran:
    """An image is cut, replaced, or overwritten while it is read."""
    path = place.inputs / source.choice(place.images)
    how = source.choice(("cut", "replaced", "overwritten", "removed"))
    process = start(action, place)
    time.sleep(source.uniform(0.2, 1) * place.seconds)
    size = path.stat().st_size
    at = source.randrange(size)
    if how == "cut":
        os.truncate(path, at)
    elif how == "removed":
        path.unlink()
    elif how == "replaced":
        other = path.with_name("other")
        other.write_bytes(source.randbytes(5000))
        other.replace(path)
    else:
        with path.open("r+b") as file:
            file.seek(at)
            file.write(bytes(min(3000, size - at)))
    return wait(process)


# An engine or a registry that goes away

Connect = Callable[[], sockets.socket]


@contextmanager
def cutting(connect: Connect, listening: sockets.socket, most: int) -> Iterator[None]:
    """A proxy that is gone after that many bytes of answers: connections end, and new ones end at once."""
    left = [most]

    def pump(source: sockets.socket, sink: sockets.socket, *, answers: bool) -> None:
        with suppress(OSError):
            while left[0] > 0 and (data := source.recv(4096)):
                sink.sendall(data[: left[0]] if answers else data)
                left[0] -= len(data) if answers else 0
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(sockets.SHUT_RDWR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                server = connect()
                for source, sink in ((client, server), (server, client)):
                    answers = {"answers": source is server}
                    thread = threading.Thread(target=pump, args=(source, sink), kwargs=answers)
                    thread.daemon = True
                    thread.start()

    listening.listen()
    threading.Thread(target=accept, daemon=True).start()
    try:
        yield
    finally:
        listening.close()


def _engine_gone(action: Action, place: Place, source: random.Random) -> Ran:
    """The engine listens on a Unix socket or on a port of this machine."""
    path = place.environment["DOCKER_HOST"].removeprefix("unix://")

    def connect() -> sockets.socket:
        server = sockets.socket(sockets.AF_UNIX)
        server.connect(path)
        return server

    if source.random() < 0.5:
        socket = place.folder.with_name("cut.sock")
        listening = sockets.socket(sockets.AF_UNIX)
        listening.bind(str(socket))
        host = f"unix://{socket}"
    else:
        listening = sockets.create_server(("127.0.0.1", 0))
        host = f"tcp://127.0.0.1:{listening.getsockname()[1]}"
    saved = (place.inputs / "app.tar").stat().st_size
    with cutting(connect, listening, source.randint(0, saved + 4000)):
        changed = {**place.environment, "DOCKER_HOST": host}
        return plain(action, replace(place, environment=changed))


def _registry_gone(action: Action, place: Place, source: random.Random) -> Ran:
    host, port = place.registry.split(":")
    listening = sockets.socket()
    listening.bind(("127.0.0.1", 0))
    address = f"127.0.0.1:{listening.getsockname()[1]}"
    most = source.randint(0, 80_000)
    with cutting(lambda: sockets.create_connection((host, int(port))), listening, most):
        return plain(action, replace(place, registry=address))


def others_may_run() -> bool:
    """Whether another user may run this Python and load this code."""
    paths = [Path(os.path.realpath(sys.executable)), ROOT]
    return all(above.stat().st_mode & 0o001 for path in paths for above in (path, *path.parents))


FAULTS: Final = (
    Fault("killed", _signal(signal.SIGKILL), frozenset({-signal.SIGKILL})),
    Fault("terminated", _signal(signal.SIGTERM), frozenset({143, -signal.SIGTERM})),
    Fault("interrupted", _signal(signal.SIGINT), frozenset({130, -signal.SIGINT})),
    Fault("hung up", _signal(signal.SIGHUP), frozenset({129, -signal.SIGHUP})),
    Fault("file size limit", _limited(resource.RLIMIT_FSIZE, 0, 0), frozenset({2, 3})),
    Fault("full disk", _full_disk, frozenset({2, 3}), root=True),
    Fault("read-only folder", _read_only, frozenset({2, 3}), root=True),
    Fault("few open files", _limited(resource.RLIMIT_NOFILE, 5, 24), frozenset({2, 3})),
    Fault(
        "little memory",
        _limited(resource.RLIMIT_AS, 60 * MIB, 400 * MIB),
        frozenset({3}),
        frozenset({"report", "check", "compare", "extract", "standard input", "cache"}),
    ),
    Fault(
        "few threads",
        _without_threads,
        frozenset({2, 3}),
        frozenset({"report", "check", "compare", "extract", "standard input"}),
        root=True,
        other_user=True,
    ),
    Fault("streams", _streams, frozenset({2, 3})),
    Fault("early reader", _early_reader, frozenset({141})),
    Fault(
        "image changes",
        _changing,
        frozenset({3, 4}),
        frozenset({"report", "check", "compare", "extract", "cache"}),
        changes_images=True,
    ),
    Fault("engine gone", _engine_gone, frozenset({3}), frozenset({"export", "engine"})),
    Fault(
        "registry gone",
        _registry_gone,
        frozenset({3}),
        frozenset({"registry"}),
        changes_images=True,
        slow=True,
    ),
)
