"""`layerscope compare A B`: what changes from one image to another, or what several share."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Never

import click

import layerscope
from layerscope.cli.complete import complete_image
from layerscope.cli.confine import confine, confine_browser
from layerscope.cli.examine import remarks
from layerscope.cli.exits import Exit, stopping
from layerscope.cli.options import (
    cache_option,
    dead_weight_option,
    duplicates_options,
    head_option,
    lazy_option,
    make_options,
    packages_option,
    reading_options,
    secrets_option,
    via_option,
)
from layerscope.cli.outputs import Output, check_apart, check_outputs, parse_outputs, write_outputs
from layerscope.cli.progress import ProgressBar, progress_bar
from layerscope.cli.streams import is_terminal
from layerscope.cli.writing import (
    force_option,
    json_option,
    one_format,
    outputs_option,
    show_args_option,
    verify_option,
)
from layerscope.errors import UsageError
from layerscope.progress import CancelledCallback, ProgressCallback, RemarkCallback
from layerscope.records import dataclass
from layerscope.system.collector import collector_paused

if TYPE_CHECKING:
    from layerscope.analysis.comparison.side import Side
    from layerscope.options import ReadOptions, SecretScope, Via
    from layerscope.report.formats.format import Format

FORMATS = ("text", "json", "markdown", "html", "csv", "github")
STDIN = "-"


@click.command("compare", short_help="Compare two images, or size up several together.")
@click.argument(
    "references",
    metavar="A B [MORE...]",
    nargs=-1,
    required=True,
    shell_complete=complete_image,
)
@click.option(
    "--path",
    metavar="GLOB",
    help="Compare only files that match, such as '/usr/lib/**' or '*.so'.",
)
@click.option(
    "--depth", type=click.IntRange(min=0), metavar="N", help="Show N levels of directories."
)
@click.option(
    "--top",
    type=click.IntRange(min=0),
    metavar="N",
    help="List N files and N directories, and sum up the rest.",
)
@click.option("--tui", is_flag=True, help="Browse the comparison in the terminal.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if the images differ.")
@json_option
@click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    help="Format of standard output, or of -o PATH.",
)
@outputs_option
@force_option
@click.option(
    "--platform",
    "platforms",
    metavar="OS/ARCH[/VARIANT]",
    multiple=True,
    help="Pick this platform from a multi-platform image. Give it once for all images, or once for each, in order.",
)
@click.option(
    "--tag",
    "tags",
    metavar="TAG",
    multiple=True,
    help="Pick this image from an archive with several. Give it once for all images, or once for each, in order.",
)
@verify_option
@head_option
@via_option
@cache_option
@lazy_option
@packages_option
@dead_weight_option
@duplicates_options
@secrets_option
@show_args_option
@reading_options
def command(**given: Any) -> int:
    """Compare image A with image B: what grows and shrinks, where, and which instruction is to blame.

    Each is an image from any source, as in `layerscope report`, or a JSON report saved with --files (write report:PATH
    if its name is ambiguous). For more than two images, the table says what each has alone, what it shares, and what
    all of them need on one host.

    \b
    layerscope compare python:3.8 python:3.8-slim
    layerscope compare yesterday.json docker:app --exit-code
    layerscope compare app app --platform linux/amd64 --platform linux/arm64
    """
    asked = Asked(**given)
    asked.check()
    if asked.tui:
        return _browse(asked)
    outputs = asked.targets()
    confine(asked.references, outputs=outputs, pull=asked.pull, cache=not asked.no_cache)
    with collector_paused(), progress_bar(quiet=asked.quiet) as progress, ExitStack() as stack:
        sides = _open_all(asked, progress, stack, remark=remarks(quiet=asked.quiet))
        if asked.several:
            return _tabulate(sides, outputs, asked)
        return _compare(sides, outputs, asked, progress)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The command line."""

    references: tuple[str, ...]
    path: str | None
    depth: int | None
    top: int | None
    tui: bool
    exit_code: bool
    as_json: bool
    format_name: str | None
    outputs: tuple[str, ...]
    force: bool
    show_args: bool
    platforms: tuple[str, ...]
    tags: tuple[str, ...]
    verify: bool | None
    head: bool
    via: Via | None
    no_cache: bool
    lazy: bool
    packages: bool
    dead_weight: bool
    duplicates: bool
    min_duplicate: str | None
    secrets: SecretScope
    pull: bool
    insecure: bool
    token_servers: tuple[str, ...]
    limits: tuple[str, ...]
    quiet: bool

    @property
    def several(self) -> bool:
        """Whether there are more than two images, which get a table instead of a comparison."""
        return len(self.references) > 2

    def check(self) -> None:
        """Raise `UsageError` for arguments that do not go together."""
        count = len(self.references)
        if count < 2:
            raise UsageError("there is only one image to compare", hint="name two or more")
        if self.references.count(STDIN) > 1:
            raise UsageError("standard input holds only one image", hint="save the other to a file")
        if self.head and (self.path is not None or self.depth is not None):
            raise UsageError(
                "--path and --depth need the files, and --head reads none of them",
                hint="leave --head out",
            )
        if self.several and (self.exit_code or self.path is not None or self.depth is not None):
            raise UsageError(
                f"--exit-code, --path and --depth need two images, not {count}",
                hint="name two",
            )
        if self.several and (self.top is not None or self.show_args):
            raise UsageError(
                f"--top and --show-args have no effect on a table of {count} images",
                hint="leave them out, or name two images",
            )
        self._check_saved()

    def _check_saved(self) -> None:
        """Raise `UsageError` for options that read an image where there are only saved reports."""
        from layerscope.report.saved.reference import report_path

        given = {
            "--platform": self.platforms,
            "--tag": self.tags,
            "--pull": self.pull,
            "--insecure": self.insecure,
            "--token-server": self.token_servers,
            "--head": self.head,
            "--lazy": self.lazy,
            "--verify": self.verify is True,
            "--no-verify": self.verify is False,
            "--via": self.via,
            "--no-cache": self.no_cache,
            "--no-packages": not self.packages,
            "--no-dead-weight": not self.dead_weight,
            "--no-duplicates": not self.duplicates,
            "--min-duplicate": self.min_duplicate,
            "--secrets": self.secrets == "all",
            "--no-secrets": self.secrets == "off",
        }
        useless = [name for name, value in given.items() if value]
        if useless and all(report_path(each) is not None for each in self.references):
            raise UsageError(
                f"{useless[0]} has no effect on saved reports",
                hint="leave it out, or name an image",
            )

    def targets(self) -> tuple[Output, ...]:
        """The outputs, checked to be writable. Raises `UsageError` and `OutputError`."""
        from layerscope.report.comparison.renderers import COMPARISON_RENDERERS
        from layerscope.report.comparison.table_renderers import TABLE_RENDERERS

        formats: Mapping[str, Format[Never]] = COMPARISON_RENDERERS
        if self.several:
            formats = TABLE_RENDERERS
        name = one_format(as_json=self.as_json, name=self.format_name)
        if name is not None and name not in formats:
            raise UsageError(
                f"--format {name} needs two images, not {len(self.references)}",
                hint=f"the formats for more are {', '.join(formats)}",
            )
        outputs = parse_outputs(self.outputs, name, formats=formats)
        check_outputs(outputs, force=self.force)
        check_apart(outputs, self.references)
        return outputs

    def read_options(self) -> list[ReadOptions]:
        """How to read each image. Raises `UsageError`."""
        count = len(self.references)
        pairs = zip(
            _each(self.platforms, count, "--platform"),
            _each(self.tags, count, "--tag"),
            strict=True,
        )
        return [
            make_options(
                platform=platform,
                tag=tag,
                pull=self.pull,
                insecure=self.insecure,
                token_servers=self.token_servers,
                limits=self.limits,
                verify=self.verify,
                via=self.via,
                no_cache=self.no_cache,
                head=self.head,
                lazy=self.lazy,
                packages=self.packages,
                dead_weight=self.dead_weight,
                duplicates=self.duplicates,
                min_duplicate=self.min_duplicate,
                secrets=self.secrets,
            )
            for platform, tag in pairs
        ]


