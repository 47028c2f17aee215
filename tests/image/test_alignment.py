"""Dockerfile instructions matched to a history if only their texts are known."""

from __future__ import annotations

import pytest

from layerscope.image.alignment import Aligner
from layerscope.image.attribution import attribute
from layerscope.image.blame import blame
from layerscope.image.dockerfile import final_stage, parse_dockerfile
from layerscope.image.history import HistoryEntry
from layerscope.image.image import Base
from layerscope.image.instruction import Instruction, Location
from layerscope.limits import DEFAULT_LIMITS
from layerscope.notes import Notes

BASE = (
    HistoryEntry(created_by="/bin/sh -c #(nop) ADD file:0123456789abcdef0123 in / "),
    HistoryEntry(created_by='/bin/sh -c #(nop)  CMD ["bash"]', empty_layer=True),
)
BUILDKIT = (
    *BASE,
    HistoryEntry(created_by="WORKDIR /app"),
    HistoryEntry(created_by="COPY /out/app /app/app # buildkit"),
    HistoryEntry(created_by="RUN /bin/sh -c make  all && rm -rf /x # buildkit"),
    HistoryEntry(created_by="RUN /bin/sh -c one\ntwo # buildkit"),
    HistoryEntry(created_by="ARG TOKEN=secret", empty_layer=True),
    HistoryEntry(created_by='CMD ["sh" "-c" "x"]', empty_layer=True),
)
DOCKERFILE = """\
FROM golang AS builder
RUN go build
FROM debian
WORKDIR /app
COPY --from=builder /out/app app
RUN --mount=type=cache,target=/c make \\
    all \\
 && rm -rf /x
RUN <<EOF
one
two
EOF
ARG TOKEN=secret
CMD ["sh", "-c", "x"]
"""


def instructions(history: tuple[HistoryEntry, ...]) -> tuple[Instruction, ...]:
    return attribute(history, sum(not entry.empty_layer for entry in history))[0]


def located(found: tuple[Instruction, ...]) -> list[tuple[int, int] | None]:
    return [
        None if each.location is None else (each.location.start_line, each.location.end_line)
        for each in found
    ]


def test_every_own_instruction_gets_its_lines_and_the_base_none() -> None:
    steps = final_stage(parse_dockerfile(DOCKERFILE))
    found = Aligner().align(instructions(BUILDKIT), steps, "Dockerfile", "dockerfile")
    assert located(found) == [None, None, (4, 4), (5, 5), (6, 8), (9, 12), (13, 13), (14, 14)]
    assert {each.evidence for each in found[2:]} == {"dockerfile"}
    assert [each.evidence for each in found[:2]] == ["history", "history"]


def test_text_comes_from_the_dockerfile_without_secrets() -> None:
    steps = final_stage(parse_dockerfile(DOCKERFILE))
    found = Aligner().align(instructions(BUILDKIT), steps, "Dockerfile", "dockerfile")
    assert found[3].text == "COPY --from=builder /out/app app"
    assert found[4].text == "RUN --mount=type=cache,target=/c make all && rm -rf /x"
    assert "secret" not in found[6].text


def test_the_classic_builder_is_matched_by_destination() -> None:
    history = (
        *BASE,
        HistoryEntry(created_by="/bin/sh -c #(nop) COPY dir:0123456789abcdef0123 in /app "),
        HistoryEntry(created_by="/bin/sh -c make"),
        HistoryEntry(created_by="/bin/sh -c #(nop)  ENV A=b", empty_layer=True),
    )
    steps = parse_dockerfile("FROM x\nCOPY . /app/\nRUN make\nENV A b\n")
    found = Aligner().align(instructions(history), steps, "Dockerfile", "dockerfile")
    assert located(found) == [None, None, (2, 2), (3, 3), (4, 4)]
    assert found[2].text == "COPY . /app/"


def test_a_changed_step_stays_without_a_line() -> None:
    steps = parse_dockerfile("FROM x\nWORKDIR /app\nRUN something else\nCMD x\n")
    found = Aligner().align(instructions(BUILDKIT), steps, "Dockerfile", "dockerfile")
    assert located(found) == [None, None, (2, 2), None, None, None, None, (4, 4)]


def test_a_complete_match_shows_where_the_base_ends() -> None:
    found = blame(BUILDKIT, [None] * 5, (), ("Dockerfile", DOCKERFILE), DEFAULT_LIMITS, Notes())
    assert found.base == Base(layers=1, name="debian", evidence="dockerfile")


