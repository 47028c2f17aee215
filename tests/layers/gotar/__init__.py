"""Go's archive/tar, which all engines read layers with, as a reference."""

from __future__ import annotations

import json
import os
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parent


def build(folder: Path) -> Path:
    """Compile the reader. Raises `CalledProcessError`."""
    target = folder / "gotar"
    environment = os.environ | {"GOTOOLCHAIN": "local", "GOFLAGS": "", "CGO_ENABLED": "0"}
    subprocess.run(
        ["go", "build", "-o", str(target), "."],
        cwd=SOURCE,
        env=environment,
        check=True,
        capture_output=True,
        timeout=300,
    )
    return target


def read(program: Path, tars: Sequence[bytes]) -> list[dict[str, Any]]:
    """The result of Go's reader for each tar: its members, and the error that ended it."""
    data = b"".join(struct.pack(">Q", len(one)) + one for one in tars)
    done = subprocess.run([program], input=data, capture_output=True, check=True, timeout=300)
    return [json.loads(line) for line in done.stdout.splitlines()]
