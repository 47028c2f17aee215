"""Debian packages that are installed only because another package recommends them.

Specification: deb-control(5) for the relations, and apt-mark(8) for what is marked as automatic.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from typing import Final

from layerscope.packages.dpkg import is_unpacked
from layerscope.packages.stanzas import stanzas
from layerscope.patterns import pattern
from layerscope.records import dataclass

_FIELDS: Final = frozenset(
    (
        b"package",
        b"status",
        b"depends",
        b"pre-depends",
        b"recommends",
        b"provides",
        b"essential",
        b"priority",
    )
)
_NAME: Final = pattern(r"\s*([a-z0-9][a-z0-9+.-]*)")


@dataclass(slots=True)
class _Relations:
    """What installed packages need and recommend: names, any of which may be virtual."""

    needs: dict[str, set[str]] = field(default_factory=dict)
    recommends: dict[str, set[str]] = field(default_factory=dict)
    providers: dict[str, set[str]] = field(default_factory=dict)

    def reach(self, roots: Iterable[str], *, recommended: bool) -> set[str]:
        """The installed packages that some packages need, at any distance, or also recommend."""
        found: set[str] = set()
        waiting = [name for name in roots if name in self.needs]
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            found.add(name)
            wanted = set(self.needs[name])
            if recommended:
                wanted |= self.recommends[name]
            for each in wanted:
                waiting += self.providers.get(each, ())
        return found


def only_recommended(status: bytes, automatic: bytes) -> frozenset[str]:
    """The names of the packages that are installed because others recommend them, and for no other reason.

    `status` is dpkg's list of packages, and `automatic` is what apt marks as installed automatically. Where a relation
    names alternatives, all that are installed count as needed.
    """
    relations = _Relations()
    auto = _automatic(automatic)
    roots = []
    for stanza in stanzas(status, _FIELDS):
        name = stanza.get(b"package")
        if not name or not is_unpacked(stanza.get(b"status", "")):
            continue
        needs = _names(stanza.get(b"depends", "")) | _names(stanza.get(b"pre-depends", ""))
        relations.needs.setdefault(name, set()).update(needs)
        relations.recommends.setdefault(name, set()).update(_names(stanza.get(b"recommends", "")))
        for each in {name, *_names(stanza.get(b"provides", ""))}:
            relations.providers.setdefault(each, set()).add(name)
        if (
            name not in auto
            or stanza.get(b"essential") == "yes"
            or stanza.get(b"priority") == "required"
        ):
            roots.append(name)
    needed = relations.reach(roots, recommended=False)
    return frozenset(relations.reach(roots, recommended=True) - needed)


def _names(relation: str) -> set[str]:
    """All names in a relation, versions, architectures, and alternatives aside."""
    matches = (_NAME.match(each) for part in relation.split(",") for each in part.split("|"))
    return {match[1] for match in matches if match is not None}


def _automatic(data: bytes) -> set[str]:
    fields = frozenset((b"package", b"auto-installed"))
    return {
        stanza.get(b"package", "")
        for stanza in stanzas(data, fields)
        if stanza.get(b"auto-installed") == "1"
    }
