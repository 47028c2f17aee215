"""`layerscope report IMAGE`: the facts of an image, in one format or several."""

from __future__ import annotations

import click

from layerscope.cli.examine import Choice
from layerscope.cli.exits import Exit
from layerscope.cli.judging import (
    check_former,
    confine_judging,
    judge,
    read_ruling,
    write_reports,
)
from layerscope.cli.options import image_argument, report_options
from layerscope.cli.outputs import check_apart
from layerscope.cli.rules import RuleOptions, rule_options
from layerscope.cli.writing import Writing, check_head, output_options


@click.command("report", short_help="Report an image's sizes, waste, and causes.")
@image_argument
@click.option(
    "--all-platforms",
    is_flag=True,
    help="Report each platform of a multi-platform image.",
)
@output_options
@report_options
@rule_options
def command(choice: Choice, writing: Writing, rules: RuleOptions, all_platforms: bool) -> int:
    """Report where the bytes of IMAGE come from and which of them are wasted.

    IMAGE is docker:NAME, podman:NAME, docker-archive:PATH, oci-archive:PATH, oci-dir:PATH, dir:PATH, registry:NAME, or a
    bare path or name; - reads a tarball from standard input. A saved JSON report works too. The default format is text.

    \b
    layerscope report python:3.8
    layerscope report app.tar --json | jq .sizes
    layerscope report docker:app -o json=report.json -o text=-
    layerscope report registry:app --all-platforms --head

    If there are rules, here or in layerscope.toml, the report includes the verdict; to fail on a broken rule, run
    `layerscope check`.
    """
    if all_platforms:
        from layerscope.cli.platforms import report_platforms

        return report_platforms(choice, writing, rules)
    return report(choice, writing, rules)


def report(choice: Choice, writing: Writing, rules: RuleOptions) -> int:
    """Run the command with its options."""
    outputs = writing.targets()
    check_head(choice, writing, outputs)
    ruling = read_ruling(rules)
    if ruling.require:
        check_former(ruling)
    check_apart(outputs, (choice.reference, choice.options.dockerfile, *ruling.inputs))
    confine_judging(choice, ruling, outputs)
    judged = judge(ruling, choice, hashes=writing.files)
    document = judged.document(top=writing.top, files=writing.files, show_args=writing.show_args)
    write_reports(outputs, document, judged, writing)
    return Exit.OK
