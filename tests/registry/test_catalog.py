"""What a registry lists is untrusted: its pages, its links, and its names."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from layerscope.errors import FormatError, LayerscopeError, LimitExceeded, SourceUnavailable
from layerscope.fleet.targets import Choosing, images_of
from layerscope.fleet.values import Failed, Reading
from layerscope.sources.registry import catalog, client
from layerscope.sources.registry.catalog import repositories, tags
from tests.builder import ImageBuilder
from tests.fleet.served import FleetRegistry
from tests.registry.server import Handler


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(client, "FIRST_PAUSE", 0.001)


@pytest.fixture
def registry() -> Iterator[FleetRegistry]:
    with FleetRegistry() as served:
        yield served


def says(body: bytes, link: str | None = None) -> Callable[[Handler], None]:
    """Respond with these bytes, and a link to the next page."""
    headers = {} if link is None else {"Link": f'<{link}>; rel="next"'}
    return lambda handler: handler.send(200, body, headers)


def listing(key: str, *names: str) -> bytes:
    return json.dumps({key: names}).encode()


def test_all_pages_are_read(registry: FleetRegistry) -> None:
    image = ImageBuilder().layer({"a": b"a"}).build()
    for number in range(30):
        registry.push(image, f"team/app{number:02}", "1")
        registry.push(image, "team/app00", f"v{number:02}")
    assert list(repositories(registry.netloc)) == [f"team/app{n:02}" for n in range(30)]
    assert len(list(tags(f"{registry.netloc}/team/app00"))) == 31
    assert len(registry.paths("_catalog")) == 5


def test_a_link_to_another_host_only_says_where_to_go_on(registry: FleetRegistry) -> None:
    first = says(listing("repositories", "a"), "http://169.254.169.254/evil?last=a&n=9")
    registry.fail("_catalog", first)
    registry.push(ImageBuilder().layer({"a": b"a"}).build(), "b", "1")
    assert list(repositories(registry.netloc)) == ["a", "b"]
    assert registry.paths("last") == [f"/v2/_catalog?n={catalog.PAGE}&last=a"]


@pytest.mark.parametrize(
    ("body", "link", "error"),
    [
        (b"not json", None, FormatError),
        (b"[" * 100_000, None, FormatError),
        (b"[]", None, FormatError),
        (b'{"repositories": {"a": 1}}', None, FormatError),
        (b'{"repositories": [1]}', None, FormatError),
        (b"{}", None, FormatError),
        (listing("repositories", "a"), "/v2/_catalog?last=a", FormatError),
        (b" " * (9 * 1024 * 1024), None, LimitExceeded),
    ],
)
def test_a_catalog_that_is_none_is_one_error(
    registry: FleetRegistry, body: bytes, link: str | None, error: type[LayerscopeError]
) -> None:
    registry.fail("_catalog", says(body, link), times=9)
    with pytest.raises(error):
        list(repositories(registry.netloc))


def test_a_listing_without_end_is_bounded(
    registry: FleetRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "MOST_NAMES", 20)
    count = iter(range(10_000))

    def more(handler: Handler) -> None:
        number = next(count)
        says(listing("repositories", f"a{number}"), f"/v2/_catalog?last=a{number}")(handler)

    registry.fail("_catalog", more, times=10_000)
    with pytest.raises(LimitExceeded, match="more than 20 names"):
        list(repositories(registry.netloc))


def test_a_repository_without_tags_has_none(registry: FleetRegistry) -> None:
    registry.fail("tags/list", says(b'{"name": "a", "tags": null}'))
    registry.repositories["a"] = {}
    assert list(tags(f"{registry.netloc}/a")) == []


def test_a_catalog_that_must_not_be_listed_says_so(registry: FleetRegistry) -> None:
    registry.scheme, registry.user = "basic", ("me", "secret")
    with pytest.raises(SourceUnavailable, match="does not let you list its repositories"):
        list(repositories(registry.netloc))


def test_a_name_that_cannot_be_one_is_a_failure_and_not_the_end(registry: FleetRegistry) -> None:
    names = ("../../etc", "UPPER", "a b", "x\x1b[31m", "\udcff", "team/app")
    registry.fail("_catalog", says(listing("repositories", *names)))
    registry.fail("tags/list", says(listing("tags", "ok", "../x", "\n::error::", "v1")))
    found = list(images_of(f"registry:{registry.netloc}", Reading(), Choosing()))
    failed = [each for each in found if isinstance(each, Failed)]
    assert len(failed) == 7
    assert all("\n" not in each.message for each in failed)
    assert [each.reference for each in found if not isinstance(each, Failed)] == [
        f"registry:{registry.netloc}/team/app:ok",
        f"registry:{registry.netloc}/team/app:v1",
    ]


@pytest.mark.parametrize("text", ["", "a b", "../x", "host/path", "-", "a" * 300, "x\x1b"])
def test_only_a_host_has_a_catalog(text: str) -> None:
    with pytest.raises(LayerscopeError):
        list(repositories(text))
