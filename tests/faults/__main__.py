"""`python -m tests.faults --count N --seed N --processes N --log FILE`: prints what happened, and exits 1 after a find.

With a log, a run that was stopped goes on where it was. As root it also fills disks and makes folders read-only.
"""

from __future__ import annotations

import sys

from tests.batches import arguments, show
from tests.faults import cases


def main() -> int:
    asked = arguments("python -m tests.faults", __doc__, 500).parse_args()
    return show(asked, cases.run, size=25)


if __name__ == "__main__":
    sys.exit(main())
