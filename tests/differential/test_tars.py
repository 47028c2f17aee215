"""The scanner reads or refuses mutated tars like Go's archive/tar, and every disagreement of the others is of a known class.

`python -m tests.differential tars --count 200000 --log FILE` compares more of them.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.batches import run_all
from tests.builder import Directory, File, Symlink
from tests.builder.tar import tar
from tests.builder.tools import absent, require, run
from tests.differential import tars
from tests.differential.listing import AGREE, Row
from tests.differential.tars import BSD, GNU, GO, PYTHON, READERS
from tests.effort import SEED, examples
from tests.fuzz.mutations import many
from tests.layers import gotar

PLAIN = tar([("d/", Directory()), ("d/f", File(b"x" * 700, mode=0o4755)), ("d/l", Symlink("f"))])


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("go") is None:
        pytest.skip("no Go toolchain here to compile the oracle with")
    if b"GNU tar" not in run("tar", "--version").stdout:
        absent("tar is not GNU tar")
    require("bsdtar")
    try:
        return gotar.build(tmp_path_factory.mktemp("gotar"))
    except subprocess.CalledProcessError as error:
        pytest.skip(f"the Go toolchain here does not compile: {error.stderr[-200:]!r}")


@pytest.mark.slow
@pytest.mark.random
def test_mutated_tars_are_read_and_refused_as_go_does(program: Path, tmp_path: Path) -> None:
    count = examples(2000)
    log = tmp_path / "log"
    sums = run_all(
        partial(tars.run, program), count=count, seed=int(SEED or 1), size=500, processes=1, log=log
    )
    assert sums.finds == []
    assert sums.counts["all"] == count
    for name in READERS:
        agreed = sums.counts[f"{name}: the same"] + sums.counts[f"{name}: both refuse"]
        assert agreed > count / 3, name


def test_a_plain_tar_is_the_same_to_all_readers(program: Path) -> None:
    (theirs,) = tars.listings(program, [PLAIN])
    assert tars.relations(PLAIN, theirs) == dict.fromkeys(READERS, "the same")
    assert {len(listing.rows) for listing in theirs.values()} == {3}


@pytest.mark.parametrize("name", [GNU, BSD, PYTHON])
def test_each_reader_is_compared_in_every_field_it_says(name: str, program: Path) -> None:
    (theirs,) = tars.listings(program, [PLAIN])
    rows = theirs[name].rows
    right = rows[1]
    for field in ("kind", "name", "mode", "uid", "gid", "mtime", "size"):
        value = getattr(right, field)
        rows[1] = right._replace(**{field: value + (b"x" if field == "name" else 1)})
        assert tars.relations(PLAIN, theirs)[name] == f"another {field}"
    rows[1] = right
    rows[2] = rows[2]._replace(link=b"other")
    assert tars.relations(PLAIN, theirs)[name] == "another link"


def test_the_comparison_with_go_sees_members_and_refusals(program: Path) -> None:
    found = list(many(300))
    listings = list(tars.listings(program, found))
    assert sum(each[GO].error is not None for each in listings) > 50
    assert sum(len(each[GO].rows) for each in listings) > 500
    place = next(at for at, each in enumerate(listings) if each[GO].error is None and each[GO].rows)
    data, theirs = found[place], listings[place]
    assert not tars.is_find(tars.relations(data, theirs)[GO])
    whole = theirs[GO]
    theirs[GO] = replace(whole, rows=[whole.rows[0]._replace(name=b"other"), *whole.rows[1:]])
    assert tars.is_find(tars.relations(data, theirs)[GO])
    theirs[GO] = replace(whole, rows=[*whole.rows, Row(0, b"more")])
    assert tars.is_find(tars.relations(data, theirs)[GO])
    theirs[GO] = replace(whole, error="damaged")
    assert tars.relations(data, theirs)[GO] not in AGREE


def test_a_run_that_was_stopped_goes_on_where_it_was(program: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    whole = run_all(partial(tars.run, program), count=60, seed=3, size=20, processes=1, log=log)
    lines = log.read_text().splitlines(keepends=True)
    assert len(lines) == 3
    log.write_text("".join(lines[:2]))
    again = run_all(partial(tars.run, program), count=60, seed=3, size=20, processes=1, log=log)
    assert again.counts == whole.counts
    assert len(log.read_text().splitlines()) == 3
