"""Session fixtures: one engine of each kind, shared by all tests that request it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import pytest

from tests.builder.tools import absent

from .containerd import ContainerdEngine
from .engine import DockerEngine, Engine, NoEngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

EngineType = TypeVar("EngineType", bound=Engine)


def _running(engine: EngineType) -> Iterator[EngineType]:
    try:
        engine.start()
    except NoEngineError as error:
        absent(str(error))
    try:
        engine.import_busybox()
        yield engine
    finally:
        engine.stop()


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[DockerEngine]:
    """Debian's Docker 20.10, with ``busybox:latest`` imported."""
    yield from _running(DockerEngine())


@pytest.fixture(scope="session")
def containerd_engine() -> Iterator[ContainerdEngine]:
    """Docker 26 with the containerd image store, with ``busybox:latest`` imported."""
    yield from _running(ContainerdEngine())
