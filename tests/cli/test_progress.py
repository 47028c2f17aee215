from __future__ import annotations

import io
import os
import pty
import subprocess
from pathlib import Path

import pytest

from layerscope.cli.progress import ProgressBar
from layerscope.progress import Progress
from tests.cli.conftest import Run, command, environment


def drawn(bar_width: str, *steps: Progress, patience: float = 0.0) -> str:
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", bar_width)
        patch.setattr("layerscope.cli.progress.PAUSE", 0)
        with ProgressBar(out, patience=patience) as bar:
            for step in steps:
                bar(step)
    return out.getvalue()


def test_progress_shows_bytes_and_rate_and_clears_its_line() -> None:
    text = drawn("80", Progress("read", 0, 2000), Progress("read", 500_000, 2_000_000))
    assert "reading  500.0 kB of 2.0 MB" in text
    assert "/s" in text
    assert text.endswith("\r\x1b[K")


def test_a_scan_counts_images_and_layers() -> None:
    assert "listing  image 3" in drawn("80", Progress("list", 0, None, 3, None))
    assert "image 3 of 1,200" in drawn("80", Progress("manifests", 0, None, 3, 1200))
    text = drawn("80", Progress("layers", 500, 2000, 4, 9))
    assert "reading  layer 4 of 9  500 B of 2.0 kB" in text


def test_progress_fits_on_one_line() -> None:
    for columns in ("20", "40", "80"):
        text = drawn(columns, Progress("export", 5, None), Progress("read", 7, 9, 3, 12))
        assert max(map(len, text.replace("\x1b[K", "").split("\r"))) < int(columns)


def test_a_quick_run_shows_no_bar() -> None:
    assert drawn("80", Progress("read", 1, 2), patience=60) == ""


def test_waiting_for_a_silent_engine_is_shown_at_once() -> None:
    text = drawn("80", Progress("export", 0, None), Progress("export", 5, None), patience=60)
    assert text.split("\x1b[K")[1].rstrip("\r") == "exporting"


def test_progress_stops_if_its_stream_breaks() -> None:
    out = io.StringIO()
    bar = ProgressBar(out, patience=0)
    out.close()
    with bar:
        bar(Progress("read", 1, 2))


def run_on_terminal(folder: Path, *arguments: str, **env: str) -> tuple[bytes, bytes]:
    """Standard output, and what a terminal behind standard error shows, for a tarball that arrives slowly."""
    reader, terminal = pty.openpty()
    process = subprocess.Popen(
        command("report", "-", "--json", *arguments),
        cwd=folder,
        env=environment(**{"TERM": "xterm", "COLUMNS": "80"} | env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=terminal,
    )
    os.close(terminal)
    data = (folder / "app.tar").read_bytes()
    assert process.stdin is not None
    assert process.stdout is not None
    with process, os.fdopen(reader, "rb", buffering=0) as narration:
        process.stdin.write(data[:1_000_000])
        process.stdin.flush()
        try:
            process.wait(1.5)
        except subprocess.TimeoutExpired:
            process.stdin.write(data[1_000_000:])
            process.stdin.close()
        out = process.stdout.read()
        assert process.wait(60) == 0
        told = b""
        try:
            while piece := narration.read(4096):
                told += piece
        except OSError:  # the terminal's other end is closed
            pass
    return out, told


def test_a_terminal_sees_the_bar_and_a_pipe_does_not(run: Run, folder: Path) -> None:
    out, told = run_on_terminal(folder)
    assert out.startswith(b"{")
    assert b"receiving" in told
    assert told.endswith(b"\r\x1b[K")
    assert run("report", "app.tar").stderr == ""


@pytest.mark.parametrize(("arguments", "env"), [(["--quiet"], {}), ([], {"TERM": "dumb"})])
@pytest.mark.slow
def test_quiet_and_dumb_terminals_show_no_progress(
    folder: Path, arguments: list[str], env: dict[str, str]
) -> None:
    assert run_on_terminal(folder, *arguments, **env)[1] == b""
