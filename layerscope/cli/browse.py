"""`layerscope IMAGE`: browse the image in the terminal, or print its text report without one."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import Any

import click

from layerscope.cli.advising import with_settings
from layerscope.cli.confine import confine_browser
from layerscope.cli.examine import Choice
from layerscope.cli.exits import Exit
from layerscope.cli.options import image_argument, report_options
from layerscope.cli.report import report
from layerscope.cli.rules import RuleOptions, rule_options
from layerscope.cli.streams import is_terminal
from layerscope.cli.writing import Writing, output_options


class Browse(click.Command):
    """A command without a name: its usage is `layerscope [OPTIONS] IMAGE`."""

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
@report_options
@rule_options
def command(choice: Choice, writing: Writing, rules: RuleOptions) -> int:
    """Browse IMAGE: where its bytes come from and which of them are wasted.

    Without a terminal, or with --head, --quiet, or an option for output or rules, this is the same as `layerscope report
    IMAGE`.
    """
    if wants_browser(choice, writing, rules):
        return browse(choice, show_args=writing.show_args)
    return report(choice, writing, rules)


def wants_browser(choice: Choice, writing: Writing, rules: RuleOptions) -> bool:
    """Whether there is a terminal, and no option asks for something that only a report has."""
    if choice.options.head or choice.quiet:
        return False
    if replace(writing, show_args=False) != Writing() or rules != RuleOptions():
        return False
    if os.environ.get("TEXTUAL_DRIVER"):
        return True
    if choice.reference == "-" or os.environ.get("TERM", "dumb") == "dumb":
        return False
    return is_terminal(sys.stdin) and is_terminal(sys.stdout)


def browse(choice: Choice, *, show_args: bool = False, one_of_many: bool = False) -> int:
    """Run the browser until the user quits. Raises `ConfigError` for a key map that cannot be read.

    With `one_of_many`, the process reads other images later, and so it isn't restricted to this one.
    """
    from layerscope.tui.app import LayerscopeApp, reader
    from layerscope.tui.settings import load_settings

    settings = load_settings()
    choice = with_settings(choice)
    read = reader(choice.reference, choice.options, show_args=show_args)
    if not one_of_many:
        options = choice.options
        confine_browser(
            (choice.reference,),
            dockerfile=options.dockerfile,
            pull=options.pull,
            cache=options.cache,
        )
    app = LayerscopeApp(choice.reference, read, settings=settings, first="overview")
    code = app.run()
    if app.failed is not None:
        raise app.failed
    if code is None:
        return Exit.BUG if app.return_code else Exit.OK
    return code
