"""Ruby gems.

Specification: https://guides.rubygems.org/specification-reference/ and the layout of a gem home.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from layerscope.packages.package import Documents, Installed, Package, Unreadable, qualifiers, text

_UNIT: Final = re.compile(rb"(?:.*/)?specifications/(?:default/)?[^/]+\.gemspec")
_STUB: Final = re.compile(rb"^# stub: (\S+) (\S+) (\S+) ", re.MULTILINE)
_NAME: Final = re.compile(rb"""^\s*s\.name = ["']([^"']+)""", re.MULTILINE)
_VERSION: Final = re.compile(
    rb"""^\s*s\.version = (?:Gem::Version\.new\()?["']([^"']+)""", re.MULTILINE
)
_ANY_PLATFORM: Final = "ruby"


def unit(path: bytes) -> bytes | None:
    """The specification at a path; None for other paths."""
    return path if _UNIT.fullmatch(path) else None


def read(where: bytes, documents: Documents, distribution: str) -> Iterator[Installed]:
    """The gem of one specification, from the stub line that RubyGems writes. Raises `Unreadable`."""
    del distribution
    data = documents[where]
    stub, platform = _STUB.search(data), _ANY_PLATFORM
    if stub:
        name, version, platform = text(stub[1]), text(stub[2]), text(stub[3])
    else:
        named, numbered = _NAME.search(data), _VERSION.search(data)
        if not named or not numbered:
            raise Unreadable("doesn't name a gem and version")
        name, version = text(named[1]), text(numbered[1])
    folder, file = posixpath.split(where)
    home = posixpath.dirname(folder.removesuffix(b"/default"))
    stem = file.removesuffix(b".gemspec")
    yield Installed(
        package=Package(
            "gem",
            name,
            version,
            "",
            qualifiers(platform=platform if platform != _ANY_PLATFORM else None),
        ),
        where=where,
        files=(where,),
        trees=tuple(posixpath.join(home, part, stem) for part in (b"gems", b"doc")),
    )
