"""The last resorts of `main`, for failures that should never happen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import layerscope
from layerscope.cli.main import main

INTERRUPTED_CLICK = """
import signal
import sys

class Named:
    def __set_name__(self, *_):
        signal.raise_signal(signal.SIGINT)

class Finder:
    def find_spec(self, name, *_):
        if name == "click":
            type("Made", (), {"name": Named()})

sys.meta_path.insert(0, Finder())
"""
"""Ctrl+C comes while a class is made in the first module that is imported."""


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Restores the handlers of the test run after `main` sets its own."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    hook = sys.unraisablehook
    yield
    sys.unraisablehook = hook
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (MemoryError(), 3, "out of memory"),
        (RecursionError(), 4, "nested too deep"),
        (OSError(24, "Too many open files", "x\x1b.tar"), 3, "Too many open files: x\\x1b.tar"),
        (ZeroDivisionError("division by zero"), 70, "a bug: ZeroDivisionError: division by zero"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_any_exception_is_at_most_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    words: str,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.delenv("LAYERSCOPE_DEBUG", raising=False)
    monkeypatch.setattr(layerscope, "read", fail)
    assert main(["report", "app.tar"]) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert words in told.err
    assert told.err.count("\n") == bool(words)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_during_the_report_of_an_error_gives_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setattr("layerscope.cli.main.tell", lambda _: signal.raise_signal(number))
    assert main(["report", "missing.tar"]) == 128 + number


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_a_class_is_made_gives_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    class Named:
        def __set_name__(self, *_: object) -> None:
            signal.raise_signal(number)

    monkeypatch.setattr(layerscope, "read", lambda *_, **__: type("Made", (), {"name": Named()}))
    assert main(["report", "app.tar"]) == 128 + number
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_a_callback_that_drops_exceptions_gives_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    class Dropped:
        def __del__(self) -> None:
            signal.raise_signal(number)

    def read(*_: object, **__: object) -> None:
        Dropped()
        time.sleep(30)

    monkeypatch.setattr(layerscope, "read", read)
    assert main(["report", "app.tar"]) == 128 + number
    assert capsys.readouterr().err == ""


def test_an_interrupt_during_the_first_imports_gives_its_exit_code(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTED_CLICK)
    done = subprocess.run(
        [sys.executable, "-m", "layerscope", "schema"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.getcwd()])},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_after_the_end_of_a_run_changes_nothing(
    capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    assert main(["schema"]) == 0
    signal.raise_signal(number)
    assert capsys.readouterr().err == ""


def test_a_bug_shows_its_traceback_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAYERSCOPE_DEBUG", "1")
    monkeypatch.setattr(layerscope, "read", lambda *_, **__: 1 / 0)
    assert main(["report", "app.tar"]) == 70
    assert "Traceback" in capsys.readouterr().err
