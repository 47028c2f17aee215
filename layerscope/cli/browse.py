"""`layerscope IMAGE`: browse the image in the terminal; without a terminal, its text report."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from layerscope.cli.exits import Exit
from layerscope.cli.options import (
    image_argument,
    output_options,
    source_options,
    take_choice,
)
from layerscope.cli.report import report
from layerscope.cli.rules import rule_options
from layerscope.cli.streams import is_terminal

if TYPE_CHECKING:
    from layerscope.cli.examine import Choice


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
    """Browse IMAGE: where its bytes come from and which of them are wasted.

    Without a terminal, or with an option about output or rules, it is the same as `layerscope report IMAGE`.
    """
    if not wants_browser(given):
        return report(given)
    show_args = given["show_args"]
    return browse(take_choice(given), show_args=show_args)


_CHOICE = frozenset(
    {"reference", "platform", "tag", "pull", "quiet", "limits", "dockerfile", "verify", "show_args"}
)


def wants_browser(given: Mapping[str, Any]) -> bool:
    """Whether a person sits there, and asks for nothing that only a report can give."""
    if os.environ.get("TEXTUAL_DRIVER"):
        return True
    if given["reference"] == "-" or os.environ.get("TERM", "dumb") == "dumb":
        return False
    if any(value for name, value in given.items() if name not in _CHOICE):
        return False
    return is_terminal(sys.stdin) and is_terminal(sys.stdout)


def browse(choice: Choice, *, show_args: bool = False) -> int:
    """Run the browser until it is left. Raises `ConfigError` for a key map that cannot be read."""
    from layerscope.tui.app import LayerscopeApp, reader
    from layerscope.tui.settings import load_settings

    settings = load_settings()
    load = {
        "platform": choice.platform,
        "tag": choice.tag,
        "pull": choice.pull,
        "dockerfile": choice.dockerfile,
        "limits": choice.limits,
    }
    analyze = {"verify": choice.verify, "limits": choice.limits}
    app = LayerscopeApp(
        choice.reference,
        reader(choice.reference, load, analyze, show_args=show_args),
        settings=settings,
    )
    code = app.run()
    if code is None:
        return Exit.BUG if app.return_code else Exit.OK
    return code
