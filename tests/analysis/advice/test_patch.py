"""Patches keep what they don't change to the byte, and apply with the tools that people use."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerscope.analysis.advice.edits import (
    AddFlag,
    AddOption,
    AppendCommand,
    DropInstruction,
    Edit,
    ReplaceInstruction,
)
from layerscope.analysis.advice.patch.diff import unified
from layerscope.analysis.advice.patch.editor import Editor, NotMechanicalError
from layerscope.image.dockerfile import parse_dockerfile
from tests.builder.tools import require, run

APT = AddFlag(0, "apt(?:-get)?", "install", "--no-install-recommends")
PIP = AddFlag(0, r"\S*pip[0-9.]*", "install", "--no-cache-dir")


def edited(text: str, *edits: Edit, step: int = 0) -> str:
    """The text after edits to its instruction with this number."""
    editor = Editor(text)
    place = parse_dockerfile(text)[step]
    found = editor.step_at(place.start_line, place.end_line)
    assert found is not None
    for edit in edits:
        editor.apply(found, edit)
    return editor.text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("RUN make\n", "RUN make \\\n    && rm -r /b\n"),
        ("RUN make", "RUN make \\\n    && rm -r /b"),
        ("RUN make;\n", "RUN make; \\\n    rm -r /b\n"),
        ("RUN a && \\\n  # why\n\n  b\n", "RUN a && \\\n  # why\n\n  b \\\n  && rm -r /b\n"),
        ("run a \\\r\n\tb\r\n", "run a \\\r\n\tb \\\r\n\t&& rm -r /b\r\n"),
        ("RUN --network=none a\n", "RUN --network=none a \\\n    && rm -r /b\n"),
        ("RUN <<EOF\nmake\nEOF\n", "RUN <<EOF\nmake\nrm -r /b\nEOF\n"),
        ("RUN <<-'E'\n\tmake\n\tE\n", "RUN <<-'E'\n\tmake\nrm -r /b\n\tE\n"),
        ("RUN if a; then b; fi\n", "RUN if a; then b; fi \\\n    && rm -r /b\n"),
        ("RUN echo '#' \"a # b\"\n", "RUN echo '#' \"a # b\" \\\n    && rm -r /b\n"),
    ],
)
def test_a_command_goes_to_the_end_of_a_run(before: str, after: str) -> None:
    assert edited(before, AppendCommand(0, "rm -r /b")) == after


@pytest.mark.parametrize(
    "text",
    [
        'RUN ["make"]\n',
        "RUN make # quickly\n",
        "RUN make &\n",
        "RUN make ||\n",
        "RUN echo 'open\n",
        "RUN make; exit 0\n",
        "RUN exec make\n",
        "RUN python3 <<EOF\nprint()\nEOF\n",
        "RUN cat <<EOF > /x && make\nx\nEOF\n",
        "RUN <<EOF\n#!/usr/bin/python3\nprint()\nEOF\n",
        "RUN make \\\n",
        "COPY a b\n",
        "# escape=`\nRUN make\n",
    ],
)
def test_a_command_is_not_added_where_it_might_not_run(text: str) -> None:
    with pytest.raises(NotMechanicalError):
        edited(text, AppendCommand(0, "rm -r /b"))


def test_a_command_is_not_added_for_a_shell_that_may_not_know_it() -> None:
    text = 'FROM x\nSHELL ["powershell", "-c"]\nRUN make\n'
    with pytest.raises(NotMechanicalError):
        edited(text, AppendCommand(0, "rm -r /b"), step=2)


@pytest.mark.parametrize(
    ("before", "edit", "after"),
    [
        ("RUN apt-get install -y a", APT, "RUN apt-get install --no-install-recommends -y a"),
        (
            "RUN apt-get update && apt-get -y \\\n  install a && apt install b\n",
            APT,
            (
                "RUN apt-get update && apt-get -y \\\n  install --no-install-recommends a"
                " && apt install --no-install-recommends b\n"
            ),
        ),
        (
            "RUN a \\\n  # apt-get install b\n  && apt-get install c\n",
            APT,
            "RUN a \\\n  # apt-get install b\n  && apt-get install --no-install-recommends c\n",
        ),
        (
            "RUN apt-get install --no-install-recommends a && apt-get install b\n",
            APT,
            (
                "RUN apt-get install --no-install-recommends a"
                " && apt-get install --no-install-recommends b\n"
            ),
        ),
        (
            "RUN <<EOF\nset -e\npip3 install x\nEOF\n",
            PIP,
            "RUN <<EOF\nset -e\npip3 install --no-cache-dir x\nEOF\n",
        ),
        ("RUN /v/bin/pip install x\n", PIP, "RUN /v/bin/pip install --no-cache-dir x\n"),
        ("RUN python -m pip install x\n", PIP, "RUN python -m pip install --no-cache-dir x\n"),
    ],
)
def test_a_flag_goes_to_every_command_that_lacks_it(before: str, edit: AddFlag, after: str) -> None:
    assert edited(before, edit) == after


@pytest.mark.parametrize(
    "text",
    [
        "RUN apt-get update\n",
        "RUN my-apt-get install x\n",
        "RUN apt-get install --no-install-recommends a\n",
        "RUN apt-get update; ./install.sh\n",
        'RUN ["apt-get", "install", "a"]\n',
    ],
)
def test_no_flag_is_added_without_the_command(text: str) -> None:
    with pytest.raises(NotMechanicalError):
        edited(text, APT)


def test_copy_gets_an_option_once() -> None:
    option = AddOption(0, "--chown=1:1")
    assert edited("  copy a \\\n  b\n", option, option) == "  copy --chown=1:1 a \\\n  b\n"
    with pytest.raises(NotMechanicalError):
        edited("COPY --chown=2 a b\n", option)


def test_an_instruction_can_be_dropped_or_replaced() -> None:
    text = "FROM x\n# why\nRUN a \\\n  b\n\nCMD c\n"
    assert edited(text, DropInstruction(0), step=1) == "FROM x\n# why\n\nCMD c\n"
    assert edited(text, ReplaceInstruction(0, "RUN d"), step=1) == "FROM x\n# why\nRUN d\n\nCMD c\n"


def test_a_dropped_instruction_takes_no_edit_and_an_edited_one_stays() -> None:
    for edits in (
        (DropInstruction(0), AppendCommand(0, "rm /b")),
        (AppendCommand(0, "rm /b"), DropInstruction(0)),
    ):
        with pytest.raises(NotMechanicalError):
            edited("RUN a\n", *edits)


@pytest.mark.random
@given(
    st.lists(st.sampled_from(["a\n", "b\n", "c\r\n", "d \x0c e\n", "\u2028\n"]), max_size=30),
    st.lists(st.sampled_from(["a\n", "b\n", "c\r\n", "d \x0c e\n", "x\n"]), max_size=30),
    st.sampled_from(["", "end", "é"]),
    st.sampled_from(["", "end", "other"]),
)
def test_a_diff_applies_with_patch_and_git(
    old: list[str], new: list[str], tail: str, other: str
) -> None:
    import tempfile

    require("patch")
    before, after = "".join(old) + tail, "".join(new) + other
    if not before or not after:
        return
    diff = unified(before, after, "Dockerfile")
    for command in (["patch", "-p1", "--quiet", "--binary"], ["git", "apply", "-"]):
        with tempfile.TemporaryDirectory() as name:
            path = Path(name, "Dockerfile")
            path.write_bytes(before.encode())
            if diff:
                subprocess.run(command, input=diff.encode(), cwd=name, check=True)
            assert path.read_bytes() == after.encode()


def test_a_diff_makes_a_new_file_and_quotes_no_name(tmp_path: Path) -> None:
    (tmp_path / "p.diff").write_text(unified(None, ".git\n", "with space/.dockerignore"))
    (tmp_path / "with space").mkdir()
    run("git", "-C", tmp_path, "apply", tmp_path / "p.diff")
    assert (tmp_path / "with space/.dockerignore").read_text() == ".git\n"


def test_nothing_changed_is_no_diff() -> None:
    assert unified("a\n", "a\n", "Dockerfile") == ""
