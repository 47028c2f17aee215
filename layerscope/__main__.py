"""`python -m layerscope` and the `layerscope` command."""

from __future__ import annotations

import gc
import os
import sys


def main() -> int:
    """Run the command line; the version alone is told without loading what reads images."""
    if sys.argv[1:] == ["--version"] and sys.stdout is not None:
        from layerscope import __version__

        try:
            sys.stdout.write(f"layerscope {__version__}\n")
            sys.stdout.flush()
        except OSError:
            pass
        else:
            return 0
    try:
        from layerscope.cli.main import main as run
    except KeyboardInterrupt:
        return 130
    return run()


def command() -> int:
    """The process: `main`, and then an end at once.

    To take a million records apart one by one, only to end, would take longer than to write the report. What is written
    is flushed first; files that must be whole are closed by then, and temporary ones have no name.
    """
    gc.disable()
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        return code
    os._exit(code)


if __name__ == "__main__":
    sys.exit(command())
