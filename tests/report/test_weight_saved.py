"""Dead weight in a saved report: the same in every format, and refused if it doesn't add up."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from layerscope.analysis.model import Analysis
from layerscope.errors import UsageError
from layerscope.report.document.builder import build
from layerscope.report.document.serialize import dumps
from layerscope.report.formats.format import Display
from layerscope.report.formats.renderers import RENDERERS
from layerscope.report.saved.report import parse_saved
from layerscope.report.saved.restated import restate
from tests.analysis.images import analysed, image_of


@pytest.fixture(scope="module")
def heavy() -> Analysis:
    """Documentation in two layers and two directories, logs, and a file that a container needs."""
    image = image_of(
        {
            "usr/share/doc/a/README": b"d" * 12_000,
            "usr/share/info/a.info": b"i" * 3_000,
            "var/log/a.log": b"l" * 5_000,
            "srv/a": b"a" * 900,
        },
        {"usr/share/doc/b/README": b"d" * 8_000},
    )
    return analysed(image, "oci-archive", "gzip")


@pytest.mark.parametrize("name", sorted(set(RENDERERS) - {"svg"}))
def test_a_saved_report_renders_the_same(heavy: Analysis, name: str) -> None:
    document = build(heavy)
    saved = parse_saved(dumps(document).encode(), "saved.json")
    assert saved.facts.weight == heavy.facts.weight
    texts = []
    for each in (document, saved.document):
        out = io.StringIO()
        RENDERERS[name].create(Display()).render(each, out)
        texts.append(out.getvalue())
    assert texts[0] == texts[1]


def test_top_cuts_the_paths_of_each_kind_and_sums_up_the_rest(heavy: Analysis) -> None:
    whole, cut = build(heavy), build(heavy, top=1)
    saved = parse_saved(dumps(whole).encode(), "saved.json")
    restated = restate(saved, top=1)
    for document in (cut, restated):
        docs = document["dead_weight"]["kinds"][0]  # type: ignore[typeddict-item]
        assert docs["kind"] == "docs"
        assert [path["bytes"] for path in docs["paths"]] == [12_000]
        assert (docs["rest"]["bytes"], docs["rest"]["files"]) == (11_000, 2)
    again = parse_saved(dumps(cut).encode(), "saved.json").facts.weight
    assert again is not None
    assert again.bytes == 28_000


def _more(document: Any) -> None:
    document["dead_weight"]["bytes"] += 1


def _part(document: Any) -> None:
    document["dead_weight"]["kinds"][0]["parts"][0]["bytes"] -= 1


def _path(document: Any) -> None:
    document["dead_weight"]["kinds"][0]["paths"][0]["files"] += 1


def _kind(document: Any) -> None:
    document["dead_weight"]["kinds"][0]["kind"] = "feathers"


def _twice(document: Any) -> None:
    weight = document["dead_weight"]
    weight["kinds"].append(weight["kinds"][0])
    for name in ("bytes", "files", "compressed"):
        weight[name] += weight["kinds"][0][name]


def _layer(document: Any) -> None:
    document["dead_weight"]["kinds"][0]["paths"][0]["layer"] = 7


def _cause(document: Any) -> None:
    document["causes"][0]["instruction"] = 99


@pytest.mark.parametrize("change", [_more, _part, _path, _kind, _twice, _layer, _cause])
def test_a_report_that_does_not_add_up_is_refused(
    heavy: Analysis, change: Callable[[Any], None]
) -> None:
    document = json.loads(dumps(build(heavy)))
    change(document)
    with pytest.raises(UsageError, match=r"saved\.json"):
        parse_saved(json.dumps(document).encode(), "saved.json")


def test_a_report_without_dead_weight_is_read(heavy: Analysis) -> None:
    document = json.loads(dumps(build(heavy)))
    del document["dead_weight"], document["causes"]
    saved = parse_saved(json.dumps(document).encode(), "saved.json")
    assert saved.facts.weight is None
    out = io.StringIO()
    RENDERERS["text"].create(Display()).render(saved.document, out)
    assert "dead weight" not in out.getvalue()
