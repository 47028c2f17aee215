"""References: their schemes, names, paths, and tags."""

from __future__ import annotations

from pathlib import Path

import pytest

from layerscope.errors import BadReference
from layerscope.sources import SOURCES, is_local
from layerscope.sources.files import split_tag
from layerscope.sources.reference import check_name, parse_reference


@pytest.mark.parametrize(
    ("text", "source", "target"),
    [
        ("docker:python:3.8", "docker", "python:3.8"),
        ("docker://python:3.8", "docker", "python:3.8"),
        ("docker-daemon:python:3.8", "docker", "python:3.8"),
        ("podman:x", "podman", "x"),
        ("podman://localhost/x:1", "podman", "localhost/x:1"),
        ("docker-archive:x.tar:app:1", "docker-archive", "x.tar:app:1"),
        ("docker-archive:///tmp/x.tar", "docker-archive", "/tmp/x.tar"),
        ("docker-tar://x.tar", "docker-archive", "x.tar"),
        ("oci-archive:x.tar", "oci-archive", "x.tar"),
        ("oci:folder:tag", "oci-dir", "folder:tag"),
        ("oci-dir:folder", "oci-dir", "folder"),
        ("dir:folder", "dir", "folder"),
        ("docker-dir:folder", "dir", "folder"),
        ("registry:python", "registry", "python"),
        ("python:3.8", None, "python:3.8"),
        ("localhost:5000/x", None, "localhost:5000/x"),
        ("C:\\x.tar", None, "C:\\x.tar"),
        ("c:x.tar", None, "c:x.tar"),
        ("./docker:x", None, "./docker:x"),
        ("-", None, "-"),
    ],
)
def test_a_scheme_names_the_source(text: str, source: str | None, target: str) -> None:
    found = parse_reference(text, SOURCES)
    assert (found.source.name if found.source else None, found.target) == (source, target)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the image reference is empty"),
        (" ", "the image reference is empty"),
        ("docker:", "'docker:' names no image; write docker:NAME"),
        ("oci-dir://", "'oci-dir://' names no image"),
        ("containers-storage:x", "is not a source that layerscope knows; write podman:NAME"),
        ("https://example.com/x", "skopeo copy docker://NAME oci-archive:FILE"),
        ("ostree:x", "skopeo copy it to oci:FOLDER"),
        ("nope://x", "it knows docker-archive, docker-tar, oci-archive"),
        ("a\0b", "contains a NUL byte"),
    ],
)
def test_a_reference_that_names_nothing_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadReference) as caught:
        parse_reference(text, SOURCES)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "python",
        "python:3.8-slim",
        "library/python",
        "ghcr.io/a/b_c/d-e:v1.0",
        "localhost:5000/x:1",
        "[::1]:5000/x",
        "x@sha256:" + "a" * 64,
        "sha256:" + "a" * 64,
        "0123456789ab",
    ],
)
def test_a_valid_image_name_is_accepted(name: str) -> None:
    check_name(name, "docker:" + name)


@pytest.mark.parametrize(
    "name",
    ["", "-x", "--help", "Python", "a b", "a//b", "x:", "x:" + "a" * 129, "../x", "a\n", "é"],
)
def test_an_invalid_image_name_is_refused(name: str) -> None:
    with pytest.raises(BadReference, match="is not an image name"):
        check_name(name, "docker:" + name)


def test_the_longest_path_that_exists_is_split_from_the_tag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "a:b", "x.tar"):
        Path(name).touch()
    assert split_tag("x.tar") == ("x.tar", None)
    assert split_tag("x.tar:app:1") == ("x.tar", "app:1")
    assert split_tag("a:b:c") == ("a:b", "c")
    assert split_tag("a:c") == ("a", "c")
    assert split_tag("a:") == ("a", None)
    assert split_tag("gone.tar:app:1") == ("gone.tar", "app:1")
    assert split_tag("gone.tar") == ("gone.tar", None)
    assert split_tag("gone" * 100 + ":x") == ("gone" * 100, "x")


def test_a_bare_reference_is_local_if_the_path_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.tar").touch()
    Path("python").mkdir()
    Path("layout").mkdir()
    Path("layout/index.json").touch()
    assert is_local("x.tar")
    assert is_local("layout")
    assert is_local("-")
    assert is_local("./gone")
    assert is_local("./python")
    assert not is_local("python")
    assert not is_local("python:3.8")
    assert not is_local("gone")
