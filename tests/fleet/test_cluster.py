"""A scan on a real Dask cluster: workers that die, a scan that is killed, and credentials that nobody writes down."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from layerscope.cache.shelf import Shelf
from layerscope.cli.main import main
from layerscope.fleet.cluster import DaskWorkers, workers
from tests.builder import FORMS, ImageBuilder, digest_of
from tests.fleet.cluster import Cluster
from tests.fleet.served import FleetRegistry
from tests.fleet.test_scan import HOSTILE, assert_same
from tests.fleet.world import fill, make
from tests.processes.unmeasured import unmeasured
from tests.registry.server import Handler

Ask = Callable[[Path, str], list[dict[str, Any]]]
SECRET = "correct-horse-battery-staple"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "layerscope", "fleet", "scan", *arguments]


def wait_for(condition: Callable[[], object], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.fixture
def slow_blobs(registry: FleetRegistry) -> FleetRegistry:
    """A registry that takes its time for each blob, so that a scan can be caught in the middle."""

    def slowly(handler: Handler) -> None:
        time.sleep(0.05)
        handler.answer()

    registry.fail("/blobs/", slowly, times=1 << 30)
    return registry


def layers_asked(registry: FleetRegistry, known: set[str]) -> list[str]:
    return [each for each in registry.blobs_sent() if each in known]


def layer_digests(registry: FleetRegistry) -> set[str]:
    return {
        layer["digest"]
        for body, _ in registry.manifests.values()
        for layer in json.loads(body)["layers"]
    }


@pytest.mark.slow
def test_a_killed_scan_goes_on_where_it_stopped(
    slow_blobs: FleetRegistry, cluster: Cluster, tmp_path: Path, rows: Ask
) -> None:
    registry = slow_blobs
    made = make(20, 4, 50)
    fill(registry, made)
    layers = layer_digests(registry)
    out = tmp_path / "fleet"
    words = [f"registry:{registry.netloc}", "--out", str(out), "--scheduler", cluster.address]
    process = subprocess.Popen(command(*words), env=os.environ.copy())
    wait_for(lambda: len(layers_asked(registry, layers)) >= 20)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(1)
    kept = len(list((out / "indexes").rglob("[0-9a-f]" * 64)))
    assert kept
    registry.asked.clear()
    assert main(["fleet", "scan", *words]) == 0
    again = layers_asked(registry, layers)
    assert len(again) == len(set(again)) == 50 - kept
    assert rows(out, "SELECT count(*) AS n, count(DISTINCT diff_id) AS d FROM layers") == [
        {"n": 50, "d": 50}
    ]
    assert rows(out, "SELECT count(*) AS n FROM images") == [{"n": 20}]
    summed = (
        "SELECT hash, size, count(*) AS copies, count(DISTINCT diff_id) AS layers FROM files"
        " WHERE hash IS NOT NULL AND size > 0 GROUP BY ALL ORDER BY hash"
    )
    assert rows(out, "SELECT * FROM contents ORDER BY hash") == rows(out, summed)


@pytest.mark.slow
def test_an_interrupted_scan_keeps_what_it_has(
    slow_blobs: FleetRegistry, cluster: Cluster, tmp_path: Path, rows: Ask
) -> None:
    registry = slow_blobs
    fill(registry, make(20, 4, 50))
    layers = layer_digests(registry)
    out = tmp_path / "fleet"
    words = [f"registry:{registry.netloc}", "--out", str(out), "--scheduler", cluster.address]
    process = subprocess.Popen(command(*words), stderr=subprocess.PIPE, env=unmeasured())
    wait_for(lambda: len(layers_asked(registry, layers)) >= 20)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert b"Traceback" not in said
    assert rows(out, "SELECT count(*) > 5 AS some FROM layers") == [{"some": True}]


@pytest.fixture
def secured(registry: FleetRegistry, tmp_path: Path) -> FleetRegistry:
    """A registry with a password, which only the scan's own configuration has."""
    registry.user = ("me", SECRET)
    registry.scheme = "basic"
    auth = base64.b64encode(f"me:{SECRET}".encode()).decode()
    (tmp_path / "docker").mkdir()
    logins = {"auths": {registry.netloc: {"auth": auth}}}
    (tmp_path / "docker" / "config.json").write_text(json.dumps(logins))
    fill(registry, make(8, 2, 14))
    broken = ImageBuilder().layer({"a": b"broken" * 99}).build()
    registry.push(broken, "ops/broken", "1")
    registry.blobs[digest_of(broken.layers[0].compressed("gzip"))] = b"\x1f\x8bnothing"
    return registry


@pytest.mark.slow
def test_credentials_reach_the_workers_and_no_file_or_log(
    secured: FleetRegistry, tmp_path: Path, capfd: pytest.CaptureFixture[str], rows: Ask
) -> None:
    with Cluster(
        tmp_path / "cluster", environment={"DOCKER_CONFIG": "/none", "HOME": "/none"}
    ) as cluster:
        out = tmp_path / "fleet"
        words = [f"registry:{secured.netloc}", "--out", str(out), "--scheduler", cluster.address]
        assert main(["fleet", "scan", *words]) == 0
        said = capfd.readouterr().err
        assert "unencrypted" in said
        logs = cluster.logs()
    assert rows(out, "SELECT count(*) AS n FROM images") == [{"n": 8}]
    encoded = base64.b64encode(f"me:{SECRET}".encode()).decode()
    for secret in (SECRET, encoded):
        assert secret not in said + logs
        for folder in (out, tmp_path / "cluster"):
            for path in folder.rglob("*"):
                assert not path.is_file() or secret.encode() not in path.read_bytes()


