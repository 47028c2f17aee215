"""Platforms: parsing and matching."""

from __future__ import annotations

import pytest

from layerscope.errors import UsageError
from layerscope.image.platform import Platform


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("linux/amd64", Platform("linux", "amd64")),
        ("linux/x86_64", Platform("linux", "amd64")),
        ("Linux/ARM64/v8", Platform("linux", "arm64", "v8")),
        ("linux/aarch64", Platform("linux", "arm64")),
        ("linux/armhf", Platform("linux", "arm", "v7")),
        ("windows/amd64", Platform("windows", "amd64")),
    ],
)
def test_a_platform_is_parsed(text: str, platform: Platform) -> None:
    assert Platform.parse(text) == platform


@pytest.mark.parametrize("text", ["", "linux", "linux/", "/amd64", "linux/arm/v7/x", "linux//v7"])
def test_text_that_is_not_a_platform_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a platform; write os/arch"):
        Platform.parse(text)


@pytest.mark.parametrize(
    ("wanted", "offered", "matches", "covers"),
    [
        ("linux/amd64", "linux/amd64", True, True),
        ("linux/arm64", "linux/arm64/v8", True, True),
        ("linux/arm64/v8", "linux/arm64", True, True),
        ("linux/amd64", "linux/amd64/v3", False, True),
        ("linux/arm", "linux/arm/v6", False, True),
        ("linux/arm/v7", "linux/arm/v6", False, False),
        ("linux/amd64", "linux/arm64", False, False),
        ("linux/amd64", "windows/amd64", False, False),
    ],
)
def test_a_platform_matches_with_its_usual_variant(
    wanted: str, offered: str, matches: bool, covers: bool
) -> None:
    assert Platform.parse(wanted).matches(Platform.parse(offered)) is matches
    assert Platform.parse(wanted).covers(Platform.parse(offered)) is covers


def test_the_host_is_linux_on_a_named_architecture() -> None:
    host = Platform.of_host()
    assert host.os == "linux"
    assert host == Platform.parse(str(host))
