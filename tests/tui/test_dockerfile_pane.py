"""The Dockerfile pane, with sizes in its margin."""

from __future__ import annotations

from pathlib import Path

import pytest

from layerscope.tui.model.view import Scope
from layerscope.tui.panes.dockerfile_pane import DockerfileList
from tests.builder import FORMS, ImageBuilder, buildkit
from tests.tui.images import SIZES, Driver, browse

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = """\
FROM debian:12
# all that is needed
COPY . /app
RUN pip install \\
    flask
RUN chown app /app/data/model.bin
RUN rm -rf /root/.cache
CMD ["python", "main.py"]
"""


def listed(driver: Driver) -> DockerfileList:
    return driver.browse.query_one("#dockerfile", DockerfileList)


def painted(driver: Driver, width: int = 100) -> list[str]:
    lines = listed(driver)
    return ["".join(text for text, _ in lines.spans(row, width)) for row in range(len(lines.rows))]


@pytest.fixture
def dockerfile(tmp_path: Path) -> Path:
    path = tmp_path / "Dockerfile"
    path.write_text(DOCKERFILE)
    return path


@SIZES
def test_each_line_shows_what_it_stores_and_wastes(
    archive: str, dockerfile: Path, size: tuple[int, int]
) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("d")
        assert "d Dockerfile" in driver.text
        assert "all that is needed" in driver.text
        rows = painted(driver)
        summaries = driver.browse.session.analysis.instructions
        assert rows[2].split()[:5] == ["3", "1.7", "MB", "1.0", "MB"]
        assert summaries[2].sizes.content == 1_664_047
        assert rows[3].split()[:5] == ["4", "206.0", "kB", "200.0", "kB"]
        assert rows[4].split() == ["5", "flask"]
        assert rows[7].split()[:2] == ["8", "–"]
        assert {row[-1] for row in rows} != {" "}

    browse(archive, script, size=size, dockerfile=dockerfile)


def test_a_line_leads_to_what_it_changed_and_back(archive: str, dockerfile: Path) -> None:
    async def script(driver: Driver) -> None:
        screen = driver.browse
        await driver.press("d", "n")
        assert listed(driver).cursor == 2, "the largest"
        assert screen.instructions.current is not None
        assert screen.instructions.current.instruction.index == 2
        assert screen.files.scope == Scope("tree", 4, 4), "moving here leaves the files alone"
        for index in (3, 4, 3, 2):  # faster than the screen can update
            screen.select_instruction(index)
        await driver.settle()
        assert screen.files.scope == Scope("tree", 4, 4)
        await driver.press("n", "N", "enter")
        assert screen.tab == "files"
        assert screen.files.scope == Scope("layer", 1, 1)
        await driver.press("backspace")
        assert screen.tab == "dockerfile"
        await driver.press("end", "enter")
        assert screen.tab == "dockerfile", "CMD made no layer"
        await driver.press("home", "down", "enter")
        assert screen.tab == "dockerfile", "a comment made nothing"

    browse(archive, script, dockerfile=dockerfile)


def test_the_pane_opens_on_the_line_of_the_selected_instruction(
    archive: str, dockerfile: Path
) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("shift+tab", "shift+tab", "up", "d")
        assert listed(driver).cursor == 5
        await driver.press("f", "shift+tab", "shift+tab", "down", "5")
        assert listed(driver).cursor == 6

    browse(archive, script, dockerfile=dockerfile)


def test_without_a_known_dockerfile_the_key_says_how_to_name_one(archive: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("d")
        assert driver.browse.tab == "files"
        (told,) = driver.told
        assert "--dockerfile" in told
        assert "--provenance" in told
        assert "Dockerfile" not in driver.text.splitlines()[2]
        titles = [command.title for command in driver.browse.commands()]
        assert "Show dockerfile" not in titles

    browse(archive, script)


def test_the_dockerfile_comes_from_the_provenance_of_a_real_image() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("d")
        rows = painted(driver)
        assert rows[0].split()[:6] == ["1", "806.9", "kB", "12.7", "kB", "█████████▒"]
        assert rows[0].endswith("FROM python:3.8-slim")
        session = driver.browse.session
        assert session is not None
        shown = sum(each.sizes.content for line in listed(driver).rows for each in line.made)
        assert shown == session.analysis.sizes.content, "every byte has a line"

    browse(str(ROOT / "fixtures/my-python-app-buildkit.tar"), script)


def test_a_hostile_dockerfile_is_only_shown(tmp_path: Path) -> None:
    dockerfile = tmp_path / "Dockerfile"
    text = "# \x1b[31m[red]\u202e\t|\x9b"
    dockerfile.write_bytes(
        f"FROM scratch\nCOPY a /a\n{text}\n# {'x' * 5000}\n".encode() + b"\xff\xfe\r\x00\n"
    )
    image = ImageBuilder("t").layer({"a": b"1"}, **buildkit.copy("a", "/a")).build()
    reference = FORMS["oci-archive"].write([image], tmp_path / "image.tar")

    async def script(driver: Driver) -> None:
        await driver.press("d")
        assert driver.browse.tab == "dockerfile"
        for row in painted(driver, 60):
            assert row.isprintable()
            assert len(row) <= 60
        assert "[red]" in painted(driver)[2]

    browse(reference, script, dockerfile=dockerfile)
