"""`layerscope IMAGE`: the image on the screen, as the text report."""

from __future__ import annotations

from typing import Any

import click

from layerscope.cli.options import image_argument, output_options, rule_options, source_options
from layerscope.cli.report import report


class Browse(click.Command):
    """A command without a name of its own: its usage is `layerscope [OPTIONS] IMAGE`."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        name = info_name if parent is None else parent.info_name
        return super().make_context(name, args, parent=None, **extra)


@click.command(cls=Browse, context_settings={"help_option_names": ["-h", "--help"]})
@image_argument
@output_options
@source_options
@rule_options
def command(**given: Any) -> int:
    """Show where the bytes of IMAGE come from and which of them are wasted; the same as `layerscope report IMAGE`."""
    return report(given)
