"""Regular expressions of RE2, which matches them in time that is linear in the text, and the data they are read from."""

from __future__ import annotations

import json
import os.path
from functools import cache
from typing import Any, Final

from layerscope.errors import SecretsUnavailable
from layerscope.records import dataclass

_MEMORY: Final = 32 << 20


def is_available() -> bool:
    """Whether google-re2 is installed."""
    try:
        import re2  # noqa: F401
    except ImportError:
        return False
    return True


def module() -> Any:
    """RE2. Raises `SecretsUnavailable` if it is not installed."""
    try:
        import re2
    except ImportError:
        raise SecretsUnavailable(
            "the search for secrets needs google-re2, which is not installed",
            hint="pip install google-re2",
        ) from None
    return re2


def rule_data(name: str) -> bytes:
    """A file of `data/`."""
    assert __spec__ is not None
    loader: Any = __spec__.loader  # it finds the file even if the package is in a zip file
    found: bytes = loader.get_data(os.path.join(os.path.dirname(__file__), "data", name))
    return found


def rule_table(name: str) -> dict[str, Any]:
    """The content of a TOML file. It is read from tables.json, since parsing the TOML takes longer than most searches."""
    return _tables()[name]


@cache
def _tables() -> dict[str, dict[str, Any]]:
    return json.loads(rule_data("tables.json"))  # type: ignore[no-any-return]


def options(*, captures: bool = False) -> Any:
    """How expressions are compiled: for bytes, and in bounded memory."""
    found = module().Options()
    found.encoding = module().Options.Encoding.LATIN1
    found.log_errors = False
    found.never_capture = not captures
    found.max_mem = _MEMORY
    return found


def compiled(text: str, *, captures: bool = False) -> Any:
    """An expression of RE2. Raises `SecretsUnavailable` without it."""
    return module().compile(text.encode("latin-1"), options(captures=captures))


@dataclass(slots=True)
class Pattern:
    """An expression that is compiled when it is first needed, since all of them together take a second."""

    text: str
    captures: bool = False
    ready: Any = None

    def __call__(self) -> Any:
        if self.ready is None:
            self.ready = compiled(self.text, captures=self.captures)
        return self.ready

    def found_in(self, data: bytes) -> bool:
        return self().search(data) is not None
