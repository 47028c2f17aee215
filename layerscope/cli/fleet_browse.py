"""`layerscope fleet browse`: a table of images that opens each one in the browser."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import click

from layerscope.cli.examine import Choice
from layerscope.cli.exits import Exit
from layerscope.cli.options import gathered, limit_option, parse_limits, registry_options
from layerscope.cli.streams import is_terminal, tell
from layerscope.errors import LayerscopeError, UsageError
from layerscope.limits import DEFAULT_LIMITS
from layerscope.options import ReadOptions
from layerscope.system.collector import collect_from_now_on

if TYPE_CHECKING:
    from collections.abc import Sequence

    from layerscope.fleet.listing import ImageListing


_SIGNALED: Final = 128
"""Exit codes above this say which signal ended the browser."""


def _options(*, insecure: bool, token_servers: Sequence[str], limits: Sequence[str]) -> ReadOptions:
    return ReadOptions(
        insecure=insecure, token_servers=tuple(token_servers), limits=parse_limits(limits)
    )


@click.command("browse", short_help="Browse the images, and open each one.")
@click.argument("folder", metavar="DIR")
@registry_options
@limit_option
@gathered("options", ("insecure", "token_servers", "limits"), _options)
def command(folder: str, options: ReadOptions) -> int:
    """Browse the images of the fleet in DIR. `enter` reads the image again, through its reference, and opens it.

    The options say how an image that you open is read.
    """
    from layerscope.fleet.extra import check_extra

    check_extra()
    from layerscope.fleet.database import connected
    from layerscope.fleet.listing import ImageListing

    with connected(folder) as connection:
        listing = ImageListing(connection)
        if not os.environ.get("TEXTUAL_DRIVER") and not (
            is_terminal(sys.stdin) and is_terminal(sys.stdout)
        ):
            given = Choice(reference="", options=options).given_beside_reference()
            given += ["--limit"] if options.limits != DEFAULT_LIMITS else []
            needing = f"{' and '.join(given)} has no effect: " if given else ""
            raise UsageError(
                f"{needing}a browser needs a terminal",
                hint="use `layerscope fleet query` to list the images",
            )
        return _browse(folder, listing, options)


def _browse(folder: str, listing: ImageListing, options: ReadOptions) -> int:
    """Show the table, open what is chosen, and come back to the table, until the user quits."""
    from layerscope.cli.browse import browse
    from layerscope.tui.fleet.app import FleetApp
    from layerscope.tui.settings import load_settings

    settings = load_settings()
    collect_from_now_on()
    cursor = 0
    while True:
        app = FleetApp(folder, listing, cursor=cursor, settings=settings)
        code = app.run()
        if app.chosen is None:
            return code if code is not None else Exit.BUG if app.return_code else Exit.OK
        cursor = app.cursor
        platform = listing.line(cursor).platform or None
        try:
            chosen = Choice(reference=app.chosen, options=replace(options, platform=platform))
            code = browse(chosen, one_of_many=True)
        except LayerscopeError as error:
            tell(f"layerscope: {app.chosen}: {error}")
            continue
        if code >= _SIGNALED:  # the terminal is gone, or the process has to end
            return code
