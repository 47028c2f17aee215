"""The questions in the documentation have answers, and the tables have the columns that it lists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from layerscope.fleet.database import connected
from layerscope.fleet.query import ask
from layerscope.fleet.tables import SCHEMAS
from tests.docs.pages import ROOT, blocks
from tests.fleet.inline import write_fleet
from tests.fleet.served import FleetRegistry
from tests.fleet.world import fill, make

PAGE = ROOT / "docs" / "fleet.md"
QUESTIONS = blocks(PAGE, "sql")


@pytest.fixture(scope="module")
def connection(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("docs") / "fleet"
    with FleetRegistry() as registry, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_CONFIG", str(folder))
        fill(registry, make(20, 4, 50))
        write_fleet(folder, f"registry:{registry.netloc}")
    with connected(str(folder)) as opened:
        yield opened


def test_there_are_ten_questions() -> None:
    assert len(QUESTIONS) == 10


@pytest.mark.parametrize("number", range(len(QUESTIONS)))
@pytest.mark.slow
def test_a_question_in_the_documentation_has_an_answer(
    number: int, connection: duckdb.DuckDBPyConnection
) -> None:
    assert list(ask(connection, QUESTIONS[number].text))


def test_the_documentation_lists_every_column_in_order() -> None:
    listed = {}
    for line in Path(PAGE).read_text().splitlines():
        match = re.fullmatch(r"\| `([a-z_]+)` \| ([^|]+) \| (`.+) \|", line)
        if match is not None:
            bare = re.sub(r"\([^()]*\)", "", match[3])
            listed[match[1]] = re.findall(r"`([a-z_]+)`", bare)
    assert listed == {name: list(schema.names) for name, schema in SCHEMAS.items()}
