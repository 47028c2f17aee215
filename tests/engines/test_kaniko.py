"""Images built by a real kaniko, with a layer per instruction or a single snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import layerscope
from layerscope.image.image import Image
from tests.builder.tools import absent
from tests.engines import kaniko
from tests.engines.engine import NoEngineError
from tests.engines.registry import DistributionRegistry, running

pytestmark = pytest.mark.engine

STEPS = """\
ENV LANG=C
COPY file.txt /app/a
RUN cp /app/a /app/b && echo junk > /junk
RUN rm /junk
"""
CLOSED = f'{STEPS}WORKDIR /app\nCMD ["sh"]\n'


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a base image in a registry. The test is skipped where kaniko can't run, and fails in CI."""
    folder = tmp_path_factory.mktemp("kaniko")
    try:
        kaniko.executor()
    except NoEngineError as error:
        absent(str(error))
    with running(DistributionRegistry(folder / "registry")) as registry:
        yield kaniko.push_busybox(registry, folder)


def built(folder: Path, base: str, steps: str, *options: str) -> tuple[str, str]:
    """The reference of an image and the path of its Dockerfile."""
    context = folder / "context"
    context.mkdir()
    (context / "file.txt").write_text("hello\n" * 100)
    (context / "Dockerfile").write_text(f"FROM {base}\n{steps}")
    path = kaniko.build(context, folder / "image.tar", *options)
    return f"docker-archive:{path}", str(context / "Dockerfile")


def rows(image: Image) -> list[tuple[str, tuple[int, ...], tuple[int, int] | None]]:
    """Keyword, layers, and lines of each instruction above the base image."""
    return [
        (
            step.keyword,
            step.layers,
            None if step.location is None else (step.location.start_line, step.location.end_line),
        )
        for step in image.instructions[1:]
    ]


def test_every_instruction_has_its_layer_and_line(tmp_path: Path, base: str) -> None:
    reference, dockerfile = built(tmp_path, base, CLOSED)
    with layerscope.load(reference) as image:
        assert [row[:2] for row in rows(image)] == [("COPY", (1,)), ("RUN", (2,)), ("RUN", (3,))]
        assert not layerscope.analyze(image).notes
    with layerscope.load(reference, dockerfile=dockerfile) as image:
        expected = [("COPY", (1,), (3, 3)), ("RUN", (2,), (4, 4)), ("RUN", (3,), (5, 5))]
        assert rows(image) == expected
        assert image.base is not None
        assert (image.base.layers, image.base.name) == (1, base)
        (junk,) = layerscope.analyze(image).waste
    assert (junk.path, junk.written_by, junk.wasted_by) == (b"junk", 2, 3)


def test_a_single_snapshot_belongs_to_all_steps_and_not_to_the_command(
    tmp_path: Path, base: str
) -> None:
    reference, dockerfile = built(tmp_path, base, CLOSED, "--single-snapshot")
    with layerscope.load(reference) as image:
        assert rows(image) == [("CMD", (), None), ("", (1,), None)]
        assert "history-squashed" in [note.code for note in image.notes]
    with layerscope.load(reference, dockerfile=dockerfile) as image:
        assert rows(image) == [("CMD", (), (7, 7)), ("", (1,), (2, 7))]
        assert image.base is not None
        assert (image.base.layers, image.base.name) == (1, base)


def test_a_single_snapshot_does_not_belong_to_the_last_run(tmp_path: Path, base: str) -> None:
    reference, dockerfile = built(tmp_path, base, STEPS, "--single-snapshot")
    with layerscope.load(reference, dockerfile=dockerfile) as image:
        assert rows(image) == [("RUN", (), (5, 5)), ("", (1,), (2, 5))]
        assert image.base is not None
        assert image.base.layers == 1


def test_a_snapshot_of_scratch_has_no_base(tmp_path: Path, base: str) -> None:
    steps = "COPY file.txt /a\nCOPY file.txt /b\n"
    reference, dockerfile = built(tmp_path, "scratch", steps, "--single-snapshot")
    with layerscope.load(reference, dockerfile=dockerfile) as image:
        assert image.base is None
        assert [step.layers for step in image.instructions] == [(), (0,)]
        place = image.instructions[1].location
        assert place is not None
        assert (place.start_line, place.end_line) == (2, 3)
