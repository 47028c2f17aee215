"""The secrets of two images side by side: which are new, and which are gone."""

from __future__ import annotations

from collections.abc import Hashable

from layerscope.analysis.model import Facts
from layerscope.analysis.secrets.facts import SecretFinding, Secrets
from layerscope.records import dataclass
from layerscope.secrets.files import is_known


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretComparison:
    """The findings that only B has (`added`), those that only A has (`removed`), and how many both have."""

    added: tuple[SecretFinding, ...]
    removed: tuple[SecretFinding, ...]
    same: int


def compare_secrets(a: Facts, b: Facts) -> SecretComparison | None:
    """None if the secrets of a side are unknown, or not all of them are listed.

    A finding is the same if its rule and its place are; lines and layers may change. If all text files were searched on
    one side only, what was found in the others there is left out.
    """
    if a.secrets is None or b.secrets is None:
        return None
    if not (_is_whole(a.secrets) and _is_whole(b.secrets)):
        return None
    everything = a.secrets.everything and b.secrets.everything
    before, after = (_by_place(each.secrets, everything) for each in (a, b))
    return SecretComparison(
        added=tuple(each for key, each in after.items() if key not in before),
        removed=tuple(each for key, each in before.items() if key not in after),
        same=sum(key in after for key in before),
    )


def _is_whole(secrets: Secrets) -> bool:
    return len(secrets.findings) == secrets.found + secrets.doubtful


def _by_place(secrets: Secrets | None, everything: bool) -> dict[Hashable, SecretFinding]:
    found: dict[Hashable, SecretFinding] = {}
    for each in secrets.findings if secrets is not None else ():
        if everything or each.path is None or is_known(each.path):
            found.setdefault((each.rule, each.where, each.path, each.name, each.deleted), each)
    return found
