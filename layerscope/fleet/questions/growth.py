"""Growth by month, and failures."""

from __future__ import annotations

from typing import Final

from layerscope.fleet.questions.question import Column, Question

_MONTH: Final = "CASE WHEN regexp_full_match(substr(created, 1, 7), '[0-9]{4}-(0[1-9]|1[0-2])') THEN substr(created, 1, 7) END"
_MONTHS: Final = (
    f"SELECT month, count(*) AS images FROM (SELECT {_MONTH} AS month FROM named) GROUP BY month"
)
_NEW: Final = (
    "SELECT month, sum(stored)::BIGINT AS stored FROM (SELECT p.blob, any_value(p.stored) AS stored,"
    f" min(m.month) AS month FROM placed p JOIN (SELECT image, {_MONTH} AS month FROM named) m USING (image)"
    " GROUP BY p.blob) GROUP BY month"
)
GROWTH: Final = Question(
    key="growth",
    title="Growth by month",
    meaning="The images created in a month, and the bytes of the layers that came with them and no earlier image has. "
    "An image without a valid date is in the month –.",
    columns=(
        Column("month", "month"),
        Column("images", "images", "count"),
        Column("stored", "new layers", "size"),
    ),
    sql=f"SELECT m.month, m.images, coalesce(n.stored, 0) AS stored FROM ({_MONTHS}) m"
    f" LEFT JOIN ({_NEW}) n ON n.month IS NOT DISTINCT FROM m.month",
    order="month NULLS FIRST",
    bar="stored",
    chart="months",
)
FAILURES: Final = Question(
    key="failures",
    title="Failures",
    meaning="Images that can't be read, by the kind of error, with one case of each.",
    columns=(
        Column("images", "images", "count"),
        Column("kind", "error"),
        Column("message", "for example"),
    ),
    sql="SELECT count(DISTINCT reference) AS images, kind, min(message) AS message FROM failures"
    " GROUP BY kind",
    order="images DESC, kind",
    bar="images",
)
