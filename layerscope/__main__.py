"""`python -m layerscope` and the `layerscope` command."""

from __future__ import annotations

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
    from layerscope.cli.main import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
