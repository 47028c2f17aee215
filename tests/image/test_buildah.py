"""Layers matched to the histories of buildah, old and new, with and without layers, squashed or committed."""

from __future__ import annotations

import pytest

from layerscope.image.attribution import attribute, named_base
from layerscope.image.blame import blame
from layerscope.image.history import HistoryEntry
from layerscope.image.image import Base
from layerscope.limits import DEFAULT_LIMITS
from layerscope.notes import Notes

CONTENT = "3161a924fcca6b0794eaa347ed23619757efc35264e04976b0a9babad58588b7"
NOP = "/bin/sh -c #(nop) "
OWN = "buildkit.dockerfile.v0"


def entry(created_by: str = "", comment: str = "") -> HistoryEntry:
    return HistoryEntry(created_by=created_by, comment=comment)


def empty(created_by: str = "", comment: str = "") -> HistoryEntry:
    return HistoryEntry(created_by=created_by, comment=comment, empty_layer=True)


def test_buildah_without_layers_blames_no_metadata_step_for_the_whole_build() -> None:
    history = [
        empty(f"{NOP}ARG TOKEN"),
        empty(f"{NOP}COPY dir:{CONTENT} in / "),
        empty("|4 TOKEN=a b c=d Z=1 /bin/sh -c echo   hi"),
        empty(f"{NOP}EXPOSE 80"),
        entry(f'{NOP}CMD ["sh","-c"]'),
    ]
    instructions, notes = attribute(history, 1)
    assert (instructions[4].keyword, instructions[4].layers) == ("CMD", ())
    assert (instructions[5].layers, instructions[5].range) == ((0,), (0, 4))
    assert instructions[5].text == "instructions 0 to 4, in one layer"
    assert [(n.code, n.layer) for n in notes] == [("history-squashed", 0)]


def test_buildah_without_layers_that_ends_in_a_run_covers_the_build() -> None:
    history = [
        empty(f"{NOP}COPY dir:{CONTENT} in / "),
        empty(f"{NOP}ENV A=1"),
        entry("/bin/sh -c make"),
    ]
    instructions, _ = attribute(history, 1)
    assert instructions[2].layers == ()
    assert (instructions[3].layers, instructions[3].range) == ((0,), (0, 2))


BUILDAH_BASE = [
    entry(f"{NOP}COPY file:{CONTENT} in /bin/sh "),
    empty(f'{NOP}CMD ["/bin/sh"]', "FROM c078dbe37fdf"),
]


def test_buildah_names_the_image_below_its_only_layer() -> None:
    history = [
        *BUILDAH_BASE,
        empty(f"{NOP}ENV A=1"),
        empty("/bin/sh -c make"),
        entry('/bin/sh -c #(nop) CMD ["x"]', "FROM localhost/base:latest"),
    ]
    instructions, notes = attribute(history, 2)
    assert [each.layers for each in instructions] == [(0,), (), (), (), (), (1,)]
    assert instructions[5].range == (2, 4)
    assert named_base(instructions) == Base(
        layers=1, name="localhost/base:latest", evidence="history"
    )
    assert [(n.code, n.layer) for n in notes] == [("history-squashed", 1)]


def test_buildah_with_only_runs_is_one_range_too() -> None:
    history = [
        *BUILDAH_BASE,
        empty("/bin/sh -c one"),
        entry("/bin/sh -c two", "FROM localhost/base:latest"),
    ]
    assert attribute(history, 2)[0][-1].range == (2, 3)


def test_buildah_with_layers_has_no_range_and_the_same_base() -> None:
    history = [
        *BUILDAH_BASE,
        empty(f"{NOP}ENV A=1", "FROM localhost/base:latest"),
        entry("/bin/sh -c one", "FROM 8a9aa63bcb50"),
        empty(f"{NOP}WORKDIR /wd", "FROM 95982f176b76"),
        entry("/bin/sh -c two", "FROM e463ebb4f9b9"),
    ]
    instructions, notes = attribute(history, 3)
    assert notes == ()
    assert [each.layers for each in instructions] == [(0,), (), (), (1,), (), (2,)]
    base = named_base(instructions)
    assert base is not None
    assert (base.layers, base.name) == (1, "localhost/base:latest")


def test_a_buildah_squash_covers_its_base_image_too() -> None:
    history = [
        empty("/bin/sh -c make"),
        entry('/bin/sh -c #(nop) CMD ["x"]', "FROM localhost/base:latest"),
    ]
    instructions, notes = attribute(history, 1)
    assert (
        instructions[2].text == "FROM localhost/base:latest and instructions 0 to 1, in one layer"
    )
    assert named_base(instructions) is None
    assert "its base image localhost/base:latest and instructions 0 to 1" in notes[0].message


