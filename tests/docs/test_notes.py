"""Every note that the source can make is documented, and no other."""

from __future__ import annotations

import re

from tests.docs.codes import codes
from tests.docs.pages import ROOT


def test_every_code_has_its_meaning() -> None:
    page = (ROOT / "docs/notes.md").read_text()
    documented = re.findall(r"^\| `([a-z0-9-]+)` \| (.+) \|$", page, re.MULTILINE)
    assert len(documented) == len({code for code, _ in documented})
    assert {code for code, _ in documented} == codes()
    assert all(len(meaning) > 20 for _, meaning in documented)


def test_the_codes_are_found() -> None:
    """Codes that are made in each of the ways there are."""
    assert {"whiteout-of-nothing", "size-on-link", "unverified", "dive-differs"} <= codes()