@pytest.mark.slow
def test_what_is_lent_never_shows(secured: FleetRegistry) -> None:
    from layerscope.fleet.lending import Lender
    from layerscope.fleet.values import HeadJob, Reading, Wanted

    told: list[bool] = []
    reference = secured.reference("base/os0", "0")
    lent = Lender(lambda: told.append(True)).lend(reference)
    assert lent is not None
    assert lent.find(secured.netloc, "base/os0") is not None
    assert lent.find("other.example", "base/os0") is None
    assert told == [True]
    job = HeadJob((Wanted(reference, "x"),), Reading(), lent)
    for text in (repr(lent), repr(job), str(job), repr(lent.find(secured.netloc, "base/os0"))):
        assert SECRET not in text


@pytest.mark.slow
def test_300_images_survive_a_worker_that_is_killed(
    slow_blobs: FleetRegistry, tmp_path: Path, rows: Ask, capfd: pytest.CaptureFixture[str]
) -> None:
    registry = slow_blobs
    made = make(300, 40, 900)
    fill(registry, made)
    registry.serve_manifest(HOSTILE, "evil/app", "1")
    broken = ImageBuilder().layer({"a": b"broken" * 99}).build()
    registry.push(broken, "ops/broken", "1")
    digest = digest_of(broken.layers[0].compressed("gzip"))
    registry.blobs[digest] = registry.blobs[digest][:-9] + b"\0" * 9
    layers = {
        layer["digest"]
        for name, (body, _) in registry.manifests.items()
        if body != HOSTILE
        for layer in json.loads(body)["layers"]
    }
    out = tmp_path / "fleet"
    with Cluster(tmp_path / "cluster") as cluster:
        words = [f"registry:{registry.netloc}", "--out", str(out), "--scheduler", cluster.address]
        process = subprocess.Popen(
            command(*words), stderr=subprocess.PIPE, env=os.environ.copy(), text=True
        )
        wait_for(lambda: len(layers_asked(registry, layers)) >= 200)
        cluster.kill(0)
        registry.faults.clear()
        _, said = process.communicate(timeout=900)
    assert process.returncode == 0, said
    assert "300 images, 0 of them unchanged; 900 layers" in said
    asked = layers_asked(registry, layers - {digest})
    assert set(asked) == layers - {digest}
    assert len(asked) <= 900 + 4  # what the dead worker was reading, and what it had just read
    assert rows(out, "SELECT count(*) AS n, count(DISTINCT diff_id) AS d FROM layers") == [
        {"n": 900, "d": 900}
    ]
    failed = rows(out, "SELECT DISTINCT reference FROM failures ORDER BY ALL")
    assert [row["reference"].partition("/")[2] for row in failed] == ["evil/app:1", "ops/broken:1"]
    references = [registry.reference(each.repository, each.tag) for each in made]
    assert_same(rows, out, references, Shelf())


@pytest.mark.slow
def test_local_workers_scan_a_folder(tmp_path: Path, rows: Ask) -> None:
    image = ImageBuilder("app:1").layer({"etc/a": b"a" * 9}, "RUN a").build()
    (tmp_path / "images").mkdir()
    FORMS["oci-archive"].write([image], tmp_path / "images" / "one.tar")
    words = [str(tmp_path / "images"), "--out", str(tmp_path / "fleet"), "--workers", "2"]
    done = subprocess.run(command(*words), capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (0, 1), done.stderr
    assert "1 image, 0 of them unchanged; 1 layer" in done.stderr
    assert_same(rows, tmp_path / "fleet", [f"{tmp_path}/images/one.tar"])


@pytest.mark.slow
def test_the_keys_of_a_scan_are_in_one_folder_that_is_gone_afterwards() -> None:
    """Dask writes a key that is not in a file to a new folder in each process, whose death leaves it there."""
    with workers(scheduler=None, count=1) as crew:
        assert isinstance(crew, DaskWorkers)
        told = crew.client.security.get_tls_config_for_role("worker")
        files = [Path(told[name]) for name in ("ca_file", "cert", "key")]
        assert all(path.is_file() for path in files)
        (folder,) = {path.parent for path in files}
        assert folder.stat().st_mode & 0o077 == 0
    assert not folder.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize("most", [30, 39])
def test_too_few_open_files_are_a_one_line_error(tmp_path: Path, most: int) -> None:
    """Dask would wait for a connection without end."""
    import resource

    image = ImageBuilder("app:1").layer({"etc/a": b"a" * 9}, "RUN a").build()
    (tmp_path / "images").mkdir()
    FORMS["oci-archive"].write([image], tmp_path / "images" / "one.tar")
    words = [str(tmp_path / "images"), "--out", str(tmp_path / "fleet"), "--workers", "1"]
    done = subprocess.run(
        command(*words),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most)),
    )
    assert (done.returncode, len(done.stderr.splitlines())) == (3, 1), done.stderr
    assert f"1 worker takes 40 open files, and {most} are allowed" in done.stderr
    assert "`ulimit -n`" in done.stderr
