"""Short and full names, and the images they refer to."""

from __future__ import annotations

import pytest

from layerscope.sources.names import choose, familiar, listing, normal


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("python", "docker.io/library/python:latest"),
        ("python:3.8", "docker.io/library/python:3.8"),
        ("docker.io/python", "docker.io/library/python:latest"),
        ("a/b", "docker.io/a/b:latest"),
        ("localhost/b:1", "localhost/b:1"),
        ("localhost:5000/b", "localhost:5000/b:latest"),
        ("ghcr.io/a/b", "ghcr.io/a/b:latest"),
        ("x@sha256:ab", "docker.io/library/x@sha256:ab"),
    ],
)
def test_a_name_is_completed_as_docker_does(name: str, full: str) -> None:
    assert normal(name) == full
    assert normal(full) == full
    assert normal(familiar(full)) == full


def test_a_name_is_shortened_as_docker_does() -> None:
    assert familiar("docker.io/library/python:3.8") == "python:3.8"
    assert familiar("docker.io/a/b:1") == "a/b:1"
    assert familiar("ghcr.io/a/b:1") == "ghcr.io/a/b:1"


CHOICES = {
    "docker.io/library/app:1": "sha256:11111111aa",
    "localhost/app:2": "sha256:22222222bb",
    "ghcr.io/x/app:1": "sha256:33333333cc",
    "other:latest": "sha256:44444444dd",
}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("app:1", ["docker.io/library/app:1"]),
        ("docker.io/app:1", ["docker.io/library/app:1"]),
        ("app:2", ["localhost/app:2"]),
        ("other", ["other:latest"]),
        ("1", ["docker.io/library/app:1", "ghcr.io/x/app:1"]),
        ("2", ["localhost/app:2"]),
        ("sha256:33333333cc", ["ghcr.io/x/app:1"]),
        ("3333333", ["ghcr.io/x/app:1"]),
        ("333", []),
        ("app", []),
    ],
)
def test_a_name_tag_or_digest_finds_its_image(wanted: str, found: list[str]) -> None:
    names = list(CHOICES)
    assert choose(wanted, names, lambda name: [name], lambda name: [CHOICES[name]]) == found


def test_a_long_list_of_choices_is_cut() -> None:
    assert listing(["b", "a", "b"]) == "b, a"
    assert listing(map(str, range(20))).endswith("10, 11 and 8 more")
