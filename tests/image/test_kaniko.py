"""A Dockerfile completes kaniko's history, which lacks steps without a layer, or all but the last."""

from __future__ import annotations

from layerscope.image.blame import Blame, blame
from layerscope.image.history import HistoryEntry
from layerscope.limits import DEFAULT_LIMITS
from layerscope.notes import Notes

BELOW = HistoryEntry(created_by="umoci insert")
STEPS = "FROM base:1\nENV A=1\nCOPY x /x\nRUN make\nRUN rm /x\n"


def kaniko(text: str) -> HistoryEntry:
    return HistoryEntry(created_by=text, author="kaniko")


def blamed(dockerfile: str, *history: HistoryEntry) -> Blame:
    layers = [None] * len(history)
    return blame(history, layers, (), ("Dockerfile", dockerfile), DEFAULT_LIMITS, Notes())


def places(found: Blame) -> list[tuple[str, tuple[int, ...], tuple[int, int] | None]]:
    return [
        (
            step.keyword,
            step.layers,
            None if step.location is None else (step.location.start_line, step.location.end_line),
        )
        for step in found.instructions
    ]


def test_the_base_is_below_the_steps_of_the_dockerfile() -> None:
    found = blamed(STEPS, BELOW, kaniko("COPY x /x"), kaniko("RUN make"), kaniko("RUN rm /x"))
    assert places(found)[1:] == [
        ("COPY", (1,), (3, 3)),
        ("RUN", (2,), (4, 4)),
        ("RUN", (3,), (5, 5)),
    ]
    assert found.base is not None
    assert (found.base.layers, found.base.name) == (1, "base:1")


def test_a_step_of_a_base_image_from_kaniko_leaves_the_base_unknown() -> None:
    found = blamed(STEPS, BELOW, kaniko("RUN below"), kaniko("COPY x /x"), kaniko("RUN make"))
    assert found.base is None


def test_a_snapshot_has_the_lines_of_all_steps() -> None:
    closed = f'{STEPS}CMD ["x"]\n'
    for dockerfile, entry, last in ((closed, 'CMD ["x"]', 6), (STEPS, "RUN rm /x", 5)):
        found = blamed(dockerfile, BELOW, kaniko(entry))
        assert places(found)[1:] == [(entry[:3], (), (last, last)), ("", (1,), (2, last))]
        assert found.instructions[2].range == (1, 1)
        assert found.base is not None
        assert found.base.layers == 1


def test_a_dockerfile_with_one_step_that_changes_files_is_not_a_snapshot() -> None:
    found = blamed("FROM base:1\nENV A=1\nRUN make\n", BELOW, kaniko("RUN make"))
    assert places(found)[1:] == [("RUN", (1,), (3, 3))]


def test_a_dockerfile_that_ends_with_another_instruction_changes_nothing() -> None:
    found = blamed(f'{STEPS}CMD ["x"]\n', BELOW, kaniko("RUN other"))
    assert places(found)[1:] == [("RUN", (1,), None)]
    assert found.base is None
