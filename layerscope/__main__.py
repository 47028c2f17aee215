"""`python -m layerscope` and the `layerscope` command."""

from __future__ import annotations

import gc
import os
import sys


def main() -> int:
    """Run the command line. `--version` is answered without loading the code that reads images."""
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
    """Run `main`, then exit the process at once.

    Deallocating a million records one by one would take longer than writing the report. Output is flushed first. By then,
    output files are closed, and temporary files have no name.
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
