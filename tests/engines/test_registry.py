"""A real registry gives the same report as the archive that was pushed to it."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import layerscope
from layerscope.errors import LayerscopeError
from layerscope.options import ReadOptions
from tests.builder import oci
from tests.engines.registry import DistributionRegistry, running
from tests.engines.token_server import TokenServer
from tests.registry.test_pull import clean_environment
from tests.test_conformance import neutral, report_of, sample

__all__ = ["clean_environment"]

pytestmark = pytest.mark.engine
USER = ("me", "s3cret")


@pytest.fixture(params=["open", "password", "tokens"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DistributionRegistry]:
    with ExitStack() as stack:
        tokens = user = None
        if request.param == "tokens":
            # The registry is called localhost, so that the token server has the same host's name.
            tokens = stack.enter_context(TokenServer(USER, host="localhost"))
        elif request.param == "password":
            user = USER
        made = DistributionRegistry(tmp_path / "registry", user=user, tokens=tokens)
        served = stack.enter_context(running(made))
        if served.user is not None:
            log_in(served, tmp_path)
        yield served


def log_in(registry: DistributionRegistry, tmp_path: Path) -> None:
    auth = base64.b64encode(":".join(USER).encode()).decode()
    (tmp_path / "docker").mkdir(exist_ok=True)
    (tmp_path / "docker" / "config.json").write_text(
        json.dumps({"auths": {registry.host: {"auth": auth}}})
    )


@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
def test_a_pushed_layout_gives_the_same_report_as_the_layout(
    registry: DistributionRegistry, tmp_path: Path, compression: str
) -> None:
    oci([sample()], compression).write_folder(tmp_path / "layout")
    source = f"oci:{tmp_path / 'layout'}:1.0"
    reference = registry.push(source, "team/app:1", "--preserve-digests")
    expected = report_of(f"oci-dir:{tmp_path / 'layout'}")
    found = report_of(reference)
    assert neutral(found) == neutral(expected)
    assert found["sizes"] == expected["sizes"]


@pytest.mark.parametrize("registry", ["password", "tokens"], indirect=True)
def test_a_wrong_password_is_refused(registry: DistributionRegistry, tmp_path: Path) -> None:
    oci([sample()]).write_folder(tmp_path / "layout")
    reference = registry.push(f"oci:{tmp_path / 'layout'}:1.0", "team/app:1")
    (tmp_path / "docker" / "config.json").write_text(
        json.dumps({"auths": {registry.host: {"auth": base64.b64encode(b"me:no").decode()}}})
    )
    with pytest.raises(LayerscopeError, match="docker login") as caught:
        layerscope.load(reference)
    assert caught.value.exit_code == 3


# Tokens


def served(tmp_path: Path, tokens: TokenServer) -> DistributionRegistry:
    return DistributionRegistry(tmp_path / "registry", tokens=tokens)


def push(registry: DistributionRegistry, tmp_path: Path, name: str = "team/app:1") -> str:
    oci([sample()]).write_folder(tmp_path / "layout")
    return registry.push(f"oci:{tmp_path / 'layout'}:1.0", name, "--preserve-digests")


@pytest.mark.parametrize("anonymous", [True, False])
def test_an_anonymous_token_pulls_what_everybody_may(tmp_path: Path, anonymous: bool) -> None:
    allowed = frozenset(["team/app"] if anonymous else [])
    with (
        TokenServer(USER, host="localhost", anonymous=allowed) as tokens,
        running(served(tmp_path, tokens)) as registry,
    ):
        reference = push(registry, tmp_path)
        tokens.asked.clear()
        if anonymous:
            assert report_of(reference)["sizes"]["content"] > 0
        else:
            with pytest.raises(LayerscopeError, match="docker login") as caught:
                layerscope.load(reference)
            assert caught.value.exit_code == 3
        assert {scope for scope, _ in tokens.asked} == {"repository:team/app:pull"}
        assert {user for _, user in tokens.asked} == {""}


def test_a_token_server_elsewhere_is_asked_with_consent_only(tmp_path: Path) -> None:
    with (
        TokenServer(USER, host="127.0.0.1") as tokens,
        running(served(tmp_path, tokens)) as registry,
    ):
        reference = push(registry, tmp_path)
        log_in(registry, tmp_path)
        tokens.asked.clear()
        with pytest.raises(LayerscopeError, match="--token-server"):
            layerscope.load(reference)
        assert not tokens.asked
        with layerscope.load(reference, token_servers=(tokens.netloc,)) as image:
            assert layerscope.analyze(image).sizes.content > 0
        assert tokens.asked


def test_a_token_that_expires_between_the_layers_is_renewed(tmp_path: Path) -> None:
    with (
        TokenServer(USER, host="localhost") as tokens,
        running(served(tmp_path, tokens)) as registry,
    ):
        reference = push(registry, tmp_path)
        log_in(registry, tmp_path)
        tokens.asked.clear()
        # A registry takes tokens for a minute longer than they live.
        tokens.lifetime = -58
        with layerscope.load(reference) as image:
            time.sleep(3)
            tokens.lifetime = 300
            assert layerscope.analyze(image).sizes.content > 0
        assert len(tokens.asked) == 2


def test_the_head_of_an_image_costs_two_requests_after_the_token(tmp_path: Path) -> None:
    with (
        TokenServer(USER, host="localhost") as tokens,
        running(served(tmp_path, tokens)) as registry,
    ):
        reference = push(registry, tmp_path)
        log_in(registry, tmp_path)
        with layerscope.read(reference, ReadOptions(head=True)) as analysis:
            assert analysis.sizes.compressed
        log = (registry.folder / "log").read_text()
        mine = [line for line in log.splitlines() if '"GET /v2/' in line and '"layerscope"' in line]
        answered = [line for line in mine if '" 200 ' in line]
        assert len(answered) == 2, mine
