"""`layerscope report IMAGE`: the facts of an image, in one format or several."""

from __future__ import annotations

from typing import Any

import click

from layerscope.cli.exits import Exit
from layerscope.cli.options import (
    image_argument,
    output_options,
    source_options,
    take_choice,
    take_format,
)
from layerscope.cli.outputs import check_apart, check_outputs, parse_outputs, write_outputs
from layerscope.cli.rules import check_former, judge, rule_options, take_ruling


@click.command("report", short_help="Report an image's sizes, waste and causes.")
@image_argument
@output_options
@source_options
@rule_options
def command(**given: Any) -> int:
    """Report where the bytes of IMAGE come from and which of them are wasted.

    IMAGE is docker:NAME, podman:NAME, docker-archive:PATH, oci-archive:PATH, oci-dir:PATH, dir:PATH, registry:NAME, or a bare
    path or name; - is a tarball on standard input. A saved JSON report can take the place of the image. The report is
    text for people unless a format is named.

    \b
    layerscope report python:3.8
    layerscope report app.tar --json | jq .sizes
    layerscope report docker:app -o json=report.json -o text=-

    With rules, given here or in layerscope.toml, the report carries their verdict; `layerscope check` also exits by it.
    """
    return report(given)


def report(given: dict[str, Any]) -> int:
    """Run the command with its options."""
    outputs = parse_outputs(given.pop("outputs"), take_format(given))
    check_outputs(outputs, force=given["force"])
    ruling = take_ruling(given)
    if ruling.require:
        check_former(ruling)
    check_apart(outputs, (given["reference"], given["dockerfile"], *ruling.inputs))
    judged = judge(ruling, take_choice(given), hashes=given["files"])
    document = judged.document(top=given["top"], files=given["files"], show_args=given["show_args"])
    write_outputs(outputs, document, rows=given["top"], force=given["force"], facts=judged.facts)
    return Exit.OK
