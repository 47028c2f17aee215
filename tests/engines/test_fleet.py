"""A fleet's scan of Debian's docker-registry: its catalog, its tags, and its login."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from layerscope.cli.main import main
from tests.builder import FORMS
from tests.engines.registry import DistributionRegistry, running
from tests.fleet.inline import inline_workers
from tests.fleet.world import make


def ask(folder: Path, sql: str, capfd: pytest.CaptureFixture[str]) -> Any:
    capfd.readouterr()
    assert main(["fleet", "query", str(folder), sql, "--json"]) == 0
    return json.loads(capfd.readouterr().out)


@pytest.mark.slow
def test_a_catalog_behind_a_login_is_scanned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr("layerscope.fleet.cluster.workers", inline_workers)
    made = make(8, 2, 14)
    with running(DistributionRegistry(tmp_path / "registry", user=("me", "pa:ss"))) as registry:
        for number, each in enumerate(made):
            source = FORMS["oci-archive"].write([each.image], tmp_path / f"{number}.tar")
            registry.push(source, f"{each.repository}:{each.tag}")
        target = f"registry:{registry.host}"
        words = ["fleet", "scan", target, "--out", str(tmp_path / "fleet")]
        assert main(words) == 3
        assert "list its repositories" in capfd.readouterr().err
        auth = base64.b64encode(b"me:pa:ss").decode()
        (tmp_path / "docker").mkdir()
        (tmp_path / "docker" / "config.json").write_text(
            json.dumps({"auths": {registry.host: {"auth": auth}}})
        )
        assert main(words) == 0
    found = ask(tmp_path / "fleet", "SELECT reference FROM images ORDER BY ALL", capfd)
    assert [row["reference"] for row in found] == sorted(
        f"{target}/{each.repository}:{each.tag}" for each in made
    )