def _each(values: Sequence[str], count: int, option: str) -> Sequence[str | None]:
    """The value of an option for each image: one for all, or one for each."""
    if len(values) in (0, 1):
        return (values[0] if values else None,) * count
    if len(values) != count:
        raise UsageError(
            f"{option} is given {len(values)} times for {count} images",
            hint="give it once, or once for each image",
        )
    return values


def _open_all(
    asked: Asked,
    progress: ProgressCallback,
    stack: ExitStack,
    cancelled: CancelledCallback = stopping.is_set,
    remark: RemarkCallback | None = None,
    *,
    contents: bool = False,
) -> list[Side]:
    """Analyze the images, which stay open until `stack` closes, and read the saved reports.

    `contents` is for the browser, which reads files afterwards.
    """
    from layerscope.analysis.comparison.side import Side
    from layerscope.cache.opened import open_shelf
    from layerscope.report.saved.reference import report_path
    from layerscope.report.saved.report import read_report

    sides = []
    shelf = open_shelf(cache=not asked.no_cache, remark=remark, proves=True)
    for reference, options in zip(asked.references, asked.read_options(), strict=True):
        path = report_path(reference)
        if path is not None:
            sides.append(read_report(path, show_args=asked.show_args, limits=options.limits))
            continue
        analysis = layerscope.read(
            reference,
            replace(options, contents=contents),
            shelf=shelf,
            progress=progress,
            cancelled=cancelled,
            remark=remark,
        )
        sides.append(Side.of(stack.enter_context(analysis), show_args=asked.show_args))
    return sides


