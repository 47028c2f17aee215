"""A COPY takes over from a chown only if the image ends up the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from layerscope.analysis.advice.advise import advise
from layerscope.analysis.advice.edits import AddOption, DropInstruction, Edit, ReplaceInstruction
from layerscope.options import AdviceOptions
from tests.analysis.images import analysed
from tests.builder import Directory, File, ImageBuilder
from tests.builder.dialects import buildkit

A, B = bytes(900), bytes(800)
CHOWN = "RUN chown -R app:app /app"


def edits(*steps: tuple[str, dict[str, Any]]) -> tuple[Edit, ...]:
    """The edits of the advice about COPY in an image of these steps."""
    builder = ImageBuilder("app:1")
    for text, members in steps:
        keyword, _, rest = text.partition(" ")
        made = buildkit.run(rest) if keyword == "RUN" else {"created_by": f"{text} # buildkit"}
        builder.layer(members, **made)
    analysis = replace(analysed(builder.build()), advising=AdviceOptions(min_saving=1))
    found = [each for each in advise(analysis) if each.rule == "copy-chown"]
    assert found
    return found[0].edits


def tree(uid: int = 0, mode: int = 0o644, **files: bytes) -> dict[str, Any]:
    return {
        "app": Directory(uid=uid, gid=uid),
        **{f"app/{name}": File(data, mode, uid=uid, gid=uid) for name, data in files.items()},
    }


def test_a_chown_of_all_copied_files_is_not_needed() -> None:
    steps = (("COPY . /app", tree(a=A, b=B)), (CHOWN, tree(7, a=A, b=B)))
    assert edits(*steps) == (AddOption(0, "--chown=app:app"), DropInstruction(1))


def test_a_directory_that_was_there_before_still_gets_its_owner() -> None:
    steps = (
        ("WORKDIR /app", {"app": Directory()}),
        ("COPY . /app", tree(a=A)),
        (CHOWN, tree(7, a=A)),
    )
    assert edits(*steps) == (
        AddOption(1, "--chown=app:app"),
        ReplaceInstruction(2, "RUN chown app:app /app"),
    )


def test_all_copies_that_a_chown_changes_get_the_option() -> None:
    steps = (
        ("COPY a /app/", tree(a=A)),
        ("COPY b /app/", {"app/b": B}),
        (CHOWN, tree(7, a=A, b=B)),
    )
    assert edits(*steps) == (
        AddOption(0, "--chown=app:app"),
        AddOption(1, "--chown=app:app"),
        DropInstruction(2),
    )


@pytest.mark.parametrize(
    ("value", "option"),
    [
        ("app", "--chown=app:0"),
        (":app", "--chown=0:app"),
        ("7:8", "--chown=7:8"),
        ("app:", None),
        ("app.app", None),
    ],
)
def test_the_group_stays_what_it_was_if_the_command_names_none(
    value: str, option: str | None
) -> None:
    found = edits(("COPY . /app", tree(a=A)), (f"RUN chown -R {value} /app", tree(7, a=A)))
    assert found == (() if option is None else (AddOption(0, option), DropInstruction(1)))


def test_a_mode_is_set_only_if_every_file_gets_the_same() -> None:
    copied, changed = tree(a=A, b=B), tree(mode=0o600, a=A, b=B)
    assert edits(("COPY . /app", copied), ("RUN chmod 600 /app/a /app/b", changed)) == ()
    changed = tree(mode=0o755, a=A, b=B)
    assert edits(("COPY . /app", copied), ("RUN chmod -R 755 /app", changed)) == (
        AddOption(0, "--chmod=755"),
        DropInstruction(1),
    )
    assert edits(("COPY . /app", copied), ("RUN chmod -R a+rx /app", changed)) == (
        AddOption(0, "--chmod=755"),
        DropInstruction(1),
    )
    changed["app/b"] = File(B, 0o644)
    assert edits(("COPY . /app", copied), ("RUN chmod -R a+rX /app", changed)) == ()


@pytest.mark.parametrize(
    "changed",
    [
        {"app/a": File(A, uid=7, gid=7)},
        {**tree(7, a=A), "etc/passwd": b"changed"},
        {**tree(7, a=A), "etc/link": File(b"", uid=7)},
    ],
    ids=["only some of the files", "another file too", "an empty file too"],
)
def test_a_chown_stays_if_dropping_it_would_change_more(changed: dict[str, Any]) -> None:
    base = ("ADD root.tar /", {"etc/passwd": b"passwd", "etc/link": b""})
    assert edits(base, ("COPY . /app", tree(a=A, b=B)), (CHOWN, changed)) == ()


def test_a_chown_stays_if_its_user_is_created_after_the_copy() -> None:
    steps = (
        ("COPY . /app", tree(a=A)),
        ("RUN useradd app", {"etc/passwd": b"app"}),
        (CHOWN, tree(7, a=A)),
    )
    assert edits(*steps) == ()
