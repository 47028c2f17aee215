"""The commands of layerscope, and the one place that turns errors into one line and an exit code."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import click
from click.exceptions import NoArgsIsHelpError

from layerscope.cli.confine import process
from layerscope.cli.exits import Ended, Exit, stands_for_signal, stopping, watch_signals
from layerscope.cli.streams import discard_stdout, stdout_error, tell, write_stdout
from layerscope.errors import Cancelled, LayerscopeError, UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

NAME = "layerscope"
COMPLETE = "_LAYERSCOPE_COMPLETE"
_NO_THREAD = "can't start new thread"
"""What Python says then, for all reasons that the system may have."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
COMMANDS = (
    "report",
    "compare",
    "check",
    "build",
    "packages",
    "advise",
    "secrets",
    "files",
    "extract",
    "export",
    "serve",
    "cache",
    "fleet",
    "schema",
    "completion",
    "plugin",
)
"""The modules next to this one that define a command each, in the order of the help."""


class Commands(click.Group):
    """Loads a command's module when it is named; a first word that is not a command is an image."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands, and the images that `layerscope IMAGE` takes."""
        from layerscope.cli.complete import complete_image

        return super().shell_complete(ctx, incomplete) + complete_image(ctx, None, incomplete)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"layerscope.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] in COMMANDS:
            return args[0], self.get_command(ctx, args[0]), args[1:]
        if not args[0].startswith("-"):
            _refuse_misspelt(args)
        from layerscope.cli.browse import command

        return NAME, command, args


def _refuse_misspelt(args: Sequence[str]) -> None:
    """Raise `UsageError` for `layerscope reprot IMAGE`; a single word may be an image."""
    import difflib

    close = difflib.get_close_matches(args[0], COMMANDS, n=1, cutoff=0.75)
    more = any(not arg.startswith("-") for arg in args[1:2])
    if close and more and not os.path.lexists(args[0]):
        raise UsageError(f"there is no command {args[0]!r}", hint=f"did you mean {close[0]}?")


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from layerscope import __version__

        write_stdout(lambda out: out.write(f"{NAME} {__version__}\n"))
        ctx.exit()


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "ignore_unknown_options": True},
    options_metavar="",
    subcommand_metavar="IMAGE | COMMAND ...",
    epilog="IMAGE is docker:NAME, podman:NAME, docker-archive:PATH, oci-archive:PATH, oci-dir:PATH, dir:PATH, registry:NAME, "
    "or a bare path or name; write docker:report for an image that has the name of a command. "
    "Exit codes: 0 success, 1 budget broken, 2 usage error, 3 image not available, 4 malformed image, 130 interrupted.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def commands() -> None:
    """Where a container image's bytes come from, which are wasted, and which Dockerfile instruction is to blame."""


def main(argv: Sequence[str] | None = None, *, own: bool = False) -> int:
    """Run the command line and return the exit code.

    `own` says that the process is there for this run alone, so that a sandbox may restrict it for good.
    """
    process.own = own
    try:
        code = _outcome(list(sys.argv[1:] if argv is None else argv))
        stopping.finished = True
    except Ended as end:  # a signal during the report of an error
        return end.code
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return code


def _outcome(arguments: list[str]) -> int:
    """The exit code of a run, whose errors become one line."""
    try:
        watch_signals()
        return _run(arguments)
    except Ended as end:
        return end.code
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except Cancelled as error:
        return stopping.code or _fail(error.message, error.hint, error.exit_code)
    except LayerscopeError as error:
        return _fail(error.message, error.hint or error.remedy, error.exit_code)
    except MemoryError:
        return _fail(
            "out of memory", "free some memory, or lower a limit with --limit", Exit.SOURCE
        )
    except RecursionError:
        return _fail("nested too deep to read", "rebuild the image", Exit.FORMAT)
    except BrokenPipeError:
        discard_stdout()
        return Exit.PIPE
    except OSError as error:
        discard_stdout()
        if error.filename is None and error.errno in _FULL:
            full = stdout_error(error)  # errors of files carry a name, so this was the help
            return _fail(full.message, full.hint, full.exit_code)
        what = f": {os.fsdecode(error.filename)}" if error.filename else ""
        return _fail(f"{error.strerror or error}{what}", None, Exit.SOURCE)
    except RuntimeError as error:
        if stands_for_signal(error):
            return stopping.code or Exit.INTERRUPTED
        if _NO_THREAD not in str(error):
            return _bug(error)
        return _fail(
            "the system does not let another thread start",
            "raise `ulimit -u` or `ulimit -v`, or the container's limit of processes",
            Exit.SOURCE,
        )
    except Exception as error:  # noqa: BLE001 - a bug must not look like a broken budget
        return _bug(error)


def _bug(error: Exception) -> int:
    if os.environ.get("LAYERSCOPE_DEBUG"):
        traceback.print_exception(error)
    return _fail(
        f"a bug: {type(error).__name__}: {error}",
        "please report it with the output of LAYERSCOPE_DEBUG=1",
        Exit.BUG,
    )


def _run(arguments: list[str]) -> int:
    instruction = os.environ.get(COMPLETE)
    if instruction:
        from click.shell_completion import shell_complete

        return shell_complete(commands, {}, NAME, COMPLETE, instruction)
    try:
        with commands.make_context(NAME, arguments) as context:
            code = commands.invoke(context)
    except NoArgsIsHelpError as error:
        tell_help(error)
        return Exit.USAGE
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.UsageError as error:
        raise _usage_error(error) from None
    except click.ClickException as error:
        raise UsageError(_lower(error.format_message())) from None
    return code if isinstance(code, int) else Exit.OK


def _usage_error(error: click.UsageError) -> UsageError:
    hint = f"see `{error.ctx.command_path if error.ctx else NAME} --help`"
    if isinstance(error, click.NoSuchOption):
        if error.possibilities:
            hint = f"did you mean {' or '.join(sorted(error.possibilities))}?"
        return UsageError(f"no such option {error.option_name!r}", hint=hint)
    return UsageError(_lower(error.format_message()), hint=hint)


def tell_help(error: NoArgsIsHelpError) -> None:
    """Write the help to standard error, for a call without arguments."""
    if sys.stderr is not None:
        sys.stderr.write(error.format_message() + "\n")


def _lower(message: str) -> str:
    """Click's sentence as part of a line: no capital at the start, no period at the end."""
    message = " ".join(message.split()).removesuffix(".")
    return message[:1].lower() + message[1:]


def _fail(message: str, hint: str | None, code: int) -> int:
    tell(f"{NAME}: error: {message}" + (f"; {hint}" if hint else ""))
    return code
