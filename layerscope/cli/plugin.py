"""`layerscope plugin`: `docker layerscope IMAGE`, with the protocol of Docker's CLI plugins.

The protocol (docker/cli, cli-plugins): docker runs an executable `docker-NAME` in the plugin folder. It answers
`docker-cli-plugin-metadata` with JSON. Otherwise its arguments are docker's global options, its name, and the user's
arguments; a leading `__complete` asks for completions in Cobra's format.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Sequence

import click

from layerscope.cli.exits import Exit
from layerscope.cli.streams import tell, write_stdout
from layerscope.errors import OutputError, UsageError
from layerscope.report.replace import replacing, shown

NAME = "layerscope"
PROGRAM = "docker-layerscope"
METADATA = "docker-cli-plugin-metadata"
COMPLETE = ("__complete", "__completeNoDesc")
_GLOBALS = {
    "--config": "DOCKER_CONFIG",
    "--context": "DOCKER_CONTEXT",
    "-c": "DOCKER_CONTEXT",
    "--host": "DOCKER_HOST",
    "-H": "DOCKER_HOST",
    "--log-level": "",
    "-l": "",
    "--tlscacert": "",
    "--tlscert": "",
    "--tlskey": "",
}
"""Docker's global options that take a value, and the environment variables with the same meaning."""
_NO_FILES, _FILES = 4, 0
"""Cobra's directives: whether the shell may offer files as well."""


@click.group("plugin", short_help="Install `docker layerscope`.")
def command() -> None:
    """Add layerscope to docker's commands: `docker layerscope IMAGE`."""


@command.command("install")
@click.option(
    "--folder",
    metavar="PATH",
    help="Where docker looks for plugins. The default is cli-plugins in its configuration folder.",
)
def install(folder: str | None) -> int:
    """Install the plugin for the current user.

    The plugin is a small script that runs this installation of layerscope.
    """
    if os.name == "nt":
        raise UsageError(
            "docker on Windows runs only plugins that are an .exe", hint="run `layerscope IMAGE`"
        )
    path = _path(folder)
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{shown(os.path.dirname(path))} cannot be created: {error.strerror}",
            hint="name another folder with --folder",
        ) from None
    with replacing(path) as file:
        file.write(script().encode())
    os.chmod(path, 0o755)  # noqa: S103 - docker must be able to run it
    tell(f"wrote {shown(path)}; try `docker layerscope --help`")
    return Exit.OK


@command.command("uninstall")
@click.option("--folder", metavar="PATH", help="The folder of the plugin.")
def uninstall(folder: str | None) -> int:
    """Remove the plugin."""
    path = _path(folder)
    try:
        os.unlink(path)
    except FileNotFoundError:
        raise UsageError(
            f"{shown(path)} does not exist", hint="name its folder with --folder"
        ) from None
    tell(f"removed {shown(path)}")
    return Exit.OK


@command.command(
    "run",
    hidden=True,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(arguments: tuple[str, ...]) -> int:
    """Run by docker."""
    if arguments[:1] == (METADATA,):
        text = json.dumps(metadata(), sort_keys=True)
        write_stdout(lambda out: out.write(text + "\n"))
        return Exit.OK
    completing = arguments[:1] and arguments[0] in COMPLETE
    rest = _take_globals(arguments[1:] if completing else arguments)
    if rest[:1] == [NAME]:
        rest = rest[1:]
    if completing:
        return _complete(rest)
    from layerscope.cli.main import commands

    with commands.make_context(f"docker {NAME}", rest) as context:
        code = commands.invoke(context)
    return code if isinstance(code, int) else Exit.OK


def metadata() -> dict[str, str]:
    """What docker asks a plugin for."""
    from layerscope import __version__

    return {
        "SchemaVersion": "0.1.0",
        "ShortDescription": "Where an image's bytes come from, and which are wasted",
        "Vendor": NAME,
        "Version": __version__,
    }


def script() -> str:
    """The executable that docker runs: this installation, from any current folder."""
    return f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m {NAME} plugin run "$@"\n'


def _path(folder: str | None) -> str:
    if folder is None:
        config = os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")
        folder = os.path.join(config, "cli-plugins")
    return os.path.join(folder, PROGRAM)


def _take_globals(arguments: Sequence[str]) -> list[str]:
    """The arguments from the plugin's name on. Docker's global options before it go into environment variables."""
    rest = list(arguments)
    while rest and rest[0].startswith("-") and NAME in rest:
        name, sign, value = rest.pop(0).partition("=")
        if name not in _GLOBALS:
            continue
        if not sign:
            value = rest.pop(0)
        if _GLOBALS[name]:
            os.environ[_GLOBALS[name]] = value
    return rest


def _complete(words: Sequence[str]) -> int:
    """Print completions in Cobra's format: a value and its help on each line, then a directive."""
    from click.shell_completion import ShellComplete

    from layerscope.cli.main import commands

    before, last = list(words[:-1]), words[-1] if words else ""
    found = ShellComplete(commands, {}, NAME, "").get_completions(before, last)
    lines = [
        f"{each.value}\t{' '.join(each.help.split())}" if each.help else str(each.value)
        for each in found
        if each.type == "plain"
    ]
    lines.append(f":{_NO_FILES if lines else _FILES}")
    write_stdout(lambda out: out.write("\n".join(lines) + "\n"))
    return Exit.OK
