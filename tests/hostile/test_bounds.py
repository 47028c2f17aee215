"""The bounds see what a test takes, in its own process and in those that it starts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.conftest import environment
from tests.processes import client

if sys.platform != "linux":
    pytest.skip("the bounds are measured on Linux", allow_module_level=True)

from tests.hostile import bounds
from tests.hostile.running import layerscope

LARGE = "x = b'x' * (300 << 20)"
LONG = "import time\nwhile time.process_time() < {}: pass"


def test_memory_is_bounded_even_if_it_is_given_back() -> None:
    with pytest.raises(AssertionError, match="MiB over the start"), bounds.bounded():
        exec(LARGE, {})
    with bounds.bounded():
        pass


def test_time_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "SECONDS", 0.0)
    with pytest.raises(AssertionError, match="seconds of processor time"), bounds.bounded():
        sum(range(100_000))


@pytest.mark.skipif(client.WHOLE, reason="only forked processes tell what they took")
def test_memory_of_a_process_is_bounded(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="MiB over the start"), bounds.bounded():
        client.run(program=LARGE, cwd=tmp_path, env=environment())


def test_time_of_a_process_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "SECONDS", 0.3)
    with pytest.raises(AssertionError, match="seconds of processor time"), bounds.bounded():
        client.run(program=LONG.format(0.5), cwd=tmp_path, env=environment())


def test_each_run_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert layerscope("--version", cwd=tmp_path).code == 0
    monkeypatch.setattr(bounds, "MEMORY", -(1 << 40))
    with pytest.raises(AssertionError, match="MiB over the start"):
        layerscope("--version", cwd=tmp_path)


def test_the_tests_of_the_table_are_bounded(request: pytest.FixtureRequest) -> None:
    hooks = request.config.pluginmanager.hook.pytest_runtest_call.get_hookimpls()
    assert any(
        Path(hook.plugin.__file__ or "").parent == bounds.TESTS
        for hook in hooks
        if hasattr(hook.plugin, "__file__")
    )
    assert len(bounds.named()) > 150
