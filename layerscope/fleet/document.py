"""The report on a fleet as a document, which every format shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import layerscope
from layerscope.fleet.questions.growth import FAILURES, GROWTH
from layerscope.fleet.questions.holdings import LARGEST, WIDESPREAD
from layerscope.fleet.questions.sharing import BASES, DUPLICATES, LONELY
from layerscope.fleet.questions.summary import summary
from layerscope.fleet.questions.views import prepare
from layerscope.fleet.questions.waste import ADVICE, INSTRUCTIONS, KINDS, REPOSITORIES
from layerscope.fleet.tables import SCHEMA_VERSION

if TYPE_CHECKING:
    import duckdb

    from layerscope.fleet.questions.question import Question

TOP: Final = 20
"""The rows of a list, by default."""
QUESTIONS: Final[tuple[Question, ...]] = (
    BASES,
    GROWTH,
    KINDS,
    REPOSITORIES,
    INSTRUCTIONS,
    ADVICE,
    LARGEST,
    WIDESPREAD,
    DUPLICATES,
    LONELY,
    FAILURES,
)
"""In the order of the report."""

Document = dict[str, Any]


def build(connection: duckdb.DuckDBPyConnection, *, top: int = TOP) -> Document:
    """The document: `summary`, and for each question its `rows` and their `count`."""
    prepare(connection)
    document: Document = {
        "kind": "fleet",
        "layerscope": layerscope.__version__,
        "schema_version": SCHEMA_VERSION,
        "summary": summary(connection),
    }
    for question in QUESTIONS:
        document[question.key] = question.ask(connection, top)
    return document
