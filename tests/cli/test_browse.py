"""`layerscope IMAGE`: the browser in a real terminal, and the report without one."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Run, command, environment

IMAGE = ROOT / "fixtures" / "my-python-app-buildkit.tar"
WAIT = 20.0


class Terminal:
    """A real terminal in tmux that runs one command."""

    def __init__(self, folder: Path, size: tuple[int, int]) -> None:
        self._folder = folder
        self._socket = str(folder / "tmux")
        self._size = size

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", self._socket, "-f", "/dev/null", *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
            timeout=WAIT,
            env={name: value for name, value in os.environ.items() if name != "TMUX"},
        )
        return done.stdout

    def start(self, *arguments: str, **variables: str) -> None:
        """Run layerscope. When it ends, the file `code` has its exit code."""
        words = [f"{name}={value}" for name, value in environment(**variables).items()]
        script = shlex.join(["env", "-i", *words, "TERM=tmux-256color", *command(*arguments)])
        script += '; echo $? > code; echo "--- back at the shell"; sleep 1000'
        width, height = map(str, self._size)
        self._tmux(
            "-u",
            "new-session",
            "-d",
            "-x",
            width,
            "-y",
            height,
            "-c",
            str(self._folder),
            "sh",
            "-c",
            script,
        )

    def press(self, *keys: str) -> None:
        self._tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)

    @property
    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    def wait(self, *words: str, gone: str | None = None) -> str:
        """The screen once it shows all the words. Fails if it never does."""
        end = time.monotonic() + WAIT
        while True:
            screen = self.screen
            if all(word in screen for word in words) and (gone is None or gone not in screen):
                return screen
            assert time.monotonic() < end, f"{words} never showed:\n{screen}"
            time.sleep(0.05)

    def code(self) -> int:
        """The exit code, once the program has ended and the shell's screen is restored."""
        self.wait("--- back at the shell")
        return int((self._folder / "code").read_text())

    def pid(self) -> int:
        shell = self._tmux("list-panes", "-F", "#{pane_pid}").strip()
        done = subprocess.run(["pgrep", "-P", shell], capture_output=True, text=True, check=True)
        return int(done.stdout.split()[0])

    def close(self) -> None:
        self._tmux("kill-server")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    opened: list[Terminal] = []

    def open_it(width: int = 120, height: int = 36) -> Terminal:
        opened.append(Terminal(tmp_path, (width, height)))
        return opened[-1]

    yield open_it
    for each in opened:
        each.close()


def test_a_whole_session_from_start_to_quit(
    terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    """Visits every pane of a real image, filters, looks inside a file, and extracts one."""
    screen = terminal()
    screen.start(str(IMAGE))
    screen.wait("Why it is big", "What to do first", "wasted 549.4 kB")
    screen.press("f")
    screen.wait("Files after 22", "usr")
    screen.press("C-l")
    screen.wait("Changes of 22", "movies.csv")
    screen.press("w")
    screen.wait("metadata only")
    screen.press("v", "Enter")
    screen.wait("Changes of 17")
    screen.press("BSpace")
    screen.wait("Waste", "metadata only 17")
    screen.press("b")
    screen.wait("written by")
    screen.press("f", "/")
    screen.type("movies.csv")
    screen.wait("1 hit ·")
    screen.press("Enter", "Enter")
    screen.wait("esc Back", "text · 201.6 kB")
    screen.press("Escape")
    screen.wait("Files", gone="esc Back")
    screen.press("e")
    screen.wait("as it is after instruction 22")
    screen.press("Enter")
    screen.wait("Extracted")
    screen.press("q")
    assert screen.code() == 0
    assert (tmp_path / "movies.csv").stat().st_size > 0


def test_the_browser_fits_80x24(terminal: Callable[..., Terminal]) -> None:
    screen = terminal(80, 24)
    screen.start(str(IMAGE))
    screen.wait("Why it is big", "What to do first", gone="Instructions")
    screen.press("f")
    screen.wait("Files after 22", gone="Instructions")
    screen.press("Tab")
    screen.wait("Instructions", "RUN chown")
    screen.press("Enter")
    screen.wait("Files after 22", gone="Instructions")
    screen.press("?")
    screen.wait("Help", "Every file of the view")
    screen.press("Escape", "C-c")
    assert screen.code() == 0


def test_a_missing_image_is_an_error_in_the_browser(terminal: Callable[..., Terminal]) -> None:
    screen = terminal()
    screen.start("docker-archive:nowhere.tar")
    screen.wait("Can't open the image", "nowhere.tar", gone="Traceback")
    screen.press("Enter")
    screen.wait("layerscope: error: no such file: 'nowhere.tar'")
    assert screen.code() == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_restores_the_terminal(
    terminal: Callable[..., Terminal], number: signal.Signals
) -> None:
    screen = terminal()
    screen.start(str(IMAGE))
    screen.wait("Why it is big")
    os.kill(screen.pid(), number)
    assert screen.code() == 128 + number


@pytest.mark.slow
def test_a_signal_ends_the_fleet_too_while_an_image_is_open(
    terminal: Callable[..., Terminal], run: Run
) -> None:
    assert run("fleet", "scan", str(IMAGE), "--out", "fleet").returncode == 0
    screen = terminal()
    screen.start("fleet", "browse", "fleet")
    screen.wait("1 image", IMAGE.name)
    screen.press("Enter")
    screen.wait("Why it is big")
    os.kill(screen.pid(), signal.SIGHUP)
    assert screen.code() == 128 + signal.SIGHUP


def test_keys_from_the_configuration_file_work(
    terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    (tmp_path / "layerscope.toml").write_text(
        'max_size = "1MB"\n[keys]\n"browse.waste" = "comma"\n'
    )
    screen = terminal()
    screen.start(str(IMAGE))
    screen.wait("Why it is big")
    screen.type(",")
    screen.wait("metadata only")
    screen.press("q")
    assert screen.code() == 0


def test_a_broken_configuration_file_is_a_one_line_error(
    terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    (tmp_path / "layerscope.toml").write_text('[browser]\ntheme = "no-such"\n')
    screen = terminal()
    screen.start(str(IMAGE))
    assert screen.code() == 2
    assert "no theme 'no-such'" in screen.screen


def test_a_dumb_terminal_gets_the_report(terminal: Callable[..., Terminal]) -> None:
    screen = terminal(120, 100)
    screen.start(str(IMAGE), "--quiet", "--top", "1")
    assert screen.code() == 0
    assert "wasted by kind" in screen.screen


def test_without_a_terminal_the_report_is_printed(run: Run) -> None:
    assert run("app.tar").stdout == run("report", "app.tar").stdout


def test_invalid_keys_do_not_matter_without_a_terminal(run: Run, folder: Path) -> None:
    """Without a terminal, nobody needs the keys."""
    (folder / "layerscope.toml").write_text("[keys]\nx = 1\n")
    assert run("app.tar").returncode == 0
