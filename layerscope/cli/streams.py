"""Standard output for data and standard error for messages, even if they are closed or broken."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TextIO

from layerscope.cli.exits import Ended, Exit
from layerscope.errors import OutputError
from layerscope.report.escape import escape, guard_line
from layerscope.system.console import understands_escapes
from layerscope.system.pipes import is_broken_pipe


def write_stdout(write: Callable[[TextIO], object], *, data: bool = False) -> None:
    """Call `write` with standard output, then flush it.

    What a terminal can't show is escaped. `data` for a program is always UTF-8, and no line end changes. Raises `OutputError` when it is closed or full, and `Ended` when its reader is gone (`| head`).
    """
    out = sys.stdout
    if out is None:
        raise OutputError("standard output is closed", hint="write to a file with -o PATH")
    reconfigure = getattr(out, "reconfigure", None)
    try:
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
            if data and not is_terminal(out):
                reconfigure(encoding="utf-8", newline="\n")
        write(out)
        out.flush()
    except OSError as error:
        discard_stdout()
        if is_broken_pipe(error):
            raise Ended(Exit.PIPE) from None
        raise stdout_error(error) from None


def stdout_error(error: OSError) -> OutputError:
    """The error for standard output that cannot be written."""
    return OutputError(
        f"standard output cannot be written: {error.strerror}",
        hint="free some space, or write to a file with -o PATH",
    )


def discard_stdout() -> None:
    """Drop buffered output that cannot be written, so that the flush at exit cannot fail either."""
    out = sys.stdout
    if out is None:
        return
    try:
        out.flush()
    except (OSError, ValueError):
        pass
    else:
        return
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, out.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        return


def tell(message: str) -> None:
    """Write one escaped line to standard error, if it is open."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(guard_line(escape(message)) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return


def is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def width_of(stream: TextIO | None) -> int:
    """Columns for text: `COLUMNS`, otherwise the width of the terminal, otherwise 100."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and int(columns[:6]) > 0:
        return int(columns[:6])
    if stream is not None and is_terminal(stream):
        try:
            return os.get_terminal_size(stream.fileno()).columns or 80
        except OSError:
            return 80
    return 100


def wants_color(stream: TextIO | None) -> bool:
    """Whether to use color: on a terminal that has it, unless `NO_COLOR` is set (no-color.org)."""
    if stream is None or not is_terminal(stream):
        return False
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return understands_escapes(stream)
