"""`layerscope serve IMAGE`: the terminal browser inside a web browser."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import fields
from pathlib import Path

import click

from layerscope.cli.confine import confine, mode
from layerscope.cli.examine import Choice
from layerscope.cli.exits import Exit
from layerscope.cli.options import image_argument, source_options
from layerscope.cli.streams import tell
from layerscope.errors import UsageError
from layerscope.limits import DEFAULT_LIMITS
from layerscope.system.collector import collect_from_now_on


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
@click.option(
    "--public-url", metavar="URL", help="The address that visitors use, if there is a proxy."
)
@source_options
def command(choice: Choice, host: str, port: int, public_url: str | None) -> int:
    """Browse IMAGE in a web browser. This needs the extra `web`: pip install 'layerscope[web]'.

    Anyone who can reach the address can read every file of the image; there is no password. The default address is
    reachable only from this machine.
    """
    try:
        from layerscope.tui.serving import LOOPBACK, GuardedServer
    except ImportError:
        raise UsageError(
            "serving needs textual-serve", hint="install it with `pip install 'layerscope[web]'`"
        ) from None
    if public_url is None:
        public_url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    if host not in LOOPBACK:
        tell(f"layerscope: anyone who can reach {public_url} can read every file of the image")
    _let_visitors_import()
    server = GuardedServer(
        command_line(choice), host=host, port=port, title="layerscope", public_url=public_url
    )
    _confine(choice, port)
    if not choice.quiet:
        tell(f"layerscope: serving on {public_url} until you press Ctrl+C")
    collect_from_now_on()
    server.serve()
    return Exit.OK


def _confine(choice: Choice, port: int) -> None:
    """Restrict the server, whose visitors' processes restrict themselves further."""
    from layerscope.sandbox.rights import Programs, Rights

    options = choice.options
    confine(
        (choice.reference,),
        files=(options.dockerfile,),
        pull=options.pull,
        cache=options.cache,
        ahead=False,
        more=Rights(listens=(port,), programs=Programs.PYTHON),
    )


def command_line(choice: Choice) -> str:
    """The command that each visitor's process runs."""
    options = choice.options
    words = [sys.executable, "-P", "-m", "layerscope", choice.reference]
    for name in ("platform", "tag", "dockerfile", "via"):
        value = getattr(options, name)
        if value is not None:
            words += [f"--{name}", value]
    if options.pull:
        words.append("--pull")
    if options.insecure:
        words.append("--insecure")
    if options.lazy:
        words.append("--lazy")
    if not options.cache:
        words.append("--no-cache")
    if mode() != "auto":
        words.append("--sandbox" if mode() == "on" else "--no-sandbox")
    for host in options.token_servers:
        words += ["--token-server", host]
    for limit in fields(options.limits):
        value = getattr(options.limits, limit.name)
        if value != getattr(DEFAULT_LIMITS, limit.name):
            words += ["--limit", f"{limit.name}={value}"]
    return shlex.join(words)


def _let_visitors_import() -> None:
    """Let the visitors' processes import the same package as this one."""
    package = Path(__file__).resolve().parents[2]
    paths = [str(package), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