def test_a_dockerfile_of_another_image_gets_a_note() -> None:
    notes = Notes()
    found = blame(BASE, [None], (), ("other", "FROM x\nRUN y\n"), DEFAULT_LIMITS, notes)
    assert [note.code for note in notes] == ["dockerfile-unrelated"]
    assert found.base is None


def aligned(dockerfile: str, *created_by: str) -> list[tuple[int, int] | None]:
    history = (*BASE, *(HistoryEntry(created_by=text) for text in created_by))
    steps = final_stage(parse_dockerfile(dockerfile))
    return located(Aligner().align(instructions(history), steps, "Dockerfile", "dockerfile"))[2:]


def test_variables_in_destinations_match_what_they_became() -> None:
    found = aligned(
        "FROM x\nENV D=/srv\nCOPY a ${D}/a\nCOPY b $D/b\nCOPY c $D\n",
        "ENV D=/srv",
        "COPY a /srv/a # buildkit",
        "COPY b /srv/b # buildkit",
        "COPY c /srv # buildkit",
    )
    assert found == [(2, 2), (3, 3), (4, 4), (5, 5)]


def test_a_variable_does_not_match_another_destination() -> None:
    found = aligned("FROM x\nRUN a\nCOPY f $D/f\n", "RUN a # buildkit", "COPY g /g # buildkit", "X")
    assert found == [(2, 2), None, None]


def test_a_run_in_the_exec_form_is_matched_by_its_words() -> None:
    found = aligned(
        'FROM x\nRUN ["npm", "ci"]\nRUN ["sh", "-c", "echo a  b"]\nRUN [ -e x ]\n',
        "RUN npm ci # buildkit",
        "RUN sh -c echo a  b # buildkit",
        "RUN /bin/sh -c [ -e x ] # buildkit",
    )
    assert found == [(2, 2), (3, 3), (4, 4)]


def test_a_here_document_whose_body_the_history_lacks_is_matched() -> None:
    dockerfile = "FROM x\nRUN <<EOF\n#!/usr/bin/env python\nprint()\nEOF\nCOPY <<A <<B /d/\nA\nB\n"
    found = aligned(dockerfile, "RUN /dev/pipes/EOF # buildkit", "COPY <<A <<B /d/ # buildkit")
    assert found == [(2, 5), (6, 8)]


@pytest.mark.parametrize(
    ("written", "recorded", "shown"),
    [
        ('CMD ["/bin/sh", "-c", "a b"]', 'CMD ["/bin/sh" "-c" "a b"]', None),
        ("CMD a b", 'CMD ["/bin/sh" "-c" "a b"]', None),
        ("CMD other", 'CMD ["/bin/sh" "-c" "a b"]', "CMD a b"),
        ('ENTRYPOINT [ "x" ]', 'ENTRYPOINT ["x"]', None),
        ('ENV A=\'q"z\' B="x=1 y"', 'ENV A=q"z B=x=1 y', None),
        ("ENV A=$B", "ENV A=1", "ENV A=1"),
        ("LABEL a=\"b c\"  d='e'", "LABEL a=b c d=e", None),
        ("ARG T=secret", "ARG T=secret", "ARG T=***"),
        ("WORKDIR sub", "WORKDIR /app/sub", "WORKDIR /app/sub"),
    ],
)
def test_metadata_is_shown_as_written_if_the_history_agrees(
    written: str, recorded: str, shown: str | None
) -> None:
    history = (HistoryEntry(created_by=recorded, empty_layer=True),)
    found = blame(history, [], (), ("Dockerfile", f"FROM x\n{written}\n"), DEFAULT_LIMITS, Notes())
    assert found.instructions[0].location == Location("Dockerfile", 2, 2)
    assert found.instructions[0].text == (" ".join(written.split()) if shown is None else shown)


def test_position_matches_steps_between_two_neighbors() -> None:
    found = aligned(
        "FROM x\nRUN one\nRUN --new-flag=a two\nRUN three\n",
        "RUN one # buildkit",
        "RUN |1 A=b weird two # buildkit",
        "RUN three # buildkit",
    )
    assert found == [(2, 2), (3, 3), (4, 4)]


