"""A forked process does what a Python of its own does."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import environment
from tests.processes import client

PROGRAMS = {
    "output": "print('out'); import sys; print('é\\udcff', file=sys.stderr); print('\\udce9')",
    "exit code": "import sys; sys.exit(7)",
    "exit with text": "import sys; sys.exit('no')",
    "kill": "import os; os.kill(os.getpid(), 9)",
    "environment": "import os; print(sorted(os.environ), os.getcwd())",
    "arguments": "import sys; print(sys.argv)",
    "terminal": "import sys; print([each.isatty() for each in (sys.stdin, sys.stdout, sys.stderr)])",
    "streams": "import sys; print([(s.encoding, s.errors) for s in (sys.stdin, sys.stdout, sys.stderr)])",
    "descriptors": "import os; print(sorted(int(n) for n in os.listdir('/proc/self/fd'))[:-1])",
    "signals": "import signal; print([str(signal.getsignal(n)) for n in (2, 13, 15, 17)])",
}


def ran(monkeypatch: pytest.MonkeyPatch, whole: bool, folder: Path, **options: Any) -> Any:
    monkeypatch.setattr(client, "WHOLE", whole)
    done = client.run("a", "b", cwd=folder, env=environment(NAME="x"), **options)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_ends_the_same_either_way(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"program": PROGRAMS[name], "stdin": subprocess.DEVNULL, "capture_output": True}
    forked = ran(monkeypatch, False, tmp_path, **options)
    assert forked == ran(monkeypatch, True, tmp_path, **options)


def test_an_exception_is_a_traceback_with_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = ran(monkeypatch, False, tmp_path, program="1 / 0", capture_output=True)
    assert code == 1
    assert b"ZeroDivisionError" in err


def test_a_process_that_takes_too_long_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "import time; time.sleep(60)"
    with pytest.raises(subprocess.TimeoutExpired):
        ran(monkeypatch, False, tmp_path, program=program, capture_output=True, timeout=0.1)
