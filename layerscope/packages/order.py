"""Which of two versions of a package is newer, by the rules of its type. None if that can't be known for sure.

The rules are those of deb-version(7), of rpm's rpmvercmp, of apk-tools, of PEP 440, and of Semantic Versioning 2.0.0 (npm,
Cargo, and Go). Each other type has its own rules; all of them agree on plain numbers between dots.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import zip_longest
from typing import Any, Final

from layerscope.packages.package import Package, PackageType

_LONGEST: Final = 256
"""The most characters of a version that is compared."""
_DEB: Final = r"(?:(\d+):)?([0-9](?:[A-Za-z0-9.+~:-]*[A-Za-z0-9.+~])?)"
_DEB_END: Final[list[Any]] = [(0,), 0]
_RUNS: Final = r"(\D*)(\d*)"
_RPM: Final = r"[0-9]+|[A-Za-z]+|~|\^"
_APK: Final = (
    r"(\d+(?:\.\d+)*)([a-z]?)((?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)\d*)*)(?:-r(\d+))?"
)
_APK_SUFFIX: Final = r"_([a-z]+)(\d*)"
_APK_EARLY: Final = ("alpha", "beta", "pre", "rc")
_APK_LATE: Final = ("cvs", "svn", "git", "hg", "p")
_SEMVER: Final = (
    r"v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?"
)
_PEP440: Final = (
    r"v?(?:(\d+)!)?(\d+(?:\.\d+)*)"
    r"(?:[-_.]?(alpha|beta|preview|pre|a|b|c|rc)[-_.]?(\d*))?"
    r"(?:-(\d+)|[-_.]?(post|rev|r)[-_.]?(\d*))?"
    r"(?:[-_.]?(dev)[-_.]?(\d*))?"
    r"(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?"
)
_DOTTED: Final = r"\d+(?:\.\d+)*"

Key = Any
"""A value that sorts in the order of its version."""


def newer(a: Package, b: Package) -> bool | None:
    """Whether `b` is a newer version than `a` of the same type; None if they rank the same, or can't be compared."""
    if a.type != b.type or max(len(a.version), len(b.version)) > _LONGEST:
        return None
    one, other = (_KEYS.get(each.type, _dotted)(each) for each in (a, b))
    if one is None or other is None or one == other:
        return None
    return bool(one < other)


def shown_version(package: Package) -> str:
    """The version with its epoch, which rpm keeps apart."""
    epoch = _epoch(package)
    return f"{epoch}:{package.version}" if epoch else package.version


def _epoch(package: Package) -> int:
    text = dict(package.qualifiers).get("epoch", "") if package.type == "rpm" else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0


def _deb(package: Package) -> Key | None:
    found = re.fullmatch(_DEB, package.version, re.ASCII)
    if found is None or (found[1] is None and ":" in found[2]):
        return None
    upstream, _, revision = found[2].rpartition("-")
    if not upstream:
        upstream, revision = revision, ""
    return int(found[1] or 0), _deb_part(upstream), _deb_part(revision)


def _deb_part(text: str) -> Key:
    """Words and numbers in turn. A word's characters rank `~`, the end, letters, all others."""
    key: list[Any] = []
    for word, number in re.findall(_RUNS, text, re.ASCII):
        ranks = [-1 if each == "~" else ord(each) + 256 * (not each.isalpha()) for each in word]
        key += [(*ranks, 0), int(number or 0)]
    while key[-2:] == _DEB_END:
        del key[-2:]
    return key + _DEB_END


