"""Dockerfile instructions tied to a history, when nothing better than texts is known."""

from __future__ import annotations

from layerscope.image.alignment import align
from layerscope.image.blame import blame
from layerscope.image.dockerfile import final_stage, parse_dockerfile
from layerscope.image.history import HistoryEntry
from layerscope.image.image import Base
from layerscope.image.instruction import Instruction, attribute
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
    found = align(instructions(BUILDKIT), steps, "Dockerfile", "dockerfile")
    assert located(found) == [None, None, (4, 4), (5, 5), (6, 8), (9, 12), (13, 13), (14, 14)]
    assert {each.evidence for each in found[2:]} == {"dockerfile"}
    assert [each.evidence for each in found[:2]] == ["history", "history"]


def test_text_tells_what_the_history_drops_and_no_secret() -> None:
    steps = final_stage(parse_dockerfile(DOCKERFILE))
    found = align(instructions(BUILDKIT), steps, "Dockerfile", "dockerfile")
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
    found = align(instructions(history), steps, "Dockerfile", "dockerfile")
    assert located(found) == [None, None, (2, 2), (3, 3), (4, 4)]
    assert found[2].text == "COPY . /app/"


def test_a_changed_step_stays_without_a_line() -> None:
    steps = parse_dockerfile("FROM x\nWORKDIR /app\nRUN something else\nCMD x\n")
    found = align(instructions(BUILDKIT), steps, "Dockerfile", "dockerfile")
    assert located(found) == [None, None, (2, 2), None, None, None, None, (4, 4)]


def test_a_whole_match_tells_where_the_base_ends() -> None:
    found = blame(
        instructions(BUILDKIT), [None] * 5, (), ("Dockerfile", DOCKERFILE), DEFAULT_LIMITS, Notes()
    )
    assert found.base == Base(layers=1, name="debian", evidence="dockerfile")


def test_a_dockerfile_of_another_image_is_noted() -> None:
    notes = Notes()
    found = blame(
        instructions(BASE), [None], (), ("other", "FROM x\nRUN y\n"), DEFAULT_LIMITS, notes
    )
    assert [note.code for note in notes] == ["dockerfile-unrelated"]
    assert found.base is None
