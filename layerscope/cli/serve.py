"""`layerscope serve IMAGE`: the browser of the terminal in a web browser."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Any

import click

from layerscope.cli.exits import Exit
from layerscope.cli.options import image_argument, parse_limits, source_options
from layerscope.cli.streams import tell
from layerscope.errors import UsageError


@click.command("serve", short_help="Browse an image in a web browser.")
@image_argument
@click.option(
    "--host",
    default="127.0.0.1",
    metavar="ADDRESS",
    help="Address to listen on.",
    show_default=True,
)
@click.option(
    "--port",
    default=8000,
    type=click.IntRange(1, 65535),
    help="Port to listen on.",
    show_default=True,
)
@click.option("--public-url", metavar="URL", help="The address that visitors see, behind a proxy.")
@source_options
def command(**given: Any) -> int:
    """Serve the browser of IMAGE over HTTP; needs the extra `web`.

    Who reaches the address can read every file of the image, and is asked for no password; it listens on the loopback
    interface unless told otherwise.
    """
    host, port, public_url = given.pop("host"), given.pop("port"), given.pop("public_url")
    parse_limits(given["limits"])
    try:
        from layerscope.tui.serving import LOOPBACK, GuardedServer
    except ImportError:
        raise UsageError(
            "serving needs textual-serve", hint="install it with `pip install 'layerscope[web]'`"
        ) from None
    if public_url is None:
        public_url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    if host not in LOOPBACK:
        tell(f"layerscope: whoever reaches {public_url} can read every file of the image")
    _let_visitors_import()
    server = GuardedServer(
        _command_line(given), host=host, port=port, title="layerscope", public_url=public_url
    )
    tell(f"layerscope: serving on {public_url} until stopped with ctrl+c")
    server.serve()
    return Exit.OK


def _command_line(given: dict[str, Any]) -> str:
    """How each visitor's process is started."""
    words = [sys.executable, "-P", "-m", "layerscope", given["reference"]]
    for name in ("platform", "tag", "dockerfile"):
        if given.get(name):
            words += [f"--{name}", given[name]]
    if given["pull"]:
        words.append("--pull")
    for limit in given["limits"]:
        words += ["--limit", limit]
    return shlex.join(words)


def _let_visitors_import() -> None:
    """Let the processes that are started find this very package, however this one did."""
    package = Path(__file__).resolve().parents[2]
    paths = [str(package), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
