"""umoci's code for unpacking, in one process for many stacks."""

from __future__ import annotations

import json
import struct
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.engines.gotools import built_from

MODULES = {"github.com/opencontainers/umoci": "v0.4.7"}


def build() -> Path:
    """The program, built once. Raises `ToolError`."""
    return built_from(Path(__file__).with_name("main.go"), MODULES)


def unpack(program: Path, stacks: Sequence[Sequence[bytes]], folder: Path) -> list[str]:
    """Unpack each stack into a folder named by its place. Returns the errors, empty where there is none."""
    done = subprocess.run(
        [program, folder], input=b"".join(_packed(stacks)), capture_output=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def _packed(stacks: Sequence[Sequence[bytes]]) -> Iterator[bytes]:
    for layers in stacks:
        yield struct.pack(">Q", len(layers))
        for data in layers:
            yield struct.pack(">Q", len(data)) + data
