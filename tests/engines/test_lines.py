"""Dockerfile lines from a real BuildKit's provenance or, without it, from the Dockerfile itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import layerscope
from layerscope.options import ReadOptions

if TYPE_CHECKING:
    from layerscope.image.image import Image

    from .containerd import ContainerdEngine
    from .engine import DockerEngine, Engine

DOCKERFILE = """\
FROM busybox:latest AS builder
RUN mkdir /out && \\
    # a comment
    echo app > /out/app

FROM busybox:latest
ENV LANG=C.UTF-8
WORKDIR /app
COPY --from=builder /out/app /app/app
RUN --mount=type=cache,target=/cache \\
    echo junk > /app/junk
COPY --link file.txt /app/
RUN rm /app/junk
CMD ["sh"]
"""
LINES = [("ENV", 7, 7), ("WORKDIR", 8, 8), ("COPY", 9, 9), ("RUN", 10, 11)]
LINES += [("COPY", 12, 12), ("RUN", 13, 13), ("CMD", 14, 14)]


def write_context(folder: Path) -> Path:
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "file.txt").write_text("hello\n")
    return folder


def lines(image: Image) -> list[tuple[str, int, int]]:
    return [
        (each.keyword, each.location.start_line, each.location.end_line)
        for each in image.instructions[1:]
        if each.location is not None
    ]


def test_provenance_names_the_lines(containerd_engine: ContainerdEngine, tmp_path: Path) -> None:
    containerd_engine.build(write_context(tmp_path), "lines:1", provenance="max")
    saved = containerd_engine.save("lines:1", tmp_path / "saved.tar")
    with layerscope.load(str(saved)) as image:
        assert lines(image) == LINES
        assert {each.evidence for each in image.instructions} == {"provenance"}
        assert image.base is not None
        assert image.base.layers == 1
        assert image.base.evidence == "provenance"
        analysis = layerscope.analyze(image)
    junk = next(row for row in analysis.waste if row.path == b"app/junk")
    blamed = [image.instructions[number].location for number in (junk.written_by, junk.wasted_by)]
    assert [location.start_line for location in blamed if location] == [10, 13]


def test_a_dockerfile_names_the_lines(docker_engine: DockerEngine, tmp_path: Path) -> None:
    context = write_context(tmp_path)
    text = DOCKERFILE.replace("--link ", "").replace("--mount=type=cache,target=/cache ", "")
    (context / "Dockerfile").write_text(text)
    for buildkit in (False, True):
        docker_engine.build(context, "lines:1", buildkit=buildkit)
        saved = docker_engine.save("lines:1", tmp_path / f"saved-{buildkit}.tar")
        with layerscope.load(str(saved), dockerfile=str(context / "Dockerfile")) as image:
            assert lines(image) == LINES
            assert {each.evidence for each in image.instructions[1:]} == {"dockerfile"}
            assert image.base is not None
            assert (image.base.layers, image.base.name) == (1, "busybox:latest")


TRIGGERS = """\
FROM busybox:latest
ONBUILD RUN echo trigger > /trigger
ONBUILD COPY file.txt /copied
CMD ["base"]
"""
SHAPES = """\
ARG BASE=triggers:1
FROM ${BASE} AS builder
RUN echo setup > /setup
RUN cp /setup /out

FROM ${BASE}
RUN echo setup > /setup
ENV D=/srv
COPY file.txt ${D}/x
RUN ["sh", "-c", "echo exec > /exec"]
SHELL ["/bin/sh", "-e", "-c"]
RUN echo shell > /shell
COPY --from=builder /out $D/
CMD ["own"]
"""
SHIPPED = [("RUN", 6, 6), ("COPY", 6, 6)]
SHIPPED += [("RUN", 7, 7), ("ENV", 8, 8), ("COPY", 9, 9), ("RUN", 10, 10), ("SHELL", 11, 11)]
SHIPPED += [("RUN", 12, 12), ("COPY", 13, 13), ("CMD", 14, 14)]


def build_shapes(
    engine: Engine, folder: Path, below: dict[str, Any], options: dict[str, Any]
) -> Path:
    """Build a child of an image with triggers. Two stages share its first step."""
    (folder / "file.txt").write_text("hello\n")
    for tag, text, how in (("triggers:1", TRIGGERS, below), ("shapes:1", SHAPES, options)):
        (folder / "Dockerfile").write_text(text)
        engine.build(folder, tag, **how)
    return engine.save("shapes:1", folder / f"{'-'.join(map(str, options.values()))}.tar")


def test_provenance_names_only_lines_of_the_shipped_stage(
    containerd_engine: ContainerdEngine, tmp_path: Path
) -> None:
    saved = build_shapes(containerd_engine, tmp_path, {"provenance": "max"}, {"provenance": "max"})
    with layerscope.load(str(saved)) as image:
        assert lines(image) == SHIPPED
        assert image.base is not None
        assert image.base.layers == 1


def test_triggers_of_a_base_from_buildkit_get_no_line_and_the_base_image_shows_its_end(
    docker_engine: DockerEngine, tmp_path: Path
) -> None:
    """BuildKit's history has no ONBUILD, so only the base image itself tells its steps from the triggers."""
    for buildkit in (False, True):
        below = {"buildkit": True}
        saved = build_shapes(docker_engine, tmp_path, below, {"buildkit": buildkit})
        base = docker_engine.save("triggers:1", tmp_path / "base.tar")
        options = ReadOptions(dockerfile=str(tmp_path / "Dockerfile"), base=str(base))
        with layerscope.read(str(saved), options) as analysis:
            image = analysis.image
            triggers = [step for step in image.instructions if step.layers in ((1,), (2,))]
            assert [(step.keyword, step.location) for step in triggers] == [
                ("RUN", None),
                ("COPY", None),
            ]
            assert lines(image)[-len(SHIPPED) + 2 :] == SHIPPED[2:]
            assert image.base is not None
            assert (image.base.layers, image.base.evidence) == (1, "image")


def test_a_dockerfile_names_only_lines_of_the_shipped_stage(
    docker_engine: DockerEngine, tmp_path: Path
) -> None:
    for buildkit in (False, True):
        # Only the classic builder writes ONBUILD to the history, which separates the triggers from the base's steps.
        below = {"buildkit": False}
        saved = build_shapes(docker_engine, tmp_path, below, {"buildkit": buildkit})
        with layerscope.load(str(saved), dockerfile=str(tmp_path / "Dockerfile")) as image:
            assert lines(image) == SHIPPED
            assert image.base is not None
            assert image.base.layers == 1
