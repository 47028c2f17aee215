"""The tree shows what umoci unpacks, and what the kernel's overlayfs shows, for random stacks of layers.

`python -m tests.differential stacks --count 100000 --log FILE` compares more of them.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.batches import Sums, run_all
from tests.builder import Directory, File, Hardlink, Whiteout
from tests.builder.tar import tar
from tests.builder.tools import absent
from tests.differential import stacks, umoci
from tests.differential.on_disk import things_below
from tests.differential.stacks import OVERLAY, UMOCI, Shown, relation
from tests.effort import SEED, examples
from tests.engines.gotools import ToolError


@pytest.fixture(scope="module")
def program() -> Path:
    try:
        return umoci.build()
    except (ToolError, OSError) as error:
        absent(f"umoci's code cannot be built: {str(error)[-200:]}")


@pytest.mark.slow
@pytest.mark.engine
def test_random_stacks_are_what_umoci_unpacks_and_the_kernel_shows(program: Path) -> None:
    count = examples(500)
    try:
        sums = run_all(
            partial(stacks.run, program),
            count=count,
            seed=int(SEED or 1),
            size=100,
            processes=1,
            log=None,
        )
    except PermissionError as error:
        absent(f"overlays cannot be mounted here: {error}")
    assert sums.finds == []
    agreed = sums.counts["all"] - sums.counts["disputed"]
    assert agreed > count / 2
    assert same(sums, OVERLAY) == agreed
    assert same(sums, UMOCI) > 0.95 * agreed


def same(sums: Sums, name: str) -> int:
    return sum(
        number
        for what, number in sums.counts.items()
        if what.startswith(f"{name}, agreed: the same")
    )


def test_the_comparison_sees_every_kind_of_difference(tmp_path: Path, program: Path) -> None:
    layer = tar(
        [
            ("d/", Directory(mode=0o700)),
            ("d/f", File(b"one", uid=3, mtime=5)),
            ("d/g", Hardlink("d/f")),
            ("e", File(b"two")),
        ]
    )
    mine = stacks.ours([layer])
    assert umoci.unpack(program, [[layer]], tmp_path) == [""]
    theirs = things_below(tmp_path / "0")
    assert relation(mine, Shown(theirs)) == "the same"
    for path, change in (
        (b"d", {"mode": 0o755}),
        (b"e", {"content": b"three"}),
        (b"e", {"mode": 0o600}),
        (b"e", {"owner": (0, 1)}),
        (b"e", {"mtime": 9}),
        (b"e", {"kind": "fifo"}),
        (b"e", {"xattrs": ((b"user.a", b"b"),)}),
        (b"d/f", {"names": (b"d/f",)}),
    ):
        changed = theirs | {path: replace(theirs[path], **change)}
        assert relation(mine, Shown(changed)) == f"another {next(iter(change))}"
    assert relation(mine, Shown(theirs | {b"x": theirs[b"d"]})) == "it shows a path, we do not"
    assert relation(mine | {b"x": mine[b"d"]}, Shown(theirs)) == "we show a path, it does not"
    hidden = stacks.ours([layer, tar([("d/f", Whiteout())])])
    assert relation(hidden, Shown(theirs)) == "it shows a path, we do not"
