"""`layerscope check IMAGE`: the gate, which exits by the verdict."""

from __future__ import annotations

import sys
from typing import Any, TextIO

import click

from layerscope.analysis.budget import CONFIG_NAME, evaluate
from layerscope.cli.examine import examine
from layerscope.cli.exits import Exit
from layerscope.cli.options import (
    image_argument,
    output_options,
    rule_options,
    source_options,
    take_budget,
    take_choice,
    take_format,
)
from layerscope.cli.outputs import STDOUT, check_outputs, parse_outputs, write_outputs
from layerscope.cli.streams import wants_color, width_of, write_stdout
from layerscope.errors import UsageError


@click.command("check", short_help="Hold an image against a budget; exit 1 when it is broken.")
@image_argument
@rule_options
@output_options
@source_options
def command(**given: Any) -> int:
    """Hold IMAGE against a budget and exit with 1 when a rule is broken.

    Rules stand in the [budget] table of layerscope.toml, in [tool.layerscope.budget] of pyproject.toml, or are options;
    an option beats the file. A rule that is not named is off, and a limit that is just reached is kept. Sizes are
    written as 150MB (10^6) or 1.2GiB (2^30).

    \b
    layerscope check docker:app --max-size 200MB --max-wasted-percent 5
    layerscope check app.tar --config ci/layerscope.toml -o json=report.json

    One line for each rule is printed, and last of all `verdict: pass` or `verdict: fail (2 of 5 rules)`.
    """
    outputs = parse_outputs(given.pop("outputs"), take_format(given), default=None)
    check_outputs(outputs, force=given["force"])
    budget = take_budget(given)
    if not budget:
        raise UsageError(
            "there is no rule to check",
            hint=f"give one such as --max-size 200MB, or put it into {CONFIG_NAME}",
        )
    choice = take_choice(given)
    analysis = examine(choice, hashes=given["files"])
    verdict = evaluate(budget, analysis)

    from layerscope.report.document import TOP, build
    from layerscope.report.page import Page
    from layerscope.report.verdict import write_verdict

    document = build(
        analysis,
        top=TOP if given["top"] is None else given["top"],
        files=given["files"],
        hashes=given["files"],
        verdict=verdict,
        show_args=given["show_args"],
    )

    def write(out: TextIO) -> None:
        write_verdict(Page(out, width=width_of(out), color=wants_color(out)), document)

    to_stdout = any(output.path == STDOUT for output in outputs)
    if to_stdout and sys.stderr is not None and not choice.quiet:
        write(sys.stderr)
    write_outputs(outputs, document, rows=given["top"], force=given["force"])
    if not to_stdout:
        write_stdout(write)
    return Exit.OK if verdict.passed else Exit.BUDGET