class _Rpm:
    """A version or release by rpmvercmp, which no sort key can express: `~` ranks before the end, `^` just after it."""

    def __init__(self, text: str) -> None:
        self._parts = re.findall(_RPM, text, re.ASCII)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Rpm) and self._against(other) == 0

    def __lt__(self, other: _Rpm) -> bool:
        return self._against(other) < 0

    __hash__ = None  # type: ignore[assignment]

    def _against(self, other: _Rpm) -> int:
        for one, two in zip_longest(self._parts, other._parts, fillvalue=""):
            if one == two:
                continue
            ranks = _rpm_rank(one), _rpm_rank(two)
            if ranks[0] == ranks[1]:
                left, right = (int(one), int(two)) if one.isdigit() else (one, two)
                if left == right:
                    continue
                return -1 if left < right else 1  # type: ignore[operator]
            return -1 if ranks[0] < ranks[1] else 1
        return 0


def _rpm_rank(part: str) -> int:
    """`~` comes first, then the end, `^`, words, and numbers."""
    if part in ("~", "", "^"):
        return ("~", "", "^").index(part)
    return 4 if part.isdigit() else 3


def _rpm(package: Package) -> Key | None:
    if not package.version.isascii():
        return None
    version, _, release = package.version.partition("-")
    return _epoch(package), _Rpm(version), _Rpm(release)


def _apk(package: Package) -> Key | None:
    """A number with a leading zero after the first dot compares like a fraction, so that one isn't known."""
    found = re.fullmatch(_APK, package.version, re.ASCII)
    if found is None:
        return None
    numbers = found[1].split(".")
    if any(len(each) > 1 and each.startswith("0") for each in numbers[1:]):
        return None
    suffixes = [
        (_APK_EARLY.index(word) - len(_APK_EARLY), int(number or 0))
        if word in _APK_EARLY
        else (1 + _APK_LATE.index(word), int(number or 0))
        for word, number in re.findall(_APK_SUFFIX, found[3], re.ASCII)
    ]
    return [int(each) for each in numbers], found[2], [*suffixes, (0, 0)], int(found[4] or 0)


def _pep440(package: Package) -> Key | None:
    found = re.fullmatch(_PEP440, package.version.strip().lower(), re.ASCII)
    if found is None:
        return None
    epoch, release, pre, pre_number, bare_post, post, post_number, dev, dev_number, local = (
        found.groups()
    )
    word = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}.get(pre, pre)
    posted = bare_post or (post_number or "0" if post else None)
    early = ("", 0) if dev and posted is None else ("~", 0)
    if pre:
        early = (word, int(pre_number or 0))
    return (
        int(epoch or 0),
        _stripped(release.split(".")),
        early,
        -1 if posted is None else int(posted),
        (0, int(dev_number or 0)) if dev else (1, 0),
        _segments(re.split(r"[-_.]", local) if local else ()),
    )


def _semver(package: Package) -> Key | None:
    found = re.fullmatch(_SEMVER, package.version, re.ASCII)
    if found is None:
        return None
    early = found[4]
    return (
        [int(found[number]) for number in (1, 2, 3)],
        (0, _identifiers(early.split("."))) if early else (1, []),
    )


def _dotted(package: Package) -> Key | None:
    found = re.fullmatch(_DOTTED, package.version, re.ASCII)
    return None if found is None else _stripped(found[0].split("."))


def _stripped(numbers: Iterable[str]) -> list[int]:
    key = [int(each) for each in numbers]
    while key and not key[-1]:
        key.pop()
    return key


def _identifiers(parts: Iterable[str]) -> list[tuple[int, int, str]]:
    """Numbers compare as numbers and rank before words."""
    return [(0, int(each), "") if each.isdigit() else (1, 0, each) for each in parts]


def _segments(parts: Iterable[str]) -> list[tuple[int, int, str]]:
    """Numbers compare as numbers and rank after words."""
    return [(1, int(each), "") if each.isdigit() else (0, 0, each) for each in parts]


_KEYS: Final[dict[PackageType, Callable[[Package], Key | None]]] = {
    "deb": _deb,
    "apk": _apk,
    "rpm": _rpm,
    "pypi": _pep440,
    "npm": _semver,
    "golang": _semver,
    "cargo": _semver,
}
