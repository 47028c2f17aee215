"""Names that Windows gives another meaning, or does not allow.

https://learn.microsoft.com/windows/win32/fileio/naming-a-file
"""

from __future__ import annotations

import re
from typing import Final

_RESERVED: Final = re.compile(
    r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³])(?: *\..*| *)",
    re.IGNORECASE | re.DOTALL,
)
_CHARACTERS: Final = re.compile(r'[<>:"/\\|?*\0-\x1f]')
_LONGEST: Final = 255


def unfit(name: str) -> str | None:
    """Why Windows can't have a file with this name; None if it can. A path is unfit too."""
    if not name or name[-1] in ". ":
        return "Windows does not allow a name that ends with a period or a space"
    if _CHARACTERS.search(name) is not None:
        return 'Windows does not allow < > : " / \\ | ? * and control characters in a name'
    if _RESERVED.fullmatch(name) is not None:
        return "Windows reserves the name for a device"
    if len(name.encode("utf-16-le", "surrogatepass")) > 2 * _LONGEST:
        return f"Windows allows at most {_LONGEST} characters in a name"
    return None
