"""`python -m tests.differential tars|stacks --count N --seed N --processes N --log FILE`.

Prints how often each reader agreed, and exits 1 after a find. With a log, a run that was stopped goes on where it was.
"""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path

from tests.batches import arguments, show
from tests.differential import stacks, tars, umoci
from tests.layers import gotar


def main() -> int:
    parser = arguments("python -m tests.differential", __doc__, 5000)
    parser.add_argument("what", choices=("tars", "stacks"))
    asked = parser.parse_args()
    if asked.what == "stacks":
        return show(asked, partial(stacks.run, umoci.build()), size=100)
    with tempfile.TemporaryDirectory() as folder:
        return show(asked, partial(tars.run, gotar.build(Path(folder))), size=500)


if __name__ == "__main__":
    sys.exit(main())
