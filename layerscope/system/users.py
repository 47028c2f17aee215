"""Who runs this program."""

from __future__ import annotations

import os
import sys

if sys.platform == "win32":

    def user_id() -> int | None:
        """None: users of Windows have no number."""
        return None

else:

    def user_id() -> int | None:
        """The effective user's number."""
        return os.geteuid()