def test_a_buildah_squash_of_one_step_covers_its_base_image_too() -> None:
    for step, text in (
        ("/bin/sh -c make", "RUN make"),
        (f'{NOP}CMD ["x"]', 'CMD ["x"]'),
        ("/bin/sh", "container commit (/bin/sh): FROM localhost/base:latest"),
    ):
        instructions, notes = attribute([entry(step, "FROM localhost/base:latest")], 1)
        assert (instructions[0].text, instructions[0].layers) == (text, ())
        assert (instructions[1].layers, instructions[1].range) == ((0,), (0, 0))
        assert instructions[1].text == f"FROM localhost/base:latest and {text}, in one layer"
        assert "its base image localhost/base:latest and instruction 0, and" in notes[0].message


def test_a_container_that_buildah_commits_on_a_base_image_has_its_own_layer() -> None:
    history = [entry("", "Imported from -"), entry("/bin/sh", "FROM localhost/base:latest")]
    instructions, notes = attribute(history, 2)
    assert [each.layers for each in instructions] == [(0,), (1,)]
    assert instructions[1].text == "container commit (/bin/sh): FROM localhost/base:latest"
    assert notes == ()


NEW_BUILDAH = [
    empty(f"{NOP}LABEL a=1", "FROM localhost/base:latest"),
    empty(f'{NOP}CMD ["x"]'),
    empty(f"{NOP}COPY dir:{CONTENT} in / "),
    empty("/bin/sh -c make"),
    entry(f"{NOP}USER 1"),
]
"""A build by buildah 1.39 without layers: the first step names the image below, not the last one."""


def test_a_new_buildah_names_the_image_below_its_first_step() -> None:
    history = [entry("umoci insert"), empty("umoci config"), *NEW_BUILDAH]
    instructions, _ = attribute(history, 2)
    assert (instructions[-1].layers, instructions[-1].range) == ((1,), (2, 6))
    assert named_base(instructions) == Base(
        layers=1, name="localhost/base:latest", evidence="history"
    )


def test_a_squash_by_a_new_buildah_covers_its_base_image_too() -> None:
    instructions, notes = attribute(NEW_BUILDAH, 1)
    text = "FROM localhost/base:latest and instructions 0 to 4, in one layer"
    assert instructions[-1].text == text
    assert named_base(instructions) is None
    assert "its base image localhost/base:latest and instructions 0 to 4" in notes[0].message


def test_a_dockerfile_finds_no_base_image_below_a_squash() -> None:
    text = 'FROM base\nLABEL a=1\nCMD ["x"]\nCOPY d /\nRUN make\nUSER 1\n'
    found = blame(NEW_BUILDAH, [None], (), ("Dockerfile", text), DEFAULT_LIMITS, Notes())
    squashed = found.instructions[-1].location
    assert squashed is not None
    assert (squashed.start_line, squashed.end_line) == (2, 6)
    assert found.base is None


def test_two_runs_of_a_new_buildah_without_layers_are_one_range() -> None:
    history = [
        *BUILDAH_BASE,
        empty("/bin/sh -c one", "FROM localhost/base:latest"),
        entry("/bin/sh -c two"),
    ]
    assert attribute(history, 2)[0][-1].range == (2, 3)


def test_a_new_buildah_with_layers_has_no_range() -> None:
    history = [
        *BUILDAH_BASE,
        empty(f"{NOP}LABEL a=1", "FROM localhost/base:latest"),
        entry("/bin/sh -c one"),
        empty(f"{NOP}USER 1"),
        entry("/bin/sh -c two"),
    ]
    instructions, notes = attribute(history, 3)
    assert (len(instructions), notes) == (6, ())
    assert [each.layers for each in instructions] == [(0,), (), (), (1,), (), (2,)]


@pytest.mark.parametrize(
    "last",
    [empty("umoci config"), empty("ENV A=1", OWN), empty(f'{NOP}CMD ["/bin/sh"]')],
)
def test_a_build_of_buildah_begins_after_the_steps_of_another_builder(last: HistoryEntry) -> None:
    history = [
        entry("umoci insert"),
        last,
        empty(f"{NOP}LABEL a=1"),
        empty("/bin/sh -c make"),
        entry(f'{NOP}CMD ["x"]', "FROM localhost/base:latest"),
    ]
    assert attribute(history, 2)[0][-1].range == (2, 4)


def test_a_commit_by_a_tool_covers_the_steps_before_it() -> None:
    history = [
        entry("", "Imported from -"),
        empty("/bin/sh -c one"),
        empty(f"{NOP}COPY dir:{CONTENT}"),
        entry("my tool", "hcFROM localhost/bb:1"),
    ]
    instructions, _ = attribute(history, 2)
    assert (instructions[4].range, instructions[4].layers) == ((1, 3), (1,))
    assert instructions[3].layers == ()


def test_a_step_of_buildkit_on_an_image_by_buildah_leaves_the_base_unknown() -> None:
    history = [*BUILDAH_BASE, entry("/bin/sh -c one", "FROM base:1"), entry("COPY a b", OWN)]
    assert named_base(attribute(history, 3)[0]) is None
