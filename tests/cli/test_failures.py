"""Every failure is one line on standard error and an exit code."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from layerscope.limits import GIB
from tests.cli.conftest import Run, command, environment
from tests.processes.unmeasured import unmeasured


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.stderr.startswith("layerscope: error: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ("report", 2, "missing argument 'IMAGE'; see `layerscope report --help`"),
        ("reprot app.tar", 2, "no command 'reprot'; did you mean report?"),
        ("report app.tar --jsn", 2, "no such option '--jsn'; did you mean --json?"),
        ("app.tar --qqqqq", 2, "no such option '--qqqqq'; see `layerscope --help`"),
        ("report app.tar more", 2, "unexpected extra argument"),
        ("report app.tar --top many", 2, "invalid value for '--top'"),
        ("report app.tar --json --format text", 2, "two formats"),
        ("report app.tar --format xml", 2, "invalid value for '--format'"),
        ("report app.tar -o jsn=x", 2, "unknown format 'jsn'"),
        ("report app.tar -o json=a -o text=./a", 2, "two formats would go to ./a"),
        ("report app.tar -o json=- -o text=-", 2, "two formats would go to standard output"),
        ("report app.tar -o .", 2, ". is a folder"),
        ("report app.tar -o no/such/r.json", 2, "no/such is not a folder"),
        ("report app.tar -o link", 2, "link is a symlink"),
        ("report app.tar -o fifo", 2, "fifo is a fifo"),
        ("report app.tar -o /dev/null", 2, "/dev/null is a device"),
        ("report app.tar --limit nonsense=1", 2, "does not name a limit"),
        ("report app.tar --limit zstd_window_log=40", 2, "zstd has no window of 2^40 bytes"),
        ("report app.tar --limit layers=many", 2, "--limit layers: 'many' is not a size"),
        ("report app.tar --platform linux", 2, "'linux' is not a platform"),
        ("report app.tar --max-size 12QB", 2, "--max-size: '12QB' is not a size"),
        ("check app.tar", 2, "there is no rule to check"),
        ("check app.tar --config no.toml", 2, "no.toml does not exist"),
        ("check app.tar --config broken.toml", 2, "broken.toml: unknown key budget.max_sise"),
        ("schema nothing", 2, "invalid value"),
        ("export docker:x", 2, "missing option '-o'"),
        ("report ./no.tar", 3, "no.tar"),
        ("report docker:no/such:image", 3, "Docker"),
        ("report broken.tar", 4, "broken.tar"),
        ("report app.tar --limit members=3", 4, ""),
    ],
)
def test_errors_are_one_line(run: Run, folder: Path, arguments: str, code: int, words: str) -> None:
    (folder / "broken.toml").write_text("[budget]\nmax_sise = 1")
    (folder / "broken.tar").write_bytes((folder / "app.tar").read_bytes()[:5_000_000])
    os.symlink("app.tar", folder / "link")
    os.mkfifo(folder / "fifo")
    done = run(*shlex.split(arguments), env={"DOCKER_HOST": "unix:///nonexistent/docker.sock"})
    assert done.returncode == code, done.stderr
    assert words in one_line(done)
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        ("report broken.tar", "the archive is damaged or cut short; save it again"),
        ("report text.tar", "use an image written by `docker save` or `skopeo copy`"),
        ("report app.tar --limit members=3", "--limit"),
        ("report app-oci.tar --limit layers=1", "raise --limit layers=N if you trust the image"),
    ],
)
def test_errors_say_what_to_do(run: Run, folder: Path, arguments: str, remedy: str) -> None:
    (folder / "broken.tar").write_bytes((folder / "app.tar").read_bytes()[:5_000_000])
    (folder / "text.tar").write_text("no tar" * 1000)
    assert remedy in one_line(run(*shlex.split(arguments))).partition("; ")[2]


def test_an_error_shows_a_hostile_name_as_text(run: Run) -> None:
    done = run("report", "./\x1b[31m\n::error::\u202e.tar")
    assert done.returncode == 3
    assert "\x1b" not in one_line(done)
    assert "\u202e" not in done.stderr


def test_a_name_that_is_not_utf_8_is_escaped(run: Run) -> None:
    done = run("report", os.fsdecode(b"./no\xff.tar"))
    assert done.returncode == 3
    one_line(done)


def test_no_arguments_is_a_usage_error_with_the_help(run: Run) -> None:
    done = run()
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: layerscope" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["report", "-h"], ["check", "--help"], ["app.tar", "--help"], ["schema"]],
)
def test_help_and_schema_go_to_standard_output(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 200


def test_with_force_a_link_is_written_through(run: Run, folder: Path) -> None:
    (folder / "real.json").write_text("old")
    os.symlink("real.json", folder / "link")
    assert run("report", "app.tar", "-o", "json=link", "--force").returncode == 0
    assert (folder / "link").is_symlink()
    assert (folder / "real.json").read_text().startswith("{")


@pytest.mark.parametrize(
    "arguments",
    [["report", "app.tar"], ["report", "app.tar", "--json", "--files"], ["--version"], ["schema"]],
)
def test_a_full_disk_behind_standard_output_is_an_error(run: Run, arguments: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = run(*arguments, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert "No space left on device" in one_line(done)


def test_a_full_disk_behind_a_file_is_an_error(run: Run) -> None:
    done = run("report", "app.tar", "-o", "json=/dev/full", "--force")
    assert done.returncode == 2
    assert "/dev/full cannot be written: No space left on device" in one_line(done)


def test_a_closed_standard_output_is_an_error(folder: Path) -> None:
    call = shlex.join(command("report", "app.tar", "--json"))
    done = subprocess.run(
        ["sh", "-c", f"{call} >&-"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "standard output is closed" in one_line(done)


def test_closed_standard_error_changes_nothing(folder: Path) -> None:
    call = shlex.join(command("report", "app.tar", "--json"))
    done = subprocess.run(
        ["sh", "-c", f"{call} 2>&-"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.startswith("{")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no /dev/full")
@pytest.mark.parametrize("closed", [False, True])
def test_a_full_standard_error_changes_nothing(folder: Path, closed: bool) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command("extract", "app.tar", "/app", "-o", "out"),
            cwd=folder,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=full,
            preexec_fn=(lambda: os.close(1)) if closed else None,
            check=False,
        )
    assert done.returncode == 0
    assert list((folder / "out").rglob("*"))


@pytest.mark.parametrize(
    "arguments",
    [["report", "app.tar"], ["report", "app.tar", "--json", "--files"], ["--help"], ["schema"]],
)
def test_a_reader_that_stops_early_is_not_an_error(folder: Path, arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        command(*arguments),
        cwd=folder,
        env=environment(),
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_it_quietly_and_leaves_nothing_behind(
    folder: Path, number: signal.Signals, code: int
) -> None:
    temporary = folder / "temporary"
    temporary.mkdir()
    process = subprocess.Popen(
        command("report", "-", "-o", "r.json"),
        cwd=folder,
        env=unmeasured(environment(TMPDIR=str(temporary))),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        process.stdin.write((folder / "app.tar").read_bytes()[:3_000_000])
        process.stdin.flush()
        wait_for_reading(process.pid)
        process.send_signal(number)
        assert process.wait(30) == code
        assert process.stdout.read() == process.stderr.read() == b""
    assert os.listdir(temporary) == []
    assert not (folder / "r.json").exists()


def wait_for_reading(pid: int) -> None:
    """Wait until the process has read everything that was sent and waits for more."""
    for _ in range(600):
        if Path(f"/proc/{pid}/wchan").read_text() in ("pipe_read", "anon_pipe_read"):
            return
        waiting = Path(f"/proc/{pid}/syscall")
        try:
            if waiting.read_text().startswith("0 0x0 "):
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError("the process never waited for more")


@pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")
def test_a_system_that_starts_no_thread_is_a_one_line_error(folder: Path) -> None:
    """A thread's stack, as large as the limit says, does not fit into the address space."""
    import resource

    def restrict() -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_STACK)
        resource.setrlimit(resource.RLIMIT_STACK, (8 * GIB, hard))
        resource.setrlimit(resource.RLIMIT_AS, (4 * GIB, 4 * GIB))

    done = subprocess.run(
        command("report", "app-oci.tar"),
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=restrict,
    )
    assert done.returncode == 3
    assert "does not let another thread start; raise `ulimit -u`" in one_line(done)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize(
    "arguments",
    ["--help", "report --help", "--version", "schema", "completion bash", "report app.tar"],
)
def test_a_full_disk_behind_any_output_is_one_line(arguments: str, run: Run) -> None:
    with open("/dev/full", "w") as full:
        done = run(*arguments.split(), stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert done.returncode == 2
    assert "standard output cannot be written: No space left on device" in one_line(done)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("report ../app.tar -o x.json", 2),
        ("report x.tar", 3),
        ("extract ../app.tar / -o out", 2),
        ("check ../app.tar --init", 2),
        ("compare ../app.tar ../app-oci.tar -o x.html", 2),
    ],
)
def test_a_deleted_working_folder_is_a_one_line_error(
    arguments: str, code: int, folder: Path
) -> None:
    """Nothing can be created or found there, but a path that leads up still works."""
    gone = folder / "gone"
    gone.mkdir()
    script = f"rmdir {gone}; exec {shlex.join(command(*arguments.split()))}"
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        cwd=gone,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    one_line(done)
