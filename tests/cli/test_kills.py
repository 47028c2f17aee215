"""A run that is killed at any moment leaves its target unchanged or complete, and nothing else behind."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builder import FORMS, File, ImageBuilder
from tests.cli.conftest import command, environment
from tests.effort import seeds
from tests.processes.unmeasured import unmeasured

FILES = {f"d/{number:03}": b"%03d" % number * 20_000 for number in range(60)}
OLD = b"what was there before"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    layer = {name: File(data) for name, data in FILES.items()}
    built = ImageBuilder("app:1").layer(layer, "/bin/sh -c write").build()
    path = tmp_path_factory.mktemp("kills") / "app.tar"
    FORMS["docker-legacy"].write([built], path)
    return path


@pytest.fixture(scope="module")
def duration(image: Path) -> Callable[..., float]:
    """How long each run takes if nobody kills it, measured once."""
    known: dict[str, float] = {}

    def measure(key: str, folder: Path, *arguments: str) -> float:
        if key not in known:
            begun = time.monotonic()
            subprocess.run(
                command(*arguments),
                cwd=folder,
                env=unmeasured(environment()),
                capture_output=True,
                check=True,
            )
            known[key] = time.monotonic() - begun
        return known[key]

    return measure


def kill(folder: Path, number: signal.Signals, after: float, *arguments: str) -> int:
    """The exit code of a run that gets a signal. If Python's startup handles it, that counts as the signal."""
    with subprocess.Popen(
        command(*arguments),
        cwd=folder,
        env=unmeasured(environment()),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as child:
        time.sleep(after)
        child.send_signal(number)
        _, errors = child.communicate(timeout=30)
    if child.returncode == 1 and b"KeyboardInterrupt" in errors and b"/layerscope/" not in errors:
        return -number
    return child.returncode


@pytest.mark.slow
@pytest.mark.random
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("seed", seeds(8))
def test_a_killed_report_leaves_the_old_file_or_a_whole_one(
    seed: int, number: signal.Signals, image: Path, tmp_path: Path, duration: Callable[..., float]
) -> None:
    arguments = ("report", str(image), "-o", "html=x.html", "--force")
    whole = duration("report", tmp_path, *arguments)
    for old in (None, OLD):
        (tmp_path / "x.html").unlink(missing_ok=True)
        if old is not None:
            (tmp_path / "x.html").write_bytes(old)
        after = random.Random(f"{seed}/{number}/{old!r}").uniform(0.6, 1.05) * whole
        code = kill(tmp_path, number, after, *arguments)
        assert code != 1
        names = [path.name for path in tmp_path.iterdir()]
        assert names in ([], ["x.html"])
        if names:
            data = (tmp_path / "x.html").read_bytes()
            assert data == old or data.rstrip().endswith(b"</html>")


@pytest.mark.slow
@pytest.mark.random
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("seed", seeds(8))
def test_a_killed_extraction_leaves_only_whole_files(
    seed: int, number: signal.Signals, image: Path, tmp_path: Path, duration: Callable[..., float]
) -> None:
    arguments = ("extract", str(image), "/d", "-o", "out", "--force")
    whole = duration("extract", tmp_path, *arguments)
    after = random.Random(f"{seed}/{number}").uniform(0.6, 1.05) * whole
    for name in ("d/000", "d/030"):
        old = tmp_path / "out" / name
        old.parent.mkdir(parents=True, exist_ok=True)
        old.write_bytes(OLD)
    code = kill(tmp_path, number, after, *arguments)
    assert code != 1
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file():
            name = str(path.relative_to(tmp_path / "out"))
            assert path.read_bytes() in (FILES[name], OLD)
