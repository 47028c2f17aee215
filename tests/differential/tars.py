"""Compares the scanner with the other readers on mutated tars. Go's reader is the norm, since engines read layers with it.

Where the scanner and Go disagree for another reason than those listed here, that is a find. Where both agree and another
reader does not, that is counted by what differs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from layerscope.errors import TarError
from layerscope.layers.header import number
from tests.builder.tar import BLOCK
from tests.differential import readers
from tests.differential.listing import AGREE, Listing, compare, ours
from tests.fuzz.mutations import mutated
from tests.layers.reading import Scan

STRICTER = {
    "an extension header with no member after it": "a name is lost",
    "a member of -": "a negative size on a member without data",
    "a PAX size of -": "a negative size in a PAX record",
    "extension headers of": "over the bounds on extension headers",
    "regions": "over the bounds on a sparse map",
}
"""Parts of messages for what is refused although Go reads it, and why."""
CARRIED = "a hard link with data"
"""POSIX allows it. Go's reader mistakes the data for a header."""
SUPERSEDED = "a malformed PAX header before another one"
"""Go ignores it because of a second or a global one."""
GO, GNU, BSD, PYTHON = "Go archive/tar", "GNU tar", "libarchive (bsdtar)", "Python tarfile"
READERS = (GO, GNU, BSD, PYTHON)


def listings(program: Path, tars: Sequence[bytes]) -> Iterator[dict[str, Listing]]:
    """What each of the other readers says about each tar."""
    for data, by_go, by_gnu in zip(
        tars, readers.go(program, tars), readers.gnu_tar(tars), strict=True
    ):
        yield {
            GO: by_go,
            GNU: by_gnu,
            BSD: readers.libarchive(data),
            PYTHON: readers.python(data),
        }


def against_go(scan: Scan, mine: Listing, theirs: Listing, data: bytes) -> str:
    """How Go's listing relates to ours, with the reason if the difference is an allowed one."""
    found = compare(mine, theirs, exact=True)
    reason = None
    if found == "we read, it refuses" and "link-with-data" in scan.codes:
        reason = CARRIED
    elif found == "we refuse, it reads":
        reason = next((why for part, why in STRICTER.items() if part in str(mine.error)), None)
        if reason is None and superseded(scan, data):
            reason = SUPERSEDED
    return found if reason is None else f"{found}: {reason}"


def superseded(scan: Scan, data: bytes) -> bool:
    """Whether a malformed PAX header is refused that Go ignores because of a second or a global one."""
    if not isinstance(scan.error, TarError) or "PAX" not in str(scan.error):
        return False
    at = scan.error.offset - BLOCK
    while data[at + 156 : at + 157] in {b"x", b"L", b"K"}:
        at += BLOCK + (number(data[at + 124 : at + 136]) + 511 & -512)
        if data[at + 156 : at + 157] in {b"x", b"g", b"", b"\0"}:
            return True
    return False


def is_find(found: str) -> bool:
    """Whether a relation to Go's listing is neither agreement nor an allowed difference."""
    return found not in AGREE and ": " not in found


def relations(data: bytes, theirs: dict[str, Listing]) -> dict[str, str]:
    """How each reader's listing relates to ours."""
    scan, mine = ours(data)
    return {
        name: against_go(scan, mine, listing, data) if name == GO else compare(mine, listing)
        for name, listing in theirs.items()
    }


def run(program: Path, first: int, count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Compare on the tars with these numbers. Returns how often each relation was seen, and the finds."""
    counts: Counter[str] = Counter()
    finds = []
    tars = [mutated(place, seed) for place in range(first, first + count)]
    for place, (data, theirs) in enumerate(zip(tars, listings(program, tars), strict=True), first):
        found = relations(data, theirs)
        counts["all"] += 1
        counts["all readers agree"] += all(each in AGREE for each in found.values())
        counts.update(f"{name}: {each}" for name, each in found.items())
        if found[GO] in AGREE:
            others = {found[name] for name in READERS if name != GO}
            if len(others) == 1 and not others & AGREE:
                counts[f"Go and we alone: {others.pop()}"] += 1
        if is_find(found[GO]):
            finds.append(f"seed {seed}, tar {place}: {found[GO]}")
    return counts, finds
