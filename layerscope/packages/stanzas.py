"""Documents of `Key: value` paragraphs: dpkg's control files (deb822) and Python's metadata headers."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from layerscope.packages.package import text


def stanzas(data: bytes, wanted: Collection[bytes]) -> Iterator[dict[bytes, str]]:
    """The wanted fields of each paragraph, by lower-case key. Only a field's first line is kept.

    Follows deb822(5): empty lines separate paragraphs, and a line that starts with a blank continues the field above.
    """
    stanza: dict[bytes, str] = {}
    for line in data.split(b"\n"):
        if not line or line == b"\r":
            if stanza:
                yield stanza
                stanza = {}
            continue
        key, colon, value = line.partition(b":")
        if colon and line[0] > 0x20:
            key = key.lower()
            if key in wanted:
                stanza[key] = text(value.strip())
    if stanza:
        yield stanza


def headers(data: bytes, wanted: Collection[bytes]) -> dict[bytes, str]:
    """The wanted fields of the first paragraph."""
    return next(stanzas(data.lstrip(b"\r\n"), wanted), {})
