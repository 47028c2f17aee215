"""What works on Windows, as far as a Python without POSIX on Linux can show it."""

from __future__ import annotations

import gzip
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from layerscope.cli.main import main
from tests.builder import FORMS, ImageBuilder, Symlink, docker_legacy, docker_oci
from tests.processes.client import ROOT
from tests.processes.unmeasured import unmeasured
from tests.registry.server import Registry
from tests.sources.stores.fake_engine import FakeEngine, handler

pytestmark = pytest.mark.skipif(
    sys.platform == "darwin", reason="the stand-in for Windows looks into /proc"
)

BECOME = """
import sys
if sys.platform != "win32":
    from tests.system.windows import become_windows
    become_windows()
"""
"""What each program starts with. On Windows itself, these tests are real ones."""
COMMANDS = """
import json, sys
from layerscope.cli.main import main
print(json.dumps([main(command) for command in json.loads(sys.argv[1])]), file=sys.stderr)
"""
BROWSER = """
import asyncio, sys
from tests.tui.images import browse

async def script(driver):
    for key in ("down", "tab", "down", "2", "3"):
        await driver.press(key)
    print(ascii(driver.text))

browse(sys.argv[1], script)
"""


def run(
    program: str, *arguments: str, cwd: Path, host: str = ""
) -> subprocess.CompletedProcess[str]:
    env = {
        **unmeasured(os.environ),
        "PYTHONPATH": ROOT,
        "LAYERSCOPE_CACHE_DIR": str(cwd / "cache"),
        "LOCALAPPDATA": str(cwd),
        "APPDATA": str(cwd),
        "DOCKER_CONFIG": str(cwd / "docker"),
        "DOCKER_HOST": host,
    }
    return subprocess.run(
        [sys.executable, "-c", BECOME + program, *arguments],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def commands(cwd: Path, *lines: Sequence[str], host: str = "") -> tuple[list[int], str, str]:
    """Runs commands in one process. Returns their exit codes, and what they wrote to both streams."""
    done = run(COMMANDS, json.dumps(lines), cwd=cwd, host=host)
    told, _, codes = done.stderr.rstrip("\n").rpartition("\n")
    assert codes.startswith("["), done.stderr
    return json.loads(codes), done.stdout, told


def image(name: str = "app:1", extra: bytes = b"") -> ImageBuilder:
    builder = ImageBuilder(name).layer({"srv/a": b"a" * 5000, "srv/b": b"b" * 9000}, "COPY a /srv")
    return builder.layer({"srv/.wh.b": b"", "srv/c": b"c" + extra}, "RUN rm /srv/b")


def document(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text())
    return value


def test_a_report_is_the_same_as_elsewhere(tmp_path: Path) -> None:
    lines = []
    for form in ("docker-legacy", "docker-oci", "oci-archive", "oci-dir"):
        reference = FORMS[form].write([image().build()], tmp_path / form)
        line = ["report", reference, "--quiet", "--no-cache", "-o"]
        assert main([*line, f"json={tmp_path}/{form}.here.json"]) == 0
        lines += [[*line, f"json={form}.json"], [*line, f"html={form}.html"]]
    codes, _, told = commands(tmp_path, *lines)
    assert (codes, told) == ([0] * 8, "")
    for there in tmp_path.glob("*.here.json"):
        assert document(tmp_path / there.name.replace(".here", "")) == document(there)


def test_compressed_archives_streams_and_layers_are_read(tmp_path: Path) -> None:
    for compression in ("gzip", "zstd"):
        FORMS["oci-archive"].write([image().build()], tmp_path / f"{compression}.tar", compression)
    packed = gzip.compress((tmp_path / "gzip.tar").read_bytes())
    (tmp_path / "packed.tar.gz").write_bytes(packed)
    files = ("gzip.tar", "zstd.tar", "packed.tar.gz")
    lines = [["report", f"{each}", "--quiet", "-o", f"json={each}.json"] for each in files]
    codes, _, told = commands(tmp_path, *lines)
    assert (codes, told) == ([0, 0, 0], "")
    reports = [document(tmp_path / f"{each}.json") for each in files]
    assert [each["sizes"]["wasted"] for each in reports] == [9000, 9000, 9000]


def test_layers_are_kept_in_the_cache(tmp_path: Path) -> None:
    FORMS["oci-archive"].write([image().build()], tmp_path / "a.tar", "gzip")
    line = ["report", "a.tar", "--quiet", "-o"]
    codes, out, told = commands(
        tmp_path,
        [*line, "json=1.json"],
        [*line, "json=2.json"],
        ["cache", "info"],
        ["cache", "clear"],
    )
    assert codes == [0] * 4, told
    assert "not used" not in told
    assert document(tmp_path / "1.json") == document(tmp_path / "2.json")
    assert "layers  2\n" in out
    assert not [*(tmp_path / "cache").glob("*/layer-*")]


CACHE = """
import os
from layerscope.cache.folder import CacheFolder
remarks = []
cache = CacheFolder(os.path.abspath("cache"), 20_000, remarks.append)
for number in range(30):
    cache.write(f"layer-sha256-{number}", bytes(1000) * 2)
    assert cache.read(f"layer-sha256-{number}") == bytes(2000)
usage = cache.usage()
assert 5 < usage.layers < 10, usage
with open(next(os.path.join(folder, name) for folder, _, names in os.walk("cache") for name in names if "layer" in name), "r+b") as file:
    file.write(b"damaged")
assert sum(cache.read(f"layer-sha256-{number}") is not None for number in range(30)) == usage.layers - 1
assert cache.clear().layers == usage.layers - 1
assert remarks == [], remarks
"""


def test_the_cache_evicts_and_forgets_what_is_damaged(tmp_path: Path) -> None:
    done = run(CACHE, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_files_are_saved_whole_and_replaced(tmp_path: Path) -> None:
    FORMS["docker-legacy"].write([image().build()], tmp_path / "a.tar")
    FORMS["docker-legacy"].write([image(extra=b"more").build()], tmp_path / "b.tar")
    (tmp_path / "r.json").write_text("old")
    codes, _, told = commands(
        tmp_path,
        ["report", "a.tar", "--quiet", "-o", "json=r.json"],
        ["report", "r.json", "--quiet", "-o", "markdown=r.md", "-o", "csv=r.csv"],
        ["compare", "r.json", "b.tar", "--quiet", "-o", "json=c.json"],
        ["check", "a.tar", "--quiet", "--max-wasted-percent", "1", "-o", "junit=c.xml"],
        ["check", "a.tar", "--quiet", "--baseline", "r.json", "--max-growth", "1kB"],
    )
    assert codes == [0, 0, 0, 1, 0], told
    assert document(tmp_path / "r.json")["kind"] == "analysis"
    assert not [each.name for each in tmp_path.iterdir() if each.name.startswith(".layerscope")]


def test_hostile_names_are_not_extracted(tmp_path: Path) -> None:
    names = ["CON", "nul.txt", "a:stream", "end.", "end ", "q?", "aux/x", "..\\up", "same", "SAME"]
    files = {f"d/{name}": b"x" for name in (*names, "fine", "deep/fine")}
    built = ImageBuilder("app:1").layer(
        {**files, "d/link": Symlink("..\\..\\up"), "d/good": Symlink("fine")}, "COPY d /d"
    )
    docker_legacy([built.build()]).write(tmp_path / "a.tar")
    codes, _, told = commands(tmp_path, ["extract", "a.tar", "/d", "-o", "out"])
    assert codes == [0], told
    made = {
        each.relative_to(tmp_path / "out/d").as_posix() for each in (tmp_path / "out/d").rglob("*")
    }
    assert made == {"fine", "deep", "deep/fine", "SAME", "good"}
    for name in names[:-1]:
        assert f"left out /d/{name}".replace("\\", "\\\\") in told.replace(
            "left out d", "left out /d"
        ), name
    assert "this system takes it for 'd/SAME'" in told
    assert not (tmp_path / "up").exists()


def test_an_image_in_a_registry_is_read(tmp_path: Path) -> None:
    with Registry() as registry:
        registry.add(image().build())
        codes, _, told = commands(
            tmp_path, ["report", registry.name(), "--quiet", "-o", "json=r.json"]
        )
    assert codes == [0], told
    sizes = document(tmp_path / "r.json")["sizes"]
    assert isinstance(sizes, dict)
    assert sizes["wasted"] == 9000


def test_what_an_engine_sends_over_tcp_is_read_while_it_arrives(tmp_path: Path) -> None:
    contents = {f"srv/{number}": bytes([number]) * 300_000 for number in range(20)}
    built = ImageBuilder("app:1").layer(contents, "COPY srv /srv").build()
    engine = FakeEngine(
        image={"Id": built.config_digest, "RepoTags": ["app:1"]},
        info={"DockerRootDir": "/var/lib/docker", "Driver": "overlay2"},
        save=docker_oci([built]).pack(),
    )

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(engine)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        host = f"tcp://127.0.0.1:{server.server_address[1]}"
        codes, _, told = commands(
            tmp_path,
            ["report", "docker:app:1", "--quiet", "--no-cache", "-o", "json=r.json"],
            ["export", "docker:app:1", "--quiet", "-o", "saved.tar"],
            ["extract", "saved.tar", "/srv/7", "--quiet", "-o", "out"],
            host=host,
        )
        server.shutdown()
        thread.join()
    assert codes == [0, 0, 0], told
    assert document(tmp_path / "r.json")["sizes"]["live"] == 20 * 300_000
    assert (tmp_path / "saved.tar").read_bytes() == engine.save
    assert (tmp_path / "out/7").read_bytes() == contents["srv/7"]


@pytest.mark.skipif(sys.platform == "win32", reason="there may be an engine")
def test_an_engine_on_a_pipe_or_a_socket_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    codes, _, told = commands(tmp_path, ["report", "docker:app"], ["report", "podman:app"])
    assert codes == [3, 3]
    assert "npipe:////./pipe/docker_engine" in told
    assert "Traceback" not in told


def test_the_browser_shows_an_image(tmp_path: Path) -> None:
    FORMS["docker-legacy"].write([image().build()], tmp_path / "a.tar")
    done = run(BROWSER, str(tmp_path / "a.tar"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "COPY" in done.stdout
    assert "srv" in done.stdout
