"""Whether there is a sandbox, and what happens where there can't be one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run, environment, folder, run
from tests.processes import client as processes
from tests.processes.unmeasured import unmeasured
from tests.sandbox.planted import version

__all__ = ["folder", "run"]

LANDLOCK = pytest.mark.skipif(version() < 4, reason="there is no Landlock that cuts off TCP")
OLDER = """
import sys
import layerscope.sandbox.landlock as landlock
version = int(sys.argv.pop(1))
landlock.abi = lambda: version
from layerscope.__main__ import command
sys.exit(command())
"""
"""A run on an older kernel, as far as the program can tell."""
NO_ENGINES = {"DOCKER_HOST": "tcp://127.0.0.1:1", "CONTAINER_HOST": "tcp://127.0.0.1:1"}
MISSING = """
import sys
sys.modules["landlockpy"] = None
sys.modules.pop("layerscope.sandbox.landlock", None)
from layerscope.__main__ import command
sys.argv.pop(1)
sys.exit(command())
"""
ELSEWHERE = """
import sys, types
import layerscope.cli.confine as confine
confine.sys = types.SimpleNamespace(platform="darwin")
from layerscope.__main__ import command
sys.argv.pop(1)
sys.exit(command())
"""


def played(
    program: str, *words: str, cwd: Path, version: int = 0, **env: str
) -> subprocess.CompletedProcess[bytes]:
    return processes.run(
        str(version),
        *words,
        program=program,
        cwd=cwd,
        env=environment(**env),
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )


CANNOT = [
    pytest.param(OLDER, 0, "the kernel has no Landlock", id="no-landlock"),
    pytest.param(OLDER, 3, "can't cut off the network: it has version 3", id="older-landlock"),
    pytest.param(MISSING, 0, "landlockpy is not installed", id="no-library"),
    pytest.param(ELSEWHERE, 0, "it needs Linux", id="no-linux"),
]


@LANDLOCK
@pytest.mark.parametrize(("program", "version", "says"), CANNOT)
def test_where_there_can_be_no_sandbox_asking_for_it_fails(
    program: str, version: int, says: str, folder: Path
) -> None:
    done = played(program, "report", "app.tar", "--sandbox", cwd=folder, version=version)
    assert (done.returncode, done.stdout) == (2, b"")
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("layerscope: error: --sandbox is not possible: ")
    assert says in line


@LANDLOCK
@pytest.mark.parametrize(("program", "version", "says"), CANNOT)
def test_where_there_can_be_no_sandbox_the_default_goes_on_without(
    program: str, version: int, says: str, folder: Path
) -> None:
    done = played(program, "report", "app.tar", cwd=folder, version=version)
    assert (done.returncode, done.stderr) == (0, b"")


@LANDLOCK
def test_the_environment_can_ask_for_it_too(folder: Path) -> None:
    done = played(OLDER, "report", "app.tar", cwd=folder, LAYERSCOPE_SANDBOX="on")
    assert done.returncode == 2
    done = played(OLDER, "report", "app.tar", "--no-sandbox", cwd=folder, LAYERSCOPE_SANDBOX="on")
    assert done.returncode == 0


def test_an_unknown_value_in_the_environment_is_refused(run: Run) -> None:
    done = run("report", "app.tar", env={"LAYERSCOPE_SANDBOX": "yes"})
    assert done.returncode == 2
    assert done.stderr == (
        "layerscope: error: LAYERSCOPE_SANDBOX is 'yes'; set it to auto, on, or off\n"
    )


@LANDLOCK
@pytest.mark.parametrize(
    ("words", "refused"),
    [
        (("report", "docker:app"), False),
        (("report", "app"), True),  # and maybe in an engine or a registry
        (("serve", "docker:app"), True),  # whose processes for visitors would have to start it
    ],
)
def test_ssh_starts_before_the_sandbox_where_one_image_is_read(
    words: tuple[str, ...], refused: bool, run: Run
) -> None:
    done = run(*words, "--sandbox", env=NO_ENGINES | {"DOCKER_HOST": "ssh://user@127.0.0.1:1"})
    said = "--sandbox is not possible: the engine is reached through ssh" in done.stderr
    assert said == refused, done.stderr
    assert done.returncode == (2 if refused else 3)


@LANDLOCK
@pytest.mark.parametrize(
    ("words", "refused"),
    [
        (("report", "registry:127.0.0.1:1/app"), False),
        (("report", "127.0.0.1:1/app"), True),
        (("report", "docker:app", "--pull"), True),
        (("serve", "registry:127.0.0.1:1/app"), True),
    ],
)
def test_a_credential_helper_starts_before_the_sandbox_where_one_image_is_read(
    words: tuple[str, ...], refused: bool, run: Run, tmp_path: Path
) -> None:
    config = tmp_path / "docker"
    config.mkdir()
    (config / "config.json").write_text('{"credsStore": "none"}')
    done = run(*words, "--sandbox", env=NO_ENGINES | {"DOCKER_CONFIG": str(config)})
    said = "a credential helper may need more rights" in done.stderr
    assert said == refused, done.stderr
    assert done.returncode == (2 if refused else 3)


@LANDLOCK
@pytest.mark.parametrize(
    "words",
    [
        ("report", "app.tar"),
        ("report", "app.tar", "--json", "--files"),
        ("report", "app.tar", "--format", "html"),
        ("report", "app.tar", "--format", "markdown", "--secrets"),
        ("report", "app-oci.tar", "--format", "svg"),
        ("report", "evil.tar", "--format", "csv"),
        ("report", "docker-archive:app.tar", "--verify", "--no-cache"),
        ("compare", "app.tar", "evil.tar", "--json"),
        ("files", "app-oci.tar", "--json"),
        ("packages", "app.tar"),
        ("advise", "app.tar"),
        ("secrets", "app.tar", "--no-fail"),
        ("report", "oci-archive:missing.tar"),
        ("report", "/etc"),
        ("report", "/dev/null"),
    ],
    ids=" ".join,
)
def test_a_run_says_the_same_with_and_without(words: tuple[str, ...], run: Run) -> None:
    confined, free = (run(*words, switch) for switch in ("--sandbox", "--no-sandbox"))
    assert confined.stdout == free.stdout
    assert confined.stderr == free.stderr
    assert confined.returncode == free.returncode


@LANDLOCK
def test_outputs_are_the_same_with_and_without(run: Run, folder: Path) -> None:
    (folder / "sub").mkdir()
    written = []
    for switch in ("--sandbox", "--no-sandbox"):
        outputs = [("json", "a.json"), ("html", "sub/b.html"), ("text", "sub/../c.txt")]
        words = [word for form, path in outputs for word in ("-o", f"{form}={path}")]
        done = run("report", "app.tar", *words, switch)
        assert done.returncode == 0, done.stderr
        written.append([(folder / path).read_bytes() for _, path in outputs])
    assert written[0] == written[1]


@LANDLOCK
@pytest.mark.parametrize("form", ["plain", "gzip"])
def test_an_archive_on_standard_input_is_read(form: str, folder: Path) -> None:
    data = (folder / "app.tar").read_bytes()
    if form == "gzip":
        import gzip

        data = gzip.compress(data)
    (folder / "input").write_bytes(data)
    with subprocess.Popen(["cat", folder / "input"], stdout=subprocess.PIPE) as cat:
        done = processes.run(
            *("report", "-", "--sandbox"),
            cwd=folder,
            env=environment(),
            stdin=cat.stdout,
            capture_output=True,
        )
    assert done.returncode == 0, done.stderr
    assert b"layers" in done.stdout


@LANDLOCK
def test_a_symlink_leads_to_an_archive_anywhere(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    far = tmp_path_factory.mktemp("far") / "image"
    os.rename(folder / "app.tar", far)
    (folder / "link").symlink_to(far)
    environment_ = environment(TMPDIR=str(folder))
    done = processes.run(
        "report", "link", "--sandbox", cwd=folder, env=environment_, capture_output=True
    )
    assert done.returncode == 0, done.stderr


@LANDLOCK
def test_a_device_is_written_in_place(run: Run) -> None:
    done = run("report", "app.tar", "-o", "json=/dev/null", "--force", "--sandbox")
    assert done.returncode == 0, done.stderr


def test_the_library_never_restricts_its_caller(folder: Path) -> None:
    program = (
        "import layerscope, subprocess\n"
        "with layerscope.load('app.tar') as image:\n"
        "    layerscope.analyze(image)\n"
        "from layerscope.cli.main import main\n"
        "assert main(['report', 'app.tar', '-q', '-o', 'out.txt']) == 0\n"
        "subprocess.run(['/bin/true'], check=True)\n"
        "open('/etc/passwd').read()\n"
    )
    env = unmeasured(environment())
    subprocess.run([sys.executable, "-c", program], cwd=folder, env=env, check=True)


@LANDLOCK
def test_a_package_without_bytecode_is_compiled_once(folder: Path, tmp_path: Path) -> None:
    """As uv installs it. What is imported in the sandbox can't be cached."""
    bare = tmp_path / "installed"
    package = Path(processes.ROOT, "layerscope")
    unused = shutil.ignore_patterns("__pycache__", "tui", "fleet")
    shutil.copytree(package, bare / "layerscope", ignore=unused)
    env = unmeasured(environment(PYTHONPATH=str(bare)))
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    times = []
    for _ in range(2):
        subprocess.run(
            [sys.executable, "-P", "-m", "layerscope", "report", "app.tar", "--sandbox"],
            cwd=folder,
            env=env,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        (compiled,) = (bare / "layerscope/layers/__pycache__").glob("tar.*.pyc")
        times.append(compiled.stat().st_mtime_ns)
        assert list((bare / "layerscope/report/document/__pycache__").glob("builder.*.pyc"))
    assert times[0] == times[1]


@LANDLOCK
def test_it_starts_no_other_program(folder: Path) -> None:
    """The library would run `ldconfig` and a compiler to find the C library."""
    program = (
        "import os, sys\n"
        "from layerscope.__main__ import main\n"
        "seen = []\n"
        "sys.addaudithook(lambda name, _: seen.append(name) if name in ('subprocess.Popen', 'os.posix_spawn', 'os.fork', 'os.exec') else None)\n"
        "code = main(own=True)\n"
        "print(code, seen, 'subprocess' in sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "report", "app.tar", "--sandbox", "-q"],
        cwd=folder,
        env=unmeasured(environment()),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == "0 [] False\n"
