"""Regular expressions that are compiled when they are first used.

A report imports the modules of all rules, and most images need few of their expressions. Compiling all of them at the
start would take longer than many reports spend on a layer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, AnyStr

__all__ = ["pattern"]

if TYPE_CHECKING:

    def pattern(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
        """The expression, as `re.compile` gives it."""

else:

    class _Pattern:
        """Compiles its expression when something asks for a method, and keeps the method."""

        def __init__(self, text: AnyStr, flags: int) -> None:
            self._arguments = text, flags

        def __getattr__(self, name: str) -> object:
            found = getattr(re.compile(*self._arguments), name)
            setattr(self, name, found)
            return found

    def pattern(text: AnyStr, flags: int = 0) -> _Pattern:
        return _Pattern(text, flags)
