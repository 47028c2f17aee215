"""Which instructions of another stage made what `COPY --from` brings, from a real BuildKit's provenance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import layerscope

if TYPE_CHECKING:
    from layerscope.image.image import Image

    from .containerd import ContainerdEngine

DOCKERFILE = """\
FROM busybox:latest AS tools
RUN mkdir /tools && echo tool > /tools/tool

FROM tools AS builder
WORKDIR /src
COPY file.txt /src/
COPY <<CONFIG /etc/app.conf
mode = fast
CONFIG
RUN <<BUILD
mkdir /out
cat /src/file.txt > /out/app
BUILD

FROM busybox:latest
COPY --from=builder /out/app /app/app
COPY --link --from=builder /etc/app.conf /etc/app.conf
COPY --from=0 /tools/tool /usr/local/bin/
COPY --from=busybox:latest /bin/busybox /opt/busybox
RUN --mount=type=bind,from=builder,source=/src,target=/mnt cp /mnt/file.txt /bound
COPY file.txt /own
"""
SOURCES = {
    16: ("builder", "busybox", [("builder", 10), ("tools", 2)]),
    17: ("builder", None, [("builder", 10), ("builder", 7)]),
    18: ("tools", "busybox", [("tools", 2)]),
    19: (None, "busybox", []),
}
"""The stage, image, and instructions of each line that copies from elsewhere."""


def build(engine: ContainerdEngine, folder: Path, provenance: str | None) -> Path:
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "file.txt").write_text("hello\n")
    engine.build(folder, "stages:1", provenance=provenance)
    return engine.save("stages:1", folder / "saved.tar")


def sources(image: Image) -> dict[int, tuple[str | None, str | None, list[tuple[str, int]]]]:
    found = {}
    for each in image.instructions:
        copied = each.copied_from
        if copied is None or each.location is None:
            continue
        name = None if copied.image is None else copied.image.partition("@")[0].partition(":")[0]
        found[each.location.start_line] = (
            copied.stage,
            None if name is None else name.removeprefix("docker.io/library/"),
            [
                (step.stage or "", step.location.start_line if step.location else 0)
                for step in copied.instructions
            ],
        )
    return found


def test_provenance_names_the_instructions_of_the_other_stage(
    containerd_engine: ContainerdEngine, tmp_path: Path
) -> None:
    saved = build(containerd_engine, tmp_path, "max")
    with layerscope.load(str(saved)) as image:
        assert sources(image) == SOURCES
        evidence = {each.copied_from.evidence for each in image.instructions if each.copied_from}
        assert evidence == {"provenance"}


def test_a_dockerfile_names_the_same_instructions(
    containerd_engine: ContainerdEngine, tmp_path: Path
) -> None:
    saved = build(containerd_engine, tmp_path, None)
    with layerscope.load(str(saved), dockerfile=str(tmp_path / "Dockerfile")) as image:
        assert sources(image) == SOURCES
        evidence = {each.copied_from.evidence for each in image.instructions if each.copied_from}
        assert evidence == {"dockerfile"}
