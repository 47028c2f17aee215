"""A real registry gives the same report as the archive that was pushed to it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import layerscope
from layerscope.errors import LayerscopeError
from tests.builder import oci
from tests.engines.registry import DistributionRegistry, running
from tests.registry.test_pull import clean_environment
from tests.test_conformance import neutral, report_of, sample

__all__ = ["clean_environment"]

pytestmark = pytest.mark.engine
USER = ("me", "s3cret")


@pytest.fixture(params=[None, USER], ids=["open", "password"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DistributionRegistry]:
    with running(DistributionRegistry(tmp_path / "registry", user=request.param)) as served:
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


@pytest.mark.parametrize("registry", [USER], indirect=True, ids=["password"])
def test_a_wrong_password_is_refused(registry: DistributionRegistry, tmp_path: Path) -> None:
    oci([sample()]).write_folder(tmp_path / "layout")
    reference = registry.push(f"oci:{tmp_path / 'layout'}:1.0", "team/app:1")
    (tmp_path / "docker" / "config.json").write_text(
        json.dumps({"auths": {registry.host: {"auth": base64.b64encode(b"me:no").decode()}}})
    )
    with pytest.raises(LayerscopeError, match="docker login") as caught:
        layerscope.load(reference)
    assert caught.value.exit_code == 3
