"""A process that has imported layerscope, and forks for each run, so that no run pays for the imports again.

Started with the path of a Unix socket. A client sends its three standard streams and a job: eight bytes of length, and
then the program, the working folder, the number of arguments, the arguments, and the environment, with a NUL between
any two. It gets the process ID and the exit status, which is negative for a signal, as four bytes each, then the processor
time and the peak of the memory over the start, as eight bytes each.
The server ends when its standard input does, and so with the process that started it.
"""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
import selectors
import signal
import socket
import struct
import sys
from contextlib import suppress
from typing import TextIO

LAZY = (
    "backports.zstd",
    "click.shell_completion",
    "compression.zstd",
    "difflib",
    "docker",
    "isal.igzip",
    "jinja2",
    "requests",
    "tomlkit",
    "urllib3",
    "yaml",
)
"""What layerscope imports when it needs it."""


def load() -> None:
    """Import everything but the browser, which reads the environment while it is imported."""
    import layerscope

    for module in pkgutil.walk_packages(layerscope.__path__, "layerscope."):
        if not module.name.startswith(("layerscope.tui", "layerscope.__main__")):
            importlib.import_module(module.name)
    for name in LAZY:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
    gc.collect()
    gc.freeze()


def serve(path: str) -> None:
    """Start the jobs of all clients, and tell each how its job ended."""
    jobs: dict[int, socket.socket] = {}
    ended, wake = socket.socketpair()
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with socket.socket(socket.AF_UNIX) as listener, selectors.DefaultSelector() as selector:
        listener.bind(path + ".new")
        listener.listen(64)
        os.rename(path + ".new", path)
        selector.register(listener, selectors.EVENT_READ)
        selector.register(ended, selectors.EVENT_READ)
        selector.register(0, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in selector.select()}
            if 0 in ready:
                return
            if ended in ready:
                ended.recv(64)
                reap(jobs)
            if listener in ready:
                client, _ = listener.accept()
                child = start(client)
                if child:
                    jobs[child] = client


def start(client: socket.socket) -> int:
    """The process that runs a client's job; 0 if the client is gone."""
    data, streams, _, _ = socket.recv_fds(client, 8, 3)
    if len(data) < 8:
        return 0
    left = struct.unpack("!Q", data)[0]
    parts = []
    while left:
        parts.append(client.recv(min(left, 1 << 20)))
        left -= len(parts[-1])
    child = os.fork()
    if not child:
        play([os.fsdecode(part) for part in b"".join(parts).split(b"\0")], streams)
    for stream in streams:
        os.close(stream)
    client.sendall(struct.pack("!i", child))
    return child


def reap(jobs: dict[int, socket.socket]) -> None:
    """Tell the clients whose jobs have ended."""
    while jobs:
        child, status, used = os.wait4(-1, os.WNOHANG)
        if not child:
            return
        cost = used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 - resident()
        with jobs.pop(child) as client, suppress(OSError):  # it may have given up
            client.sendall(struct.pack("!idq", os.waitstatus_to_exitcode(status), *cost))


def resident() -> int:
    """What a child has of this process's memory at its start, in bytes; 0 where the system doesn't say it."""
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if "RssAnon" in line) * 1024
    except OSError:
        return 0


def play(job: list[str], streams: list[int]) -> None:
    """Become the job."""
    program, folder, count, *rest = job
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.closerange(3, 256)
        os.environ.clear()
        for variable in rest[int(count) :]:
            name, _, os.environ[name] = variable.partition("=")
        os.chdir(folder)
        sys.stdin, sys.stdout, sys.stderr = reading(), writing(1), writing(2)
        sys.argv = rest[: int(count)]
        exec(compile(program, "<program>", "exec"), {"__name__": "__main__"})
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
        if end.code is not None and not isinstance(end.code, int):
            sys.stderr.write(f"{end.code}\n")
            code = 1
    except BaseException:  # noqa: BLE001 - as Python does at the end
        sys.excepthook(*sys.exc_info())
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except OSError:
            code = code or 120
        os._exit(code & 0xFF)


def reading() -> TextIO:
    return open(0, encoding="utf-8", errors="surrogateescape", closefd=False)


def writing(number: int) -> TextIO:
    """Standard output or standard error, as Python opens it in the C.UTF-8 locale."""
    errors = "surrogateescape" if number == 1 else "backslashreplace"
    return open(
        number,
        "w",
        encoding="utf-8",
        errors=errors,
        closefd=False,
        buffering=1 if number == 2 or os.isatty(number) else -1,
        newline="\n",
    )


if __name__ == "__main__":
    load()
    serve(sys.argv[1])
