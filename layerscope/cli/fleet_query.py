"""`layerscope fleet query`: SQL over the tables of a fleet."""

from __future__ import annotations

import click

from layerscope.cli.confine import confine, sandbox_option
from layerscope.cli.exits import Exit
from layerscope.cli.streams import write_stdout


@click.command("query", short_help="Query the tables with SQL.")
@click.argument("folder", metavar="DIR")
@click.argument("sql", metavar="SQL")
@click.option("--json", "as_json", is_flag=True, help="A list of objects.")
@click.option("--csv", "as_csv", is_flag=True, help="A line for each row.")
@sandbox_option
def command(folder: str, sql: str, as_json: bool, as_csv: bool) -> int:
    """Run one SELECT statement in DuckDB's dialect over the tables of the fleet in DIR.

    The tables are images, image_layers, layers, files, contents, packages, image_packages, instructions, waste, advice, and
    failures. Nothing but these tables can be read, and nothing can be written.

    \b
    layerscope fleet query fleet "SELECT reference, wasted FROM images ORDER BY wasted DESC LIMIT 10"
    layerscope fleet query fleet "DESCRIBE images"
    """
    from layerscope.errors import UsageError
    from layerscope.fleet.extra import check_extra

    if as_json and as_csv:
        raise UsageError("--json and --csv are two formats", hint="use one of them")
    check_extra()
    confine((), files=(folder,), cache=False)
    from layerscope.fleet.database import connected
    from layerscope.fleet.query import ask, write_csv, write_json, write_text

    write = write_json if as_json else write_csv if as_csv else write_text
    with connected(folder) as connection:
        answer = ask(connection, sql)
        write_stdout(lambda out: write(answer, out))
    return Exit.OK
