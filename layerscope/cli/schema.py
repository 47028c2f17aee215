"""`layerscope schema`: the JSON Schema of the report."""

from __future__ import annotations

import click

from layerscope.cli.exits import Exit
from layerscope.cli.streams import write_stdout
from layerscope.report.schema import SCHEMAS, schema_text


@click.command("schema", short_help="Print the JSON Schema of a report.")
@click.argument("kind", type=click.Choice(list(SCHEMAS)), default="analysis", metavar="[KIND]")
def command(kind: str) -> int:
    """Print the JSON Schema (2020-12) of the documents that --json writes."""
    write_stdout(lambda out: out.write(schema_text(kind)), data=True)
    return Exit.OK