def _compare(
    sides: Sequence[Side], outputs: Sequence[Output], asked: Asked, progress: ProgressBar
) -> int:
    from layerscope.report.comparison.document import build
    from layerscope.report.comparison.renderers import COMPARISON_RENDERERS
    from layerscope.report.document.defaults import TOP

    comparison = layerscope.compare(
        sides[0], sides[1], path=asked.path, progress=progress, cancelled=stopping.is_set
    )
    document = build(comparison, top=TOP if asked.top is None else asked.top, depth=asked.depth)
    write_outputs(
        outputs,
        document,
        rows=asked.top,
        force=asked.force,
        formats=COMPARISON_RENDERERS,
    )
    return Exit.DIFFERENT if asked.exit_code and comparison.differs else Exit.OK


def _browse(asked: Asked) -> int:
    """Run the browser of two images until the user quits."""
    given = {
        "--json": asked.as_json,
        "--format": asked.format_name,
        "--output": asked.outputs,
        "--exit-code": asked.exit_code,
        "--top": asked.top is not None,
        "--depth": asked.depth is not None,
        "--head": asked.head,
        "--force": asked.force,
        "--quiet": asked.quiet,
    }
    useless = [name for name, value in given.items() if value]
    if len(asked.references) != 2:
        raise UsageError(f"--tui needs two images, not {len(asked.references)}", hint="name two")
    if useless:
        raise UsageError(f"{useless[0]} has no effect with --tui", hint="remove one of them")
    terminal = is_terminal(sys.stdin) and is_terminal(sys.stdout)
    if STDIN in asked.references or not (terminal or os.environ.get("TEXTUAL_DRIVER")):
        raise UsageError(
            "--tui needs a terminal on standard input and output",
            hint="remove --tui, or name files",
        )
    asked.read_options()

    from layerscope.tui.compare.app import CompareApp
    from layerscope.tui.compare.load import pair_reader
    from layerscope.tui.settings import load_settings

    def open_sides(
        progress: ProgressCallback, cancelled: CancelledCallback, stack: ExitStack
    ) -> tuple[Side, Side]:
        a, b = _open_all(asked, progress, stack, cancelled, contents=True)
        return a, b

    confine_browser(asked.references, pull=asked.pull, cache=not asked.no_cache)
    app = CompareApp(
        " → ".join(asked.references), pair_reader(open_sides, asked.path), settings=load_settings()
    )
    code = app.run()
    if app.failed is not None:
        raise app.failed
    if code is None:
        return Exit.BUG if app.return_code else Exit.OK
    return code


def _tabulate(sides: Sequence[Side], outputs: Sequence[Output], asked: Asked) -> int:
    from layerscope.analysis.comparison.table import tabulate
    from layerscope.report.comparison.table_document import build_table
    from layerscope.report.comparison.table_renderers import TABLE_RENDERERS

    document = build_table(tabulate(sides))
    write_outputs(outputs, document, rows=asked.top, force=asked.force, formats=TABLE_RENDERERS)
    return Exit.OK
