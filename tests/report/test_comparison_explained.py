"""Causes and advice of two images side by side, from images and saved reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from layerscope.analysis.comparison.explained import CauseKey, Explained, compare_causes
from layerscope.cli.main import main
from layerscope.report.comparison.renderers import COMPARISON_RENDERERS
from tests.builder import ImageBuilder, Whiteout
from tests.cli.images import write

COPY = "/bin/sh -c #(nop) COPY dir:1 in /srv"


def builder(name: str, docs: int, model: int) -> ImageBuilder:
    image = ImageBuilder(name)
    image.layer(
        {
            "usr/share/doc/a/README": b"d" * docs,
            "var/lib/dpkg/status": b"",
            "srv/model/a.bin": b"m" * model,
        },
        created_by=COPY,
    )
    return image


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    """B has more documentation, a larger model, and a file that a later step deletes."""
    a, b = builder("app:1", 1_000, 40_000), builder("app:2", 3_000, 60_000)
    b.layer({"srv/cache/x": b"c" * 9_000}, created_by="/bin/sh -c fetch")
    b.layer({"srv/cache/x": Whiteout()}, created_by="/bin/sh -c rm -r /srv/cache")
    return write(a.build(), tmp_path / "a.tar"), write(b.build(), tmp_path / "b.tar")


def compared(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["compare", *arguments, "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_causes_are_paired_and_add_up(
    pair: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    document = compared(capsys, *pair)
    causes = document["causes"]
    assert [(row["kind"], row["name"], row["delta"]) for row in causes] == [
        ("directory", "/srv/model", 20_000),
        ("waste", "deleted", 9_000),
        ("dead_weight", "docs", 2_000),
    ]
    for side in "ab":
        assert sum(row[side] for row in causes) == document["sizes"]["content"][side]


def test_advice_that_is_new_or_gone_is_listed(
    pair: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = pair
    forth, back = compared(capsys, one, other), compared(capsys, other, one)
    (row,) = forth["advice"]["added"]
    assert (row["rule"], row["bytes"]) == ("merge-removal", 9_000)
    assert forth["advice"]["removed"] == back["advice"]["added"] == []
    assert back["advice"]["removed"] == [row]
    same = compared(capsys, other, other)["advice"]
    assert same == {"added": [], "removed": [], "same": 1}


def test_saved_reports_say_the_same(
    pair: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = []
    for reference in pair:
        path = tmp_path / f"{Path(reference).stem}.json"
        assert main(["report", reference, "--files", "-o", f"json={path}"]) == 0
        saved.append(str(path))
    whole, again = compared(capsys, *pair), compared(capsys, *saved)
    assert again["causes"] == whole["causes"]
    assert again["advice"] == whole["advice"]
    document = json.loads(Path(saved[0]).read_text())
    del document["causes"]
    Path(saved[0]).write_text(json.dumps(document))
    assert compared(capsys, *saved)["causes"] is None
    assert compared(capsys, *saved)["advice"] is None


@pytest.mark.parametrize("name", ["text", "markdown", "html", "csv"])
def test_every_format_shows_causes_advice_and_dead_weight(
    name: str, pair: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert name in COMPARISON_RENDERERS
    capsys.readouterr()
    assert main(["compare", *pair, "--format", name]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "/srv/model" in text
    assert "delete /srv/cache/x in the same RUN" in text
    if name == "csv":
        assert "cause,,,,/srv/model," in text
        assert "dead_weight,,,,,docs,1000,3000,2000" in text
        return
    assert "+20.0 kB" in text
    assert "+2.0 kB" in text
    if name in ("markdown", "html"):
        assert "1.0 kB" in text
        assert "3.0 kB" in text


def explained(**causes: int) -> Explained:
    return Explained(
        causes={
            CauseKey(False, "directory", name.replace("_", "/").encode()): size
            for name, size in causes.items()
        },
        advice=(),
    )


def test_a_directory_that_only_one_image_has_counts_for_the_one_above() -> None:
    pairs = compare_causes(explained(srv=100, usr_lib=50), explained(srv_app=105, usr_lib=50))
    assert pairs is not None
    assert {(key.name, one, other) for key, one, other in pairs} == {
        (b"srv", 100, 105),
        (b"usr/lib", 50, 50),
    }


def test_a_package_that_is_large_in_one_image_counts_for_its_type() -> None:
    large = Explained(causes={CauseKey(False, "package", "pypi torch 2.1"): 900}, advice=())
    small = Explained(causes={CauseKey(False, "packages", "pypi"): 500}, advice=())
    assert compare_causes(small, large) == ((CauseKey(False, "packages", "pypi"), 500, 900),)


def test_the_base_image_is_apart_only_if_both_are_known() -> None:
    base = Explained(causes={CauseKey(True, "packages", "deb"): 500}, advice=())
    own = Explained(causes={CauseKey(False, "packages", "deb"): 700}, advice=())
    assert compare_causes(base, own, apart=False) == (
        (CauseKey(False, "packages", "deb"), 500, 700),
    )
    assert compare_causes(base, own) == (
        (CauseKey(False, "packages", "deb"), 0, 700),
        (CauseKey(True, "packages", "deb"), 500, 0),
    )


def test_advice_about_corresponding_instructions_is_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A classic builder's history has a hash where another one has the words."""
    references = []
    for name, created_by in (("a", "COPY dir:1 in /app"), ("b", "COPY dir:2 in /app")):
        image = ImageBuilder("app:1").layer({"bin/sh": b"sh"}, created_by="/bin/sh -c base")
        image.layer({"app/x": b"x" * 9_000}, created_by=f"/bin/sh -c #(nop) {created_by}")
        image.layer({"app/x": Whiteout()}, created_by="/bin/sh -c rm /app/x")
        references.append(write(image.build(), tmp_path / f"{name}.tar"))
    advice = compared(capsys, *references)["advice"]
    assert advice == {"added": [], "removed": [], "same": 1}
