"""Which of two versions is newer: compared with dpkg, `packaging`, and the examples in the other rules."""

from __future__ import annotations

import random
import shutil
import subprocess
from itertools import combinations
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import InvalidVersion, Version

from layerscope.packages.order import newer, shown_version
from layerscope.packages.package import Package, PackageType, qualifiers

RISING: dict[PackageType, list[str]] = {
    "deb": [
        "0.9", "1.0~~", "1.0~rc1", "1.0~rc2", "1.0", "1.0-0.1", "1.0-1~bpo12+1", "1.0-1", "1.0-1+b1", "1.0-1+deb11u2",
        "1.0-1+deb11u10", "1.0a-1", "1.0+git2", "1.9", "1.10", "1:0.1", "2:0",
    ],
    "rpm": [
        "1.0~rc1-1", "1.0~rc1^git2-1", "1.0-1", "1.0-1.fc39", "1.0-2", "1.0-10", "1.0^git1-1", "1.0a-1", "1.0.1-1", "1.1-1", "10-1",
    ],
    "apk": [
        "1.2_alpha", "1.2_alpha2", "1.2_beta1", "1.2_pre3", "1.2_rc1", "1.2", "1.2-r1", "1.2-r10", "1.2_git20240101", "1.2_p1",
        "1.2a", "1.2.0", "1.2.1", "1.10",
    ],
    "pypi": [
        "1.0.dev1", "1.0a1.dev1", "1.0a1", "1.0b2", "1.0rc1", "1.0", "1.0+local", "1.0+local.2", "1.0+2", "1.0.post1.dev2",
        "1.0.post1", "1.0.1", "1.9", "1.10", "1!0.1",
    ],
    "npm": [
        "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0",
        "1.0.1", "1.2.0", "1.10.0",
    ],
    "golang": ["v0.0.0-20230101000000-abcdefabcdef", "v0.1.0", "v1.0.0", "v2.0.0+incompatible"],
    "cargo": ["0.1.0", "0.1.1-pre", "0.1.1"],
    "gem": ["1.2", "1.2.1", "1.10"],
    "conda": ["1.2", "1.2.1", "1.10"],
    "composer": ["1.2.3", "1.2.10"],
    "maven": ["1.2.3", "1.2.10"],
}  # fmt: skip


def order(kind: PackageType, a: str, b: str) -> bool | None:
    return newer(Package(kind, "x", a), Package(kind, "x", b))


@pytest.mark.parametrize("kind", get_args(PackageType))
def test_versions_rise_by_the_rules_of_their_type(kind: PackageType) -> None:
    for older, later in combinations(RISING[kind], 2):
        assert order(kind, older, later) is True, (older, later)
        assert order(kind, later, older) is False, (later, older)
        assert order(kind, older, older) is None


@pytest.mark.parametrize(
    ("kind", "a", "b"),
    [
        ("maven", "1.0", "1.0-SNAPSHOT"),
        ("gem", "1.0", "1.0.pre"),
        ("composer", "1.0.0-beta2", "1.0.0-beta10"),
        ("conda", "1.1.1w", "3.0"),
        ("npm", "1.0.0", "latest"),
        ("npm", "1.0.0+a", "1.0.0+b"),
        ("pypi", "1.0", "1.0.0"),
        ("pypi", "1.0", "unknown"),
        ("pypi", "1.0", ""),
        ("golang", "(devel)", "v1.0.0"),
        ("apk", "1.02", "1.1"),
        ("apk", "1.2", "1.2_next"),
        ("deb", "1.0", "1.0-0"),
        ("deb", "1.0", "one"),
        ("rpm", "1.0-1", "1..0-1"),
        ("pypi", "1." + "9" * 300, "2"),
    ],
)
def test_what_cannot_be_known_is_neither_newer_nor_older(kind: PackageType, a: str, b: str) -> None:
    assert order(kind, a, b) is None
    assert order(kind, b, a) is None


def test_the_epoch_of_rpm_outranks_the_version() -> None:
    old = Package("rpm", "x", "9.0-1")
    new = Package("rpm", "x", "1.0-1", "", qualifiers(epoch="1"))
    assert newer(old, new) is True
    assert newer(new, old) is False
    assert (shown_version(old), shown_version(new)) == ("9.0-1", "1:1.0-1")


def test_packages_of_different_types_are_not_compared() -> None:
    assert newer(Package("deb", "x", "1"), Package("rpm", "x", "2")) is None


_PARTS = st.lists(
    st.sampled_from([*"019", "10", ".", "-", "_", "+", "~", "!", "a", "b", "rc", "dev", "post", "r", "v"]),
    min_size=1,
    max_size=8,
).map("".join)  # fmt: skip


@given(_PARTS, _PARTS)
def test_pep_440_is_that_of_packaging(a: str, b: str) -> None:
    found = order("pypi", a, b)
    try:
        one, other = Version(a), Version(b)
    except InvalidVersion:
        assert found is None
    else:
        assert found is (None if one == other else one < other)


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="needs dpkg")
def test_debian_versions_are_those_of_dpkg() -> None:
    chance = random.Random(1)
    parts = [*"0129.-+~:ab", "10", "rc", "-1"]
    versions = ["1" + "".join(chance.choices(parts, k=chance.randrange(7))) for _ in range(600)]
    pairs = [
        (one, other)
        for one, other in zip(versions[::2], versions[1::2], strict=True)
        if order("deb", one, other) is not None
    ]
    assert len(pairs) > 100
    script = "".join(
        f"dpkg --compare-versions '{one}' lt '{other}' && echo lt || echo -\n"
        for one, other in pairs
    )
    ran = subprocess.run(["sh"], input=script, capture_output=True, text=True, check=True)
    wrong = [
        pair
        for pair, answer in zip(pairs, ran.stdout.split(), strict=True)
        if order("deb", *pair) is not (answer == "lt")
    ]
    assert wrong == []
