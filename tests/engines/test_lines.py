"""Lines of the Dockerfile from the provenance that a real BuildKit wrote, and from the Dockerfile itself without it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import layerscope

if TYPE_CHECKING:
    from layerscope.image.image import Image

    from .containerd import ContainerdEngine
    from .engine import DockerEngine

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
