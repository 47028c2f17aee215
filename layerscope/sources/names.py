"""Image names: their short and full forms, and which of several images a name refers to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from layerscope.errors import AmbiguousImage, ImageNotFound

_Choice = TypeVar("_Choice")
_LISTED = 12
_SHORTEST_ID = 7


def normal(name: str) -> str:
    """The full form of a name, as Docker completes it: `python` is `docker.io/library/python:latest`."""
    first, slash, _ = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        name = f"docker.io/{name}" if slash else f"docker.io/library/{name}"
    domain, _, path = name.partition("/")
    if domain == "docker.io" and "/" not in path:
        name = f"docker.io/library/{path}"
    if "@" not in name and ":" not in name.rpartition("/")[2]:
        name += ":latest"
    return name


def is_same(wanted: str, name: str) -> bool:
    """Whether the name that a user gave refers to the image `name`, which Podman may have put under `localhost/`."""
    return normal(name) in (normal(wanted), normal(f"localhost/{wanted}"))


def familiar(name: str) -> str:
    """The short form of a full name: without `docker.io/` and `library/`."""
    for prefix in (
        "docker.io/library/",
        "docker.io/",
        "index.docker.io/library/",
        "index.docker.io/",
    ):
        if name.startswith(prefix):
            return name[len(prefix) :]
    return name


def _tag(name: str) -> str:
    last = name.rpartition("/")[2]
    return last.rpartition(":")[2] if ":" in last else name


def choose(
    wanted: str,
    choices: Sequence[_Choice],
    names: Callable[[_Choice], Iterable[str]],
    digests: Callable[[_Choice], Iterable[str]],
) -> list[_Choice]:
    """The choices that `wanted` refers to: by exact name, or else by full name, by tag alone, or by digest or ID."""
    tests: tuple[Callable[[_Choice], bool], ...] = (
        lambda choice: wanted in names(choice),
        lambda choice: any(is_same(wanted, name) for name in names(choice)),
        lambda choice: any(_tag(name) == wanted for name in names(choice)),
        lambda choice: any(_is_id(wanted, digest) for digest in digests(choice)),
    )
    for test in tests:
        found = [choice for choice in choices if test(choice)]
        if found:
            return found
    return []


def _is_id(wanted: str, digest: str) -> bool:
    if wanted == digest:
        return True
    return len(wanted) >= _SHORTEST_ID and digest.partition(":")[2].startswith(wanted)


def listing(choices: Iterable[str]) -> str:
    """The choices for a message: the first dozen, and how many more there are."""
    unique = list(dict.fromkeys(choices))
    shown = ", ".join(unique[:_LISTED])
    return f"{shown} and {len(unique) - _LISTED} more" if len(unique) > _LISTED else shown


def ambiguous(
    place: str, choices: Sequence[str], option: str = "--tag", tags: Iterable[str] = ()
) -> AmbiguousImage:
    return AmbiguousImage(
        f"{place} holds {len(choices)} images: {listing(choices)}",
        hint=f"choose one with {option}",
        tags=tuple(dict.fromkeys(tags)),
    )


def not_found(place: str, wanted: str, choices: Sequence[str]) -> ImageNotFound:
    return ImageNotFound(
        f"{place} holds no image {wanted!r}, only {listing(choices) or 'none'}",
        hint="name another image" if choices else "save the image again",
    )