def test_position_matches_nothing_if_the_counts_differ() -> None:
    found = aligned(
        "FROM x\nRUN one\nRUN two\nRUN 2\nRUN three\n",
        "RUN one # buildkit",
        "RUN other # buildkit",
        "RUN three # buildkit",
    )
    assert found == [(2, 2), None, (5, 5)]


def test_position_never_names_a_line_of_another_keyword() -> None:
    found = aligned(
        "FROM x\nRUN one\nCOPY a $X\nRUN three\n",
        "RUN one # buildkit",
        "RUN other # buildkit",
        "RUN three # buildkit",
    )
    assert found == [(2, 2), None, (4, 4)]


def test_triggers_of_the_base_belong_to_the_from_line() -> None:
    history = (
        *BASE,
        HistoryEntry(created_by="ONBUILD RUN make", empty_layer=True),
        HistoryEntry(created_by="ONBUILD COPY . /src", empty_layer=True),
        HistoryEntry(created_by="RUN /bin/sh -c make # buildkit"),
        HistoryEntry(created_by="COPY . /src # buildkit"),
        HistoryEntry(created_by="RUN /bin/sh -c own # buildkit"),
    )
    found = blame(
        history, [None] * 4, (), ("Dockerfile", "FROM base\nRUN own\n"), DEFAULT_LIMITS, Notes()
    )
    assert located(found.instructions)[4:] == [(1, 1), (1, 1), (2, 2)]
    assert found.base == Base(layers=1, name="base", evidence="dockerfile")


def test_a_squashed_layer_has_the_lines_that_it_covers() -> None:
    history = (
        HistoryEntry(created_by="/bin/sh -c #(nop) ADD file:0123456789abcdef0123 in / "),
        HistoryEntry(created_by="/bin/sh -c one", empty_layer=True),
        HistoryEntry(created_by="/bin/sh -c two", empty_layer=True),
        HistoryEntry(created_by='/bin/sh -c #(nop) CMD ["x"]', comment="FROM docker.io/base:1"),
    )
    text = "FROM base:1\nRUN one\nRUN two\nCMD x\n"
    found = blame(history, [None] * 2, (), ("Dockerfile", text), DEFAULT_LIMITS, Notes())
    assert found.instructions[4].location == Location("Dockerfile", 2, 4)
    assert found.instructions[4].layers == (1,)


def test_a_base_without_history_is_found_by_the_dockerfile() -> None:
    history = (
        HistoryEntry(created_by="COPY a /a # buildkit", comment="buildkit.dockerfile.v0"),
        HistoryEntry(created_by="x", comment="buildkit.exporter.image.v0"),
    )
    text = "FROM base\nCOPY a /a\n"
    found = blame(history, [None] * 2, (), ("Dockerfile", text), DEFAULT_LIMITS, Notes())
    assert found.base == Base(layers=1, name="base", evidence="dockerfile")
    assert located(found.instructions) == [None, (2, 2)]


def test_each_text_is_read_once_however_many_it_is_compared_with() -> None:
    long = "x" * 6000
    history = tuple(HistoryEntry(created_by=f"RUN {long}{n} # buildkit") for n in range(60))
    steps = parse_dockerfile("FROM x\n" + "".join(f"RUN y{long}{n}\n" for n in range(60)))
    aligner = Aligner()
    aligner.align(instructions(history), steps, "Dockerfile", "dockerfile")
    assert aligner.texts_read <= 120


def test_the_pairs_are_limited_for_all_dockerfiles_together() -> None:
    history = tuple(HistoryEntry(created_by=f"RUN {n} # buildkit") for n in range(20))
    steps = parse_dockerfile("FROM x\n" + "".join(f"RUN y{n}\n" for n in range(20)))
    aligner = Aligner(most_pairs=1000)
    for _ in range(10):
        aligner.align(instructions(history), steps, "Dockerfile", "dockerfile")
    assert aligner.pairs_left == 1000 - 2 * 20 * 20


def test_many_steps_that_match_from_the_end_need_no_pairs() -> None:
    history = (*BASE, *(HistoryEntry(created_by=f"RUN {n} # buildkit") for n in range(3000)))
    steps = parse_dockerfile("FROM x\n" + "".join(f"RUN {n}\n" for n in range(3000)))
    aligner = Aligner(most_pairs=0)
    found = aligner.align(instructions(history), steps, "Dockerfile", "dockerfile")
    assert located(found)[2:] == [(n + 2, n + 2) for n in range(3000)]
