"""The rows of the overview: why the image is big, what to do, and the dead weight with its paths."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Final, cast

from layerscope.analysis.causes import causes_of
from layerscope.records import dataclass
from layerscope.report.document.image_rows import base_row, instruction_row, sizes_row
from layerscope.report.document.origin_rows import origin_row
from layerscope.report.document.weight_rows import cause_row, dead_weight_row
from layerscope.report.page import wrap
from layerscope.report.sections import causes
from layerscope.report.sections.advice import idle_words
from layerscope.report.sections.weight import how_known, kind_name
from layerscope.report.words import one_line

if TYPE_CHECKING:
    from layerscope.analysis.advice.advice import Advice
    from layerscope.analysis.filter.query import Query
    from layerscope.analysis.grouping import WasteSummary
    from layerscope.analysis.model import Analysis
    from layerscope.report.document.rows import AnalysisDocument
    from layerscope.report.document.weight_types import KindWeightRow, WeightPathRow

MOST_PATHS: Final = 1_000
"""The most paths to list per kind."""
ADVICE: Final = 3
NARROWEST: Final = 20


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the overview. `kind` is the number of a kind of dead weight, for it and for its paths.

    `share` is a part of `whole`, the content or what is live. `path` and `layer` say where enter goes.
    """

    text: str
    head: bool = False
    bytes: int | None = None
    whole: int = 0
    ending: str = ""
    kind: int | None = None
    path: str | None = None
    layer: int = 0

    @property
    def opens(self) -> bool:
        """Whether the row is a kind, which has paths."""
        return self.kind is not None and self.path is None


class OverviewRows:
    """What the overview says of one image. Making it takes time, so a worker does."""

    def __init__(self, analysis: Analysis, advice: Sequence[Advice], waste: WasteSummary) -> None:
        facts = analysis.facts
        self._content = facts.sizes.content
        self._live = facts.sizes.live
        self._advice = [one_line(each.message) for each in advice[:ADVICE]]
        base = facts.base
        document = cast(
            "AnalysisDocument",
            {
                "causes": [cause_row(each) for each in causes_of(analysis, waste)],
                "instructions": [instruction_row(each, False) for each in analysis.instructions],
                "sizes": sizes_row(facts.sizes),
                **({} if base is None else {"base": base_row(base)}),
                **({} if facts.origin is None else {"origin": origin_row(facts.origin)}),
            },
        )
        self._idle = idle_words(document)
        self._causes = causes.lines(document)
        weight = None if facts.weight is None else dead_weight_row(facts.weight, None)
        self.kinds: Sequence[KindWeightRow] = () if weight is None else weight["kinds"]

    def rows(self, opened: Collection[int], width: int, query: Query | None) -> Iterator[Row]:
        """The rows for a list of `width` columns. A filter shows the dead weight that matches alone."""
        if query is None:
            yield Row("Why it is big, as a share of the content", head=True)
            for size, words, place in self._causes:
                yield Row(words, bytes=size, whole=self._content, ending=place)
            yield Row("")
            yield from self._what_to_do(width)
        if self.kinds:
            yield Row("What is live and hardly needed, as a share of that", head=True)
        for number, kind in enumerate(self.kinds):
            paths = [path for path in kind["paths"] if query is None or _holds(query, kind, path)]
            if query is not None and not paths:
                continue
            size = kind["bytes"] if query is None else sum(path["bytes"] for path in paths)
            yield Row(kind_name(kind), bytes=size, whole=self._live, kind=number)
            if number in opened:
                yield from self._paths(number, paths)

    def _what_to_do(self, width: int) -> Iterator[Row]:
        yield Row("What to do first", head=True)
        for message in self._advice or [f"nothing: {self._idle}"]:
            for line, part in enumerate(wrap(message, max(NARROWEST, width - 5))):
                yield Row(("   " if line else " · ") + part)
        yield Row("")

    def _paths(self, number: int, paths: Sequence[WeightPathRow]) -> Iterator[Row]:
        for path in paths[:MOST_PATHS]:
            words = (one_line(path["tool"] or ""), how_known(path))
            tool = "".join(f"{each}, " for each in words if each)
            yield Row(
                path["path"],
                bytes=path["bytes"],
                whole=self._live,
                ending=f"{tool}instruction {path['instruction']}",
                kind=number,
                path=path["path"],
                layer=path["layer"],
            )
        if paths[MOST_PATHS:]:
            yield Row(f"  {len(paths) - MOST_PATHS:,} smaller ones")


def _holds(query: Query, kind: KindWeightRow, path: WeightPathRow) -> bool:
    """Whether a filter matches a path, or the kind of its dead weight."""
    texts = (path["path"].removeprefix("/"), kind["kind"])
    return query.marks is None and any(
        query.holds(
            text.encode("utf-8", "surrogateescape"), path["bytes"], (path["layer"],), wasted=False
        )
        for text in texts
    )
