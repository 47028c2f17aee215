"""An answer from a fleet's tables, as text or as one JSON object."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

from layerscope.cli.confine import confine
from layerscope.cli.exits import Exit
from layerscope.cli.streams import write_stdout

if TYPE_CHECKING:
    import duckdb

    Answer = dict[str, Any]


def print_answer(
    folder: str,
    ask: Callable[[duckdb.DuckDBPyConnection], Answer],
    write: Callable[[TextIO, Answer], None],
    *,
    as_json: bool,
) -> int:
    """Ask the fleet in a folder, and print the answer, which `write` puts into words. Raises `LayerscopeError`."""
    from layerscope.fleet.extra import check_extra

    check_extra()
    confine((), files=(folder,), cache=False)
    from layerscope.fleet.database import connected

    with connected(folder) as connection:
        found = ask(connection)
    if as_json:
        write_stdout(lambda out: out.write(json.dumps(found, indent=2, sort_keys=True) + "\n"))
    else:
        write_stdout(lambda out: write(out, found))
    return Exit.OK
