"""The browser says where a COPY takes its files from, and what is the base image's and what is own."""

from __future__ import annotations

from pathlib import Path

from layerscope.tui.details import image_text, instruction_text
from layerscope.tui.model.session import Session
from tests.analysis.images import image_of
from tests.builder import FORMS, ImageBuilder, Whiteout, buildkit
from tests.tui.images import WIDE, Driver, browse

DOCKERFILE = """\
FROM golang AS tools
RUN make tools
FROM alpine AS build
RUN make app
COPY --from=tools /tools /out/
FROM debian
COPY --from=build /out /opt
RUN rm /base
"""


def app(folder: Path) -> str:
    image = (
        ImageBuilder("app:1")
        .layer({"base": b"x" * 900}, "/bin/sh -c #(nop) ADD file:" + "0" * 64 + " in / ")
        .layer({"opt/app": b"made" * 100}, **buildkit.copy("/out", "/opt"))
        .layer({"base": Whiteout()}, **buildkit.run("rm /base"))
        .build()
    )
    (folder / "Dockerfile").write_text(DOCKERFILE)
    return FORMS["docker-legacy"].write([image], folder / "app.tar")


def text_of(session: Session, number: int) -> list[str]:
    content = instruction_text(session, session.analysis.instructions[number])
    return [" ".join(line.split()) for line in content.plain.splitlines()]


def test_the_details_of_a_copy_name_what_can_have_made_its_files(tmp_path: Path) -> None:
    async def script(driver: Driver) -> None:
        found = text_of(driver.browse.session, 1)
        start = found.index("copies from stage build, where these can have made the files:")
        assert found[start + 1 : start + 5] == [
            "5 COPY --from=tools /tools /out/",
            "2 RUN make tools (stage tools)",
            "4 RUN make app",
            "image alpine",
        ]
        assert not any(line.startswith("copies") for line in text_of(driver.browse.session, 2))

    browse(app(tmp_path), script, size=WIDE, dockerfile=tmp_path / "Dockerfile")


def test_the_image_says_what_own_instructions_waste_of_the_base(tmp_path: Path) -> None:
    async def script(driver: Driver) -> None:
        shown = " ".join(image_text(driver.browse.session).plain.split())
        assert "base 900 B, 0 B wasted own 400 B, 900 B wasted" in shown
        assert "900 B of the own waste is in files of the base image" in shown
        await driver.press("i")
        assert "Base image and own instructions" in driver.text

    browse(app(tmp_path), script, size=WIDE, dockerfile=tmp_path / "Dockerfile")


def test_without_a_known_base_nothing_is_said_of_it(tmp_path: Path) -> None:
    plain = FORMS["docker-legacy"].write([image_of({"a": b"x"})], tmp_path / "plain.tar")

    async def script(driver: Driver) -> None:
        assert "own instructions" not in image_text(driver.browse.session).plain

    browse(plain, script, size=WIDE)
