"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

import click

from layerscope.cli.complete import complete_image
from layerscope.cli.examine import Choice
from layerscope.errors import ConfigError, UsageError
from layerscope.limits import DEFAULT_LIMITS, Limits
from layerscope.report.formats.renderers import RENDERERS
from layerscope.units import parse_size

Command = TypeVar("Command", bound=Callable[..., Any])


def stacked(*decorators: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """One decorator for several options, listed by `--help` in the order given."""

    def decorate(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


def image_argument(command: Command) -> Command:
    return click.argument("reference", metavar="IMAGE", shell_complete=complete_image)(command)


def source_options(command: Command) -> Command:
    """How to find the image, wherever it is."""
    return stacked(
        click.option("--tag", metavar="TAG", help="Pick this image from an archive of several."),
        click.option(
            "--dockerfile",
            metavar="PATH",
            help="The Dockerfile it was built from, to name lines where the image has no provenance.",
        ),
        engine_options,
    )(command)


def engine_options(command: Command) -> Command:
    """How to find the image in an engine."""
    platform = click.option(
        "--platform", metavar="OS/ARCH[/VARIANT]", help="Pick this platform from an index."
    )
    return stacked(platform, reading_options)(command)


def reading_options(command: Command) -> Command:
    """How any image is read."""
    return stacked(
        click.option(
            "--pull", is_flag=True, help="Let the engine fetch an image it does not have."
        ),
        click.option(
            "--limit",
            "limits",
            metavar="NAME=VALUE",
            multiple=True,
            help=f"Move a bound on what an image may cost, such as layers=2000. Names: "
            f"{', '.join(field.name for field in fields(Limits))}.",
        ),
        click.option("-q", "--quiet", is_flag=True, help="No progress bar."),
    )(command)


show_args_option = click.option(
    "--show-args",
    is_flag=True,
    help="Show secrets and the values of build arguments, which are masked otherwise.",
)


def output_options(command: Command) -> Command:
    """What is written where."""
    return stacked(
        click.option("--json", "as_json", is_flag=True, help="The same as --format json."),
        click.option(
            "--format",
            "format_name",
            type=click.Choice(list(RENDERERS)),
            help="Format of standard output, or of -o PATH.",
        ),
        click.option(
            "-o",
            "--output",
            "outputs",
            metavar="[FORMAT=]PATH",
            multiple=True,
            help="Write to PATH (- is standard output); FORMAT=PATH may be given for each format.",
        ),
        click.option("--force", is_flag=True, help="Write through a link, fifo or device."),
        click.option(
            "--top",
            type=click.IntRange(min=0),
            metavar="N",
            help="Rows of wasted and of large files; the others are given in sum.",
        ),
        click.option("--files", is_flag=True, help="Add every entry of every layer to the JSON."),
        show_args_option,
        click.option(
            "--verify/--no-verify",
            default=None,
            help="Compare every digest with the bytes, or none; by default those that are read in full anyway.",
        ),
    )(command)


def take_choice(given: dict[str, Any]) -> Choice:
    """What image to read and how, taken out of `given`."""
    verify = given.pop("verify", None)
    return Choice(
        reference=given.pop("reference"),
        platform=given.pop("platform"),
        tag=given.pop("tag", None),
        dockerfile=given.pop("dockerfile", None),
        pull=given.pop("pull"),
        quiet=given.pop("quiet"),
        limits=parse_limits(given.pop("limits")),
        verify="auto" if verify is None else "full" if verify else "off",
    )


def take_format(given: dict[str, Any]) -> str | None:
    """The one format of `--json` and `--format`, taken out of `given`."""
    as_json, name = given.pop("as_json"), given.pop("format_name")
    if as_json and name not in (None, "json"):
        raise UsageError(f"--json and --format {name} are two formats", hint="give one of them")
    return "json" if as_json else name


def parse_limits(values: Sequence[str]) -> Limits:
    """The bounds with those of `--limit NAME=VALUE` moved. Raises `UsageError`."""
    names = [field.name for field in fields(Limits)]
    changes: dict[str, int] = {}
    for value in values:
        name, sign, number = value.partition("=")
        name = name.replace("-", "_")
        if not sign or name not in names:
            raise UsageError(
                f"--limit {value!r} names no limit",
                hint=f"write NAME=VALUE, NAME one of {', '.join(names)}",
            )
        try:
            changes[name] = parse_size(number)
        except ConfigError as error:
            raise UsageError(f"--limit {name}: {error.message}", hint=error.hint) from None
    return replace(DEFAULT_LIMITS, **changes)
