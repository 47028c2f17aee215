"""`python -m tests.faults --count N --seed N --processes N --log FILE`: prints what happened, and exits 1 after a find.

With a log, a run that was stopped goes on where it was. As root it also fills disks and makes folders read-only.
"""

from __future__ import annotations

import sys
from functools import partial

from tests.batches import arguments, show
from tests.faults import cases


def main() -> int:
    parser = arguments("python -m tests.faults", __doc__, 500)
    names = [fault.name for fault in cases.EVERY]
    parser.add_argument("--fault", choices=names, help="only this one, in every case")
    asked = parser.parse_args()
    return show(asked, partial(cases.run, only=asked.fault), size=50)


if __name__ == "__main__":
    sys.exit(main())
