"""Has the server of forked processes run the command line of layerscope, in place of this process.

It imports as little as it can, because its start is what a run costs.
"""

import _socket
import os
import sys
from posix import environ

COMMAND = b"import sys; from layerscope.__main__ import command; sys.exit(command())"


def main() -> int:
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    python = {
        name: value
        for name, value in environ.items()
        if name.startswith((b"PYTHON", b"LC_", b"LANG", b"COVERAGE_", b"MALLOC_"))
    }
    if python != {b"PYTHONPATH": os.fsencode(root), b"LC_ALL": b"C.UTF-8"}:
        os.execv(sys.executable, [sys.executable, "-P", "-m", "layerscope", *sys.argv[2:]])
    words = [b"layerscope", *map(os.fsencode, sys.argv[2:])]
    variables = [name + b"=" + value for name, value in environ.items()]
    job = b"\0".join([COMMAND, os.getcwdb(), b"%d" % len(words), *words, *variables])
    server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    server.connect(sys.argv[1])
    streams = b"".join(stream.to_bytes(4, sys.byteorder) for stream in range(3))
    server.sendmsg(
        [len(job).to_bytes(8, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)]
    )
    server.sendall(job)
    answer = b""
    while len(answer) < 8:
        piece = server.recv(8)
        if not piece:
            return 1
        answer += piece
    code = int.from_bytes(answer[4:8], "big", signed=True)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    os._exit(main())
