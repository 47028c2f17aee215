"""Code that takes over a run gets nothing that the run doesn't need."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import originals, run_in
from tests.processes.client import ROOT
from tests.registry.server import Registry
from tests.sandbox.planted import Place, attempts, cache_folder, place, run, version
from tests.test_conformance import sample

pytestmark = pytest.mark.skipif(
    version() < 6, reason="the kernel's Landlock is too old for all limits"
)


@pytest.fixture
def where(tmp_path: Path) -> Place:
    made = place(tmp_path)
    for name, data in originals().items():
        (made.folder / name).write_bytes(data)
    return made


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server on this machine that any process may connect to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def denied(found: dict[str, str]) -> set[str]:
    assert set(found.values()) <= {"done", "PermissionError"}
    return {name for name, outcome in found.items() if outcome == "PermissionError"}


def both(*names: str) -> set[str]:
    """The attempts of the main thread and of a thread that it starts."""
    return {*names, *(f"{name} in a thread" for name in names)}


ALL = (
    "read",
    "list",
    "write",
    "create",
    "link",
    "make a folder",
    "connect",
    "listen",
    "run",
    "signal",
    "import",
)


def tries(where: Place, port: int) -> dict[str, str]:
    """All attempts, of which removing a file only makes sense once another has created it."""
    every = attempts(where, port)
    (where.outside / "new").write_text("")
    return every


@pytest.mark.parametrize(
    "words",
    [
        ("app.tar",),
        ("report", "app.tar"),
        ("report", "docker-archive:app.tar:app:1"),
        ("report", "oci-archive:app-oci.tar"),
        ("report", "app.tar", "-o", "json=out.json"),
        ("check", "app.tar", "--max-size", "1GB"),
        ("check", "app.tar", "--init"),
        ("files", "app.tar"),
        ("packages", "app.tar"),
        ("secrets", "app.tar"),
        ("extract", "app.tar", "/etc", "-o", "taken"),
        ("compare", "app.tar", "app-oci.tar"),
    ],
    ids=" ".join,
)
def test_an_archive_gives_access_to_nothing_else(
    words: tuple[str, ...], where: Place, port: int
) -> None:
    found = run(where, *words, "--quiet", "--sandbox", tries=tries(where, port))
    expected = both(*ALL, "remove")
    if words[0] == "extract":
        expected -= both("import")  # the folder to fill doesn't exist yet, so the one above is open
    assert denied(found) == expected


def test_without_a_sandbox_all_of_it_works(where: Place, port: int) -> None:
    found = run(where, "report", "app.tar", "--no-sandbox", tries=attempts(where, port))
    del found["remove in a thread"]  # it is removed already
    assert denied(found) == set()
    assert set(found.values()) == {"done"}


def test_it_is_on_by_default(where: Place, port: int) -> None:
    found = run(where, "report", "app.tar", tries=tries(where, port))
    assert denied(found) == both(*ALL, "remove")


def test_a_run_keeps_what_it_needs(where: Place) -> None:
    needed = {
        "the image": "open('app.tar', 'rb').read()",
        "the folder of the output": "open('new.json', 'w').close()",
        "temporary files": "tempfile.TemporaryFile().write(b'x')",
        "the cache": f"open({cache_folder() + '/x'!r}, 'w').close(); os.unlink({cache_folder() + '/x'!r})",
        "modules": "import xml.dom.minidom, yaml, sqlite3, zoneinfo; zoneinfo.ZoneInfo('Europe/Paris')",
        "itself": "open('/proc/self/status').read(); os.kill(os.getpid(), 0)",
        "the number of processors": "assert os.cpu_count()",
        "random numbers": "open('/dev/urandom', 'rb').read(1)",
    }
    found = run(where, "report", "app.tar", "-o", "json=out.json", tries=needed)
    assert set(found.values()) == {"done"}, found


def test_the_folder_of_an_output_is_written_and_not_read(where: Place) -> None:
    (where.outside / "reports").mkdir()
    (where.outside / "reports/old").write_text("x")
    tried = {
        "read": f"open({str(where.outside / 'reports/old')!r}).read()",
        "write": f"open({str(where.outside / 'reports/new')!r}, 'w').close()",
    }
    found = run(where, "report", "app.tar", "-o", "../outside/reports/out.json", tries=tried)
    assert denied(found) == both("read")


def test_without_a_cache_its_folder_is_closed(where: Place) -> None:
    Path(cache_folder()).mkdir()
    tried = {"write": f"open({cache_folder() + '/x'!r}, 'w').close()"}
    assert denied(run(where, "report", "app.tar", "--no-cache", tries=tried)) == both("write")
    assert denied(run(where, "report", "app.tar", tries=tried)) == set()


def test_more_folders_can_be_allowed(where: Place, port: int) -> None:
    allowed = {"LAYERSCOPE_SANDBOX_ALLOW": f"/nonexistent:{where.outside}:{ROOT}"}
    found = run(where, "report", "app.tar", tries=tries(where, port), env=allowed)
    assert "read" not in denied(found)
    assert "write" not in denied(found)
    assert denied(found) >= both("connect", "run", "import")


def test_a_registry_gives_access_to_the_network_alone(where: Place, port: int) -> None:
    with Registry() as registry:
        registry.add(sample())
        words = ("report", registry.name(), "--sandbox", "--quiet")
        environment = {"HOME": str(where.temporary)}
        found = run(where, *words, tries=tries(where, port), env=environment)
    assert denied(found) == both(*ALL, "remove") - both("connect")


def test_a_credential_helper_adds_nothing_to_that(where: Place, port: int) -> None:
    program = where.outside / "docker-credential-own"
    program.write_text(
        '#!/bin/sh\ncat > asked\nprintf \'{"Username": "me", "Secret": "s3cret"}\'\n'
    )
    program.chmod(0o755)
    (where.temporary / "config.json").write_text('{"credsStore": "own"}')
    path = f"{where.outside}:{os.environ['PATH']}"
    environment = {"DOCKER_CONFIG": str(where.temporary), "PATH": path}
    with Registry() as registry:
        registry.user = ("me", "s3cret")
        registry.add(sample())
        words = ("report", registry.name(), "--sandbox", "--quiet")
        found = run(where, *words, tries=tries(where, port), env=environment)
        assert denied(found) == both(*ALL, "remove") - both("connect")
        assert (where.folder / "asked").read_text() in registry.name()
        done = run_in(where.folder, *words, env=environment | {"TMPDIR": str(where.temporary)})
    assert (done.returncode, done.stderr) == (0, "")


def test_the_browser_writes_below_the_current_folder_alone(where: Place, port: int) -> None:
    more = {
        "save": "open('saved.json', 'w').close()",
        "extract": "os.makedirs('taken/etc', exist_ok=True)",
        "highlight": "subprocess.run([sys.executable, '-c', ''], check=True)",
    }
    found = run(
        where,
        "app.tar",
        "--sandbox",
        tries=tries(where, port) | more,
        at="layerscope.tui.app:LayerscopeApp.run",
        env={"TEXTUAL_DRIVER": "textual.drivers.linux_driver:LinuxDriver"},
    )
    assert denied(found) == both(*ALL, "remove") - both("import")


def test_a_browser_in_a_page_writes_nothing(where: Place, port: int) -> None:
    found = run(
        where,
        "app.tar",
        "--sandbox",
        tries=tries(where, port) | {"save": "open('saved.json', 'w').close()"},
        at="layerscope.tui.app:LayerscopeApp.run",
        env={"TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver"},
    )
    assert denied(found) == both(*ALL, "remove", "save")


def test_the_server_listens_on_its_port_alone(where: Place, port: int) -> None:
    pytest.importorskip("textual_serve")
    with socket.create_server(("127.0.0.1", 0)) as free:
        own = int(free.getsockname()[1])
    found = run(
        where,
        "serve",
        "app.tar",
        "--port",
        str(own),
        "--sandbox",
        tries=tries(where, port)
        | {
            "its port": f"socket.create_server(('127.0.0.1', {own})).close()",
            "a visitor": "subprocess.run(f'{sys.executable} -c 1', shell=True, check=True)",
        },
        at="layerscope.tui.serving:GuardedServer.serve",
    )
    assert denied(found) == both(*ALL, "remove")


def test_a_query_of_a_fleet_gets_its_tables_alone(where: Place, port: int) -> None:
    pytest.importorskip("duckdb")
    (where.folder / "fleet").mkdir()
    (where.folder / "fleet/fleet.json").write_text("{}")
    found = run(
        where,
        "fleet",
        "query",
        "fleet",
        "SELECT 1",
        "--sandbox",
        tries=tries(where, port) | {"a table": "open('fleet/fleet.json').read()"},
        at="layerscope.fleet.database:read_head",
    )
    assert denied(found) == both(*ALL, "remove")


def test_a_scan_of_a_fleet_writes_its_folder_alone(where: Place, port: int) -> None:
    pytest.importorskip("distributed")
    shutil.copy(where.folder / "app.tar", where.folder / "other.tar")
    found = run(
        where,
        "fleet",
        "scan",
        ".",
        "--out",
        "fleet",
        "--sandbox",
        tries=tries(where, port)
        | {"Python": "subprocess.run([sys.executable, '-c', ''], check=True)"},
        at="layerscope.fleet.scan:scan",
        env={"HOME": str(where.temporary)},
    )
    assert denied(found) == both(
        "write", "create", "link", "make a folder", "remove", "run", "signal"
    )
