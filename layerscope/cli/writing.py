"""What to write where: the options of commands that write reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Never

import click

from layerscope.cli.examine import Choice
from layerscope.cli.options import Command, gathered, stacked
from layerscope.cli.outputs import Output, check_outputs, parse_outputs
from layerscope.errors import UsageError
from layerscope.records import dataclass
from layerscope.report.formats.format import Format
from layerscope.report.formats.renderers import RENDERERS

json_option = click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
outputs_option = click.option(
    "-o",
    "--output",
    "outputs",
    metavar="[FORMAT=]PATH",
    multiple=True,
    help="Write to PATH (- is standard output). Repeat as FORMAT=PATH for several formats.",
)
force_option = click.option(
    "--force", is_flag=True, help="Write even if PATH is a symlink, FIFO, or device."
)
verify_option = click.option(
    "--verify/--no-verify",
    default=None,
    help="Verify every digest, or none. By default, verify only the blobs that are read in full anyway.",
)
show_args_option = click.option(
    "--show-args",
    is_flag=True,
    help="Show secrets and the values of build arguments instead of masking them.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """What to write where, from the command line."""

    as_json: bool = False
    format_name: str | None = None
    outputs: tuple[str, ...] = ()
    force: bool = False
    top: int | None = None
    files: bool = False
    show_args: bool = False

    def targets(
        self, *, default: str | None = "text", formats: Mapping[str, Format[Never]] = RENDERERS
    ) -> tuple[Output, ...]:
        """The outputs, checked to be writable. Raises `UsageError` and `OutputError`."""
        name = one_format(as_json=self.as_json, name=self.format_name)
        outputs = parse_outputs(self.outputs, name, default=default, formats=formats)
        check_outputs(outputs, force=self.force)
        if self.files and not any(formats[output.format].entries for output in outputs):
            showing = " and ".join(each.name for each in formats.values() if each.entries)
            raise UsageError(
                f"--files has no effect on this format; every entry is only in {showing}",
                hint="leave it out, or add -o json=PATH",
            )
        return outputs


def one_format(*, as_json: bool, name: str | None) -> str | None:
    """The one format of `--json` and `--format`. Raises `UsageError`."""
    if as_json and name not in (None, "json"):
        raise UsageError(f"--json and --format {name} are two formats", hint="use one of them")
    return "json" if as_json else name


def check_head(choice: Choice, writing: Writing, outputs: Sequence[Output]) -> None:
    """Raise `UsageError` for what needs the layers that `--head` does not read."""
    if not choice.options.head:
        return
    if writing.files:
        raise UsageError(
            "--files lists what the layers hold, and --head reads none of them",
            hint="leave one of the two options out",
        )
    if any(output.format == "svg" for output in outputs):
        raise UsageError(
            "svg draws what the layers hold, and --head reads none of them",
            hint="leave --head out, or choose another format",
        )


def output_options(command: Command) -> Command:
    """What to write where; the command gets a `writing`."""
    return stacked(
        json_option,
        click.option(
            "--format",
            "format_name",
            type=click.Choice(list(RENDERERS)),
            help="Format of standard output, or of -o PATH.",
        ),
        outputs_option,
        force_option,
        click.option(
            "--top",
            type=click.IntRange(min=0),
            metavar="N",
            help="List N wasted and N large files, and sum up the rest.",
        ),
        click.option(
            "--files", is_flag=True, help="Add every entry of every layer to the JSON or CSV."
        ),
        show_args_option,
        verify_option,
        gathered("writing", [field.name for field in fields(Writing)], Writing),
    )(command)
