"""Times of images, which are text that nobody checked (RFC 3339, as the image config has it)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from layerscope.errors import UsageError

_DURATION: Final = re.compile(r"([0-9]{1,6})\s*(h|d|w|y)", re.ASCII)
_HOURS: Final = {"h": 1, "d": 24, "w": 7 * 24, "y": 365 * 24}


def since(duration: str, now: datetime | None = None) -> datetime:
    """The time that lies a duration such as `36h`, `90d`, `12w`, or `1y` back. Raises `UsageError`."""
    match = _DURATION.fullmatch(duration.strip())
    if match is None:
        raise UsageError(
            f"{duration!r} is not a duration", hint="write a number and h, d, w, or y, such as 90d"
        )
    try:
        return (now or datetime.now(UTC)) - timedelta(hours=int(match[1]) * _HOURS[match[2]])
    except OverflowError:
        raise UsageError(f"{duration!r} is too long ago") from None


def is_newer(created: str | None, moment: datetime) -> bool:
    """Whether an image was created at a time or later. A time that is unknown or can't be read counts as old."""
    if created is None:
        return False
    try:
        found = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", created.strip()))
    except ValueError:
        return False
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return found >= moment
