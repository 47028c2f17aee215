"""Layers matched to history entries: complete, incomplete, and squashed histories."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from layerscope.image.attribution import attribute, named_base
from layerscope.image.history import HistoryEntry
from layerscope.image.image import Base
from layerscope.image.instruction import Instruction
from tests.effort import examples

ID = "4b4ef014b09705075b09845c7d291be8c8cab896cf9414f6233f556ac7300607"
PARENT = "cd5feeb0f7283dd4bcfce5806958ebb7ab47496dbdafebaf139f3153a071dc9b"
CONTENT = "3161a924fcca6b0794eaa347ed23619757efc35264e04976b0a9babad58588b7"
NOP = "/bin/sh -c #(nop) "


def entry(created_by: str = "", comment: str = "") -> HistoryEntry:
    return HistoryEntry(created_by=created_by, comment=comment)


def empty(created_by: str = "", comment: str = "") -> HistoryEntry:
    return HistoryEntry(created_by=created_by, comment=comment, empty_layer=True)


def layers_of(instructions: tuple[Instruction, ...]) -> list[tuple[int, ...]]:
    return [instruction.layers for instruction in instructions]


def codes(history: list[HistoryEntry], layer_count: int) -> list[str]:
    return [note.code for note in attribute(history, layer_count)[1]]


def test_an_entry_has_defaults_for_everything() -> None:
    assert HistoryEntry() == HistoryEntry(
        created=None, created_by="", author="", comment="", empty_layer=False
    )


def test_entries_that_are_not_empty_take_one_layer_each_in_order() -> None:
    history = [
        entry(f"/bin/sh -c #(nop) ADD file:{CONTENT} in / "),
        empty('/bin/sh -c #(nop)  CMD ["bash"]'),
        entry("/bin/sh -c apt-get update"),
        entry("WORKDIR /app"),
        empty("ENV A=1"),
        entry("COPY . . # buildkit"),
    ]
    instructions, notes = attribute(history, 4)
    assert notes == ()
    assert layers_of(instructions) == [(0,), (), (1,), (2,), (), (3,)]
    assert [i.index for i in instructions] == [0, 1, 2, 3, 4, 5]
    assert [i.empty for i in instructions] == [False, True, False, False, True, False]
    assert {i.evidence for i in instructions} == {"history"}
    assert [i.keyword for i in instructions] == ["ADD", "CMD", "RUN", "WORKDIR", "ENV", "COPY"]
    assert all(i.location is None and i.range is None for i in instructions)


def test_without_a_history_every_layer_gets_its_own_instruction() -> None:
    instructions, notes = attribute([], 2)
    assert layers_of(instructions) == [(0,), (1,)]
    assert [i.text for i in instructions] == ["layer 0 (no history)", "layer 1 (no history)"]
    assert [(i.index, i.keyword, i.evidence, i.empty) for i in instructions] == [
        (0, "", "none", False),
        (1, "", "none", False),
    ]
    assert [n.code for n in notes] == ["history-absent"]


def test_an_image_without_layers_and_history_gets_no_note() -> None:
    assert attribute([], 0) == ((), ())


def test_layers_added_without_history_come_last() -> None:
    base = [entry("RUN a # buildkit"), empty("ENV A=1"), entry("RUN b # buildkit"), empty("USER 1")]
    instructions, notes = attribute(base, 4)
    assert layers_of(instructions) == [(0,), (), (1,), (), (2,), (3,)]
    assert [i.index for i in instructions] == list(range(6))
    assert instructions[4].text == "layer 2 (no history)"
    assert instructions[4].evidence == "none"
    (note,) = notes
    assert note.code == "history-short"
    assert "names 2 layers" in note.message
    assert "has 4" in note.message


def test_a_history_of_only_empty_entries_explains_no_layer() -> None:
    instructions, notes = attribute([empty("ENV A=1"), empty("CMD x")], 2)
    assert layers_of(instructions) == [(), (), (0,), (1,)]
    assert [n.code for n in notes] == ["history-short"]


def test_surplus_history_entries_get_no_layer() -> None:
    instructions, notes = attribute([entry("RUN a"), entry("RUN b"), entry("RUN c")], 2)
    assert layers_of(instructions) == [(0,), (1,), ()]
    assert instructions[2].empty
    (note,) = notes
    assert note.code == "history-long"
    assert "names 3 layers, but the image has 2: 1 " in note.message


def test_forgotten_empty_layer_flags_do_not_give_a_layer_to_metadata() -> None:
    history = [entry("ADD x / # buildkit"), entry('CMD ["bash"]'), entry("ENV A=1"), entry("RUN a")]
    instructions, notes = attribute(history, 2)
    assert layers_of(instructions) == [(0,), (), (), (1,)]
    assert [n.code for n in notes] == ["history-long"]


def test_a_blank_history_is_not_evidence() -> None:
    instructions, notes = attribute([entry(), entry(), empty()], 2)
    assert layers_of(instructions) == [(0,), (1,), ()]
    assert [i.text for i in instructions] == [
        "layer 0 (no history)",
        "layer 1 (no history)",
        "an empty step (no history)",
    ]
    assert {i.evidence for i in instructions} == {"none"}
    assert [n.code for n in notes] == ["history-blank"]


def test_padding_entries_are_not_evidence() -> None:
    comment = "auto-generated by Jib"
    instructions, notes = attribute([entry("RUN a # buildkit"), entry("", comment)], 2)
    assert layers_of(instructions) == [(0,), (1,)]
    assert instructions[1].evidence == "none"
    assert instructions[1].text == f"layer 1 (no history: {comment})"
    assert [n.code for n in notes] == ["history-blank"]


PAD = "buildkit.exporter.image.v0"
OWN = "buildkit.dockerfile.v0"


def texts(instructions: tuple[Instruction, ...]) -> list[tuple[str, tuple[int, ...]]]:
    return [(each.text, each.layers) for each in instructions]


def test_a_base_without_history_is_below_buildkits_steps() -> None:
    history = [
        empty("ENV Q=1", OWN),
        entry("COPY a /a # buildkit", OWN),
        entry("WORKDIR /w", OWN),
        entry("created by buildkit", PAD),
        entry("[3/3] WORKDIR /w", PAD),
    ]
    instructions, notes = attribute(history, 4)
    assert texts(instructions) == [
        ("base image layer 0 (no history)", (0,)),
        ("base image layer 1 (no history)", (1,)),
        ("ENV Q=1", ()),
        ("COPY a /a", (2,)),
        ("WORKDIR /w", (3,)),
    ]
    assert [each.evidence for each in instructions] == ["none"] * 2 + ["history"] * 3
    assert not any("WORKDIR" in each.created_by for each in instructions[:2])
    assert [n.message for n in notes] == ["the history says nothing about 2 of 4 layers"]


def test_a_child_of_a_child_without_base_history_stays_on_top() -> None:
    history = [
        entry("COPY a /a # buildkit", OWN),
        entry("created by buildkit", PAD),
        entry("RUN /bin/sh -c b # buildkit", OWN),
        empty('CMD ["c"]', OWN),
    ]
    instructions, _ = attribute(history, 3)
    assert texts(instructions) == [
        ("base image layer 0 (no history)", (0,)),
        ("COPY a /a", (1,)),
        ("RUN b", (2,)),
        ('CMD ["c"]', ()),
    ]


def test_layers_without_history_above_a_base_of_another_builder_stay_above_it() -> None:
    history = [
        entry(f"{NOP}ADD file:{CONTENT} in / "),
        empty('/bin/sh -c #(nop)  CMD ["bash"]'),
        entry("COPY a /a # buildkit", OWN),
        entry("created by buildkit", PAD),
    ]
    instructions, _ = attribute(history, 3)
    assert [each.layers for each in instructions] == [(0,), (), (1,), (2,)]
    assert [each.keyword for each in instructions] == ["ADD", "CMD", "", "COPY"]


def test_the_known_number_of_base_layers_decides() -> None:
    history = [
        entry("COPY old /old # buildkit", OWN),
        entry("COPY a /a # buildkit", OWN),
        entry("[2/2] COPY a /a", PAD),
    ]
    above = attribute(history, 3, base_layers=2)[0]
    assert texts(above) == [
        ("COPY old /old", (0,)),
        ("base image layer 1 (no history)", (1,)),
        ("COPY a /a", (2,)),
    ]
    whole = attribute(history, 3, base_layers=1)[0]
    assert [each.keyword for each in whole] == ["", "COPY", "COPY"]


def test_a_classic_child_of_a_base_without_history_is_on_top() -> None:
    history = [
        empty("/bin/sh -c #(nop)  ENV Q=1"),
        entry(f"{NOP}COPY file:{CONTENT} in /child "),
        entry("/bin/sh -c make"),
    ]
    instructions, notes = attribute(history, 4)
    assert [each.layers for each in instructions] == [(0,), (1,), (), (2,), (3,)]
    assert [each.keyword for each in instructions] == ["", "", "ENV", "COPY", "RUN"]
    (note,) = notes
    assert (
        "layers 0 to 1 have no instruction, because the base image has no history" in note.message
    )


def test_layers_added_on_a_root_filesystem_without_an_entry_are_on_top() -> None:
    history = [entry(f"{NOP}ADD file:{CONTENT} in / "), empty('/bin/sh -c #(nop)  CMD ["bash"]')]
    instructions, _ = attribute(history, 2)
    assert texts(instructions)[2] == ("layer 1 (no history)", (1,))
    assert instructions[0].layers == (0,)


def test_a_step_of_buildkit_without_any_history_keeps_its_description() -> None:
    instructions, _ = attribute([entry("mkdir /x", PAD), entry("copy /a", PAD)], 2)
    assert [each.created_by for each in instructions] == ["mkdir /x", "copy /a"]


def test_docker_squash_covers_what_follows_the_parent() -> None:
    history = [
        entry(f"{NOP}ADD file:{CONTENT} in / "),
        empty('/bin/sh -c #(nop)  CMD ["bash"]'),
        empty("/bin/sh -c apt-get update"),
        empty("/bin/sh -c #(nop)  ENV A=1"),
        empty(f"{NOP}COPY dir:{CONTENT} in /app "),
        empty('/bin/sh -c #(nop)  CMD ["x"]'),
        entry("", f"merge sha256:{ID} to sha256:{PARENT}"),
        entry("/bin/sh -c echo after"),
    ]
    instructions, notes = attribute(history, 3)
    assert layers_of(instructions) == [(0,), (), (), (), (), (), (1,), (2,)]
    squash = instructions[6]
    assert squash.range == (2, 4)
    assert squash.keyword == ""
    assert squash.text == "docker build --squash (merge 4b4ef014b097 to cd5feeb0f728)"
    assert [(n.code, n.layer) for n in notes] == [("history-squashed", 1)]
    assert instructions[7].range is None


def test_docker_squash_without_a_parent_covers_everything() -> None:
    history = [
        empty(f"{NOP}COPY dir:{CONTENT} in / "),
        empty("|1 TOKEN=s /bin/sh -c make"),
        entry("", f"create new from sha256:{ID}"),
    ]
    (*_, squash), _ = attribute(history, 1)
    assert (squash.layers, squash.range) == ((0,), (0, 1))


def test_docker_squash_of_only_metadata_covers_it() -> None:
    history = [empty("ENV A=1"), empty("USER 1"), entry("", f"create new from sha256:{ID}")]
    (*_, squash), _ = attribute(history, 1)
    assert squash.range == (0, 1)
    (lone,), _ = attribute([entry("", f"create new from sha256:{ID}")], 1)
    assert lone.range is None


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


def test_a_kaniko_snapshot_belongs_to_all_steps_up_to_the_last() -> None:
    history = [
        entry(f"{NOP}ADD file:{CONTENT} in / "),
        HistoryEntry(created_by='CMD ["x"]', author="kaniko"),
    ]
    instructions, notes = attribute(history, 2)
    assert (instructions[1].keyword, instructions[1].layers) == ("CMD", ())
    assert instructions[2].text == 'all steps up to CMD ["x"], in one layer'
    assert (instructions[2].keyword, instructions[2].layers) == ("", (1,))
    assert [n.code for n in notes] == ["history-squashed"]


def test_a_classic_run_that_changed_nothing_is_not_a_squash() -> None:
    history = [
        entry(f"{NOP}ADD file:{CONTENT} in / "),
        empty("/bin/sh -c true"),
        entry("/bin/sh -c make"),
    ]
    assert codes(history, 2) == []


def test_buildkit_steps_forced_empty_are_not_a_squash() -> None:
    history = [empty("COPY a b # buildkit"), entry("RUN /bin/sh -c make # buildkit")]
    assert codes(history, 1) == []


FRAGMENTS = [
    "RUN ", "COPY ", "ARG ", "ONBUILD ARG ", "SHELL [", "CMD [", "HEALTHCHECK &{[", "EXPOSE map[",
    "VOLUME [", "|2 ", "|99999999 ", "A=1 ", "TOKEN=x y ", "/bin/sh -c ", "/bin/bash -o pipefail -c ",
    "#(nop) ", " # buildkit", "file:abc in ", '"', "'", "\\", "]", "}", "\n", "\x1b[2J", "\udcff",
    "jib-x:1", "store paths: ", "Layer: 'x', Created by buildpack: y", "# debian.sh", "bash",
]  # fmt: skip
HOSTILE = st.lists(
    st.one_of(st.sampled_from(FRAGMENTS), st.text("ab0 =/\t\x00é", max_size=6)), max_size=8
).map("".join)
COMMENTS = st.one_of(
    st.just(f"merge sha256:{ID} to sha256:{PARENT}"),
    st.just("buildkit.exporter.image.v0"),
    st.just("FROM docker.io/library/alpine:latest"),
    HOSTILE,
)
ENTRIES = st.builds(
    HistoryEntry,
    created_by=HOSTILE,
    author=st.sampled_from(["", "kaniko", "Jib", "ko", "apko", "me"]),
    comment=COMMENTS,
    empty_layer=st.booleans(),
)


@settings(deadline=None, max_examples=examples(300))
@given(st.lists(ENTRIES, max_size=12), st.integers(min_value=0, max_value=14))
def test_any_history_gives_every_layer_to_exactly_one_instruction_in_order(
    history: list[HistoryEntry], layer_count: int
) -> None:
    instructions, notes = attribute(history, layer_count)
    assert [layer for i in instructions for layer in i.layers] == list(range(layer_count))
    assert [i.index for i in instructions] == list(range(len(instructions)))
    written = sorted(h.created_by for h in history if h.comment.strip() != PAD and h.created_by)
    shown = sorted(i.created_by for i in instructions if i.comment.strip() != PAD and i.created_by)
    assert written == shown
    for instruction in instructions:
        assert instruction.empty == (instruction.layers == ())
        assert instruction.text.strip()
        assert instruction.text.startswith(instruction.keyword)
        assert instruction.evidence in {"history", "none"}
        if instruction.range is not None:
            assert 0 <= instruction.range[0] <= instruction.range[1] <= instruction.index
    claimed = sum(not h.empty_layer for h in history)
    found = {note.code for note in notes}
    assert ("history-long" in found) == (claimed > layer_count)
    assert bool({"history-short", "history-absent"} & found) == (claimed < layer_count)
