"""The documentation lists exactly the notes that the source can produce."""

from __future__ import annotations

import re

from tests.docs.codes import codes
from tests.docs.pages import ROOT


def test_every_note_is_documented_and_no_other() -> None:
    page = (ROOT / "docs/notes.md").read_text()
    documented = re.findall(r"^\| `([a-z0-9-]+)` \| (.+) \|$", page, re.MULTILINE)
    assert len(documented) == len({code for code, _ in documented})
    assert {code for code, _ in documented} == codes()
    assert all(len(meaning) > 20 for _, meaning in documented)


def test_codes_are_found_however_they_are_written() -> None:
    """Covers each of the ways in which the source writes a code."""
    assert {"whiteout-of-nothing", "size-on-link", "unverified", "dive-differs"} <= codes()
