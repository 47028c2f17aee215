"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import wraps
from typing import Any, TypeVar, cast

import click

from layerscope.cli.complete import complete_image
from layerscope.cli.examine import Choice
from layerscope.cli.outputs import Output, check_outputs, parse_outputs
from layerscope.errors import ConfigError, UsageError
from layerscope.limits import DEFAULT_LIMITS, Limits
from layerscope.options import ReadOptions
from layerscope.report.formats.format import Format
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


def gathered(
    parameter: str, names: Sequence[str], make: Callable[..., object]
) -> Callable[[Command], Command]:
    """Hand the command one typed value instead of the options that are called `names`."""

    def decorate(command: Command) -> Command:
        @wraps(command)
        def run(**given: Any) -> Any:
            own = {name: given[name] for name in names if name in given}
            others = {name: value for name, value in given.items() if name not in own}
            return command(**{parameter: make(**own)}, **others)

        return cast("Command", run)

    return decorate


def image_argument(command: Command) -> Command:
    return click.argument("reference", metavar="IMAGE", shell_complete=complete_image)(command)


def source_options(command: Command) -> Command:
    """How to find and read the image, wherever it is; the command gets a `choice`."""
    return stacked(_tag_option, _dockerfile_option, _engine_options, _choice)(command)


def file_options(command: Command) -> Command:
    """The same for a command that shows no instructions, so that a Dockerfile has nothing to say."""
    return stacked(_tag_option, _engine_options, _choice)(command)


def engine_options(command: Command) -> Command:
    """How to find the image in an engine; the command gets a `choice`."""
    return stacked(_engine_options, _choice)(command)


def make_options(
    *,
    platform: str | None,
    pull: bool,
    limits: Sequence[str],
    insecure: bool = False,
    token_servers: Sequence[str] = (),
    tag: str | None = None,
    dockerfile: str | None = None,
    verify: bool | None = None,
) -> ReadOptions:
    """What the options of the command line say. Raises `UsageError`."""
    return ReadOptions(
        platform=platform,
        tag=tag,
        pull=pull,
        insecure=insecure,
        token_servers=tuple(token_servers),
        dockerfile=dockerfile,
        limits=parse_limits(limits),
        verify="auto" if verify is None else "full" if verify else "off",
    )


def _make_choice(*, reference: str, quiet: bool, **options: Any) -> Choice:
    return Choice(reference=reference, options=make_options(**options), quiet=quiet)


_choice = gathered(
    "choice",
    (
        "reference",
        "platform",
        "tag",
        "dockerfile",
        "pull",
        "insecure",
        "token_servers",
        "limits",
        "verify",
        "quiet",
    ),
    _make_choice,
)
_tag_option = click.option(
    "--tag", metavar="TAG", help="Pick this image from an archive of several."
)
_dockerfile_option = click.option(
    "--dockerfile",
    metavar="PATH",
    help="The Dockerfile it was built from, to name lines where the image has no provenance.",
)


def _engine_options(command: Command) -> Command:
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
            "--insecure",
            is_flag=True,
            help="Accept plain HTTP and any certificate from a registry, for your own test registries.",
        ),
        click.option(
            "--token-server",
            "token_servers",
            metavar="HOST",
            multiple=True,
            help="Let this host's token server have the registry's credentials too.",
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """What is written where, as the command line says it."""

    as_json: bool = False
    format_name: str | None = None
    outputs: tuple[str, ...] = ()
    force: bool = False
    top: int | None = None
    files: bool = False
    show_args: bool = False

    def targets(
        self, *, default: str | None = "text", formats: Mapping[str, Format] = RENDERERS
    ) -> tuple[Output, ...]:
        """The outputs, all of which can be written. Raises `UsageError` and `OutputError`."""
        name = one_format(as_json=self.as_json, name=self.format_name)
        outputs = parse_outputs(self.outputs, name, default=default, formats=formats)
        check_outputs(outputs, force=self.force)
        return outputs


def one_format(*, as_json: bool, name: str | None) -> str | None:
    """The one format of `--json` and `--format`. Raises `UsageError`."""
    if as_json and name not in (None, "json"):
        raise UsageError(f"--json and --format {name} are two formats", hint="give one of them")
    return "json" if as_json else name


def output_options(command: Command) -> Command:
    """What is written where; the command gets a `writing`."""
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
        gathered("writing", [field.name for field in fields(Writing)], Writing),
    )(command)


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
