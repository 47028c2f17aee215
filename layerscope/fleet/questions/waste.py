"""Waste by kind, repository, and instruction, and the advice on it."""

from __future__ import annotations

from typing import Final

from layerscope.fleet.questions.question import Column, Question

KINDS: Final = Question(
    key="waste_by_kind",
    title="Waste by kind",
    meaning="Content that an image stores and its final filesystem doesn't have, summed over all images.",
    columns=(
        Column("bytes", "wasted", "size"),
        Column("images", "images", "count"),
        Column("files", "files", "count"),
        Column("kind", "kind", "word"),
    ),
    sql="SELECT sum(bytes)::BIGINT AS bytes, count(DISTINCT image) AS images, sum(files)::BIGINT AS files, kind"
    " FROM waste GROUP BY kind",
    order="bytes DESC, kind",
    bar="bytes",
)
REPOSITORIES: Final = Question(
    key="waste_by_repository",
    title="Waste by repository",
    meaning="Summed over the images of a repository, the same image under two tags once.",
    columns=(
        Column("wasted", "wasted", "size"),
        Column("share", "of content", "percent"),
        Column("images", "images", "count"),
        Column("repository", "repository", "path"),
    ),
    sql="SELECT sum(wasted)::BIGINT AS wasted, round(100.0 * sum(wasted) / nullif(sum(content), 0), 1) AS share,"
    " count(*) AS images, repository FROM (SELECT DISTINCT repository, image, wasted, content FROM images)"
    " GROUP BY repository HAVING sum(wasted) > 0",
    order="wasted DESC, repository",
    bar="wasted",
)
INSTRUCTIONS: Final = Question(
    key="waste_by_instruction",
    title="Waste by instruction",
    meaning="The instructions whose content is wasted most, by their text, summed over all images.",
    columns=(
        Column("wasted", "wasted", "size"),
        Column("images", "images", "count"),
        Column("instruction", "instruction"),
    ),
    sql="SELECT sum(wasted)::BIGINT AS wasted, count(DISTINCT image) AS images, substr(text, 1, 500) AS instruction"
    " FROM instructions WHERE wasted > 0 GROUP BY substr(text, 1, 500)",
    order="wasted DESC, instruction",
    bar="wasted",
)
_SAVED: Final = (
    "SELECT rule, sum(bytes)::BIGINT AS bytes, count(DISTINCT image) AS images, arg_max(message, (bytes, message)) AS message"
    " FROM advice WHERE bytes > 0 GROUP BY rule"
)
_SAVED_ONCE: Final = (
    "SELECT rule, sum(bytes)::BIGINT AS stored FROM"
    " (SELECT rule, coalesce(diff_id, image) AS place, message, max(bytes) AS bytes FROM advice GROUP BY ALL) GROUP BY rule"
)
ADVICE: Final = Question(
    key="advice",
    title="Advice",
    meaning="What following a rule everywhere would save: over all images, and once for each layer. "
    "The sentence is the largest single case.",
    columns=(
        Column("stored", "stored", "size"),
        Column("bytes", "in images", "size"),
        Column("images", "images", "count"),
        Column("rule", "rule"),
        Column("message", "largest case"),
    ),
    sql=f"SELECT o.stored, a.bytes, a.images, a.rule, a.message FROM ({_SAVED}) a JOIN ({_SAVED_ONCE}) o USING (rule)",
    order="bytes DESC, rule",
    bar="bytes",
)
