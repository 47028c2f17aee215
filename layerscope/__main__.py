"""`python -m layerscope` and the `layerscope` command."""

from __future__ import annotations

import gc
import os
import sys


def main(*, own: bool = False) -> int:
    """Run the command line. `--version` is answered without loading the code that reads images.

    `own` says that the process is there for this run alone, so that it may be restricted for good.
    """
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
    except RuntimeError as error:
        # Python 3.11 raises it when an interrupt comes while it makes a class.
        if isinstance(error.__cause__, KeyboardInterrupt):
            return 130
        raise
    return run(own=own)


def command() -> int:
    """Run `main`, then exit the process at once.

    Deallocating a million records one by one would take longer than writing the report. Output is flushed first. By then,
    output files are closed, and temporary files have no name.
    """
    gc.disable()
    code = main(own=True)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        return code
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
    except (OSError, ValueError):
        pass  # Python would try again, and exit with 120
    os._exit(code)


if __name__ == "__main__":
    sys.exit(command())
