"""Archives that were unpacked, by the files in them."""

from __future__ import annotations

import io
import random
import tarfile
import zipfile
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerscope.analysis.weight import unpacked
from layerscope.packages import archive_members
from layerscope.packages.archive_members import HEAD, MOST_LISTED, Allowance, clip, members_in
from layerscope.packages.documents import about_packages
from layerscope.report.document.builder import build
from tests.analysis.images import analysed, analysis_of, image_of
from tests.analysis.weight.weighing import kinds_of, weight_of
from tests.builder import Hardlink, Whiteout

TREE: dict[str, bytes] = {
    "tool-1.2/bin/tool": b"t" * 700,
    "tool-1.2/lib/" + "deep/" * 30 + "a.py": b"a" * 31,
    "tool-1.2/lib/b.py": b"b" * 500,
    "tool-1.2/README": b"r" * 99,
    "tool-1.2/empty": b"",
}
MODES = ["w", "w:gz", "w:bz2", "w:xz"]
ENDINGS = {"w": ".tar", "w:gz": ".tar.gz", "w:bz2": ".tar.bz2", "w:xz": ".txz"}


def tarred(files: Mapping[str, bytes], mode: str = "w:gz", form: int = tarfile.GNU_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=form) as archive:  # type: ignore[call-overload]
        for path, data in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def zipped(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return out.getvalue()


def below(folder: str, *, stripped: bool = False) -> dict[str, bytes]:
    """The unpacked files in a directory."""
    return {
        f"{folder}/{path.partition('/')[2] if stripped else path}": data
        for path, data in TREE.items()
    }


def listed(path: bytes, data: bytes, allowance: Allowance | None = None) -> list[tuple[bytes, int]]:
    def read_at(position: int, count: int) -> bytes:
        return data[position : position + count]

    kept = clip(path, read_at, len(data), allowance or Allowance())
    return [] if kept is None else members_in(kept)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_the_files_of_a_tar_are_listed(mode: str, form: int) -> None:
    data = tarred(TREE, mode, form)
    assert listed(b"a" + ENDINGS[mode].encode(), data) == [
        (path.encode(), len(body)) for path, body in TREE.items() if body
    ]


def test_the_files_of_a_zip_are_listed() -> None:
    assert listed(b"a.zip", zipped(TREE)) == [
        (path.encode(), len(body)) for path, body in TREE.items() if body
    ]
    assert listed(b"a.zip", b"comment before" + zipped(TREE)) == []


def test_links_and_directories_of_a_tar_are_not_listed() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind in (("d", tarfile.DIRTYPE), ("s", tarfile.SYMTYPE), ("h", tarfile.LNKTYPE)):
            member = tarfile.TarInfo(name)
            member.type = kind
            member.linkname = "x"
            archive.addfile(member)
        member = tarfile.TarInfo("./x//./y")
        member.size = 3
        archive.addfile(member, io.BytesIO(b"abc"))
    assert listed(b"a.tar", out.getvalue()) == [(b"x/y", 3)]


@pytest.mark.slow
def test_lists_are_bounded() -> None:
    many = {f"{number:05}/{'n' * 100}": b"x" for number in range(20_000)}
    assert len(listed(b"a.tar.gz", tarred(many))) == MOST_LISTED
    spread = listed(b"a.zip", zipped(many))
    assert len(spread) <= MOST_LISTED
    assert spread[-1][0] > b"19"
    allowance = Allowance(kept=50_000)
    lists = [listed(b"a.zip", zipped(many), allowance) for _ in range(10)]
    assert [bool(each) for each in lists].count(True) < 5
    bomb = tarred({"a": b"", "b": bytes(40 * HEAD)})
    allowance = Allowance(looked_at=3 * HEAD)
    assert [bool(listed(b"a.tgz", bomb, allowance)) for _ in range(5)] == [True] * 3 + [False] * 2


@given(st.binary(max_size=400), st.integers(0, 2_000), st.sampled_from([*MODES, "zip"]))
def test_a_damaged_archive_has_a_list_or_none(noise: bytes, at: int, mode: str) -> None:
    data = zipped(TREE) if mode == "zip" else tarred(TREE, mode)
    at = min(at, len(data))
    name = b"a" + ENDINGS.get(mode, ".zip").encode()
    for path, size in listed(name, data[:at] + noise + data[at + len(noise) :]):
        assert path
        assert size > 0


@pytest.mark.parametrize(
    ("form", "compression"),
    [("docker-legacy", "none"), ("oci-archive", "gzip"), ("oci-archive", "zstd")],
)
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("t.tar", tarred(TREE, "w")),
        ("t.tar.gz", tarred(TREE)),
        ("t.txz", tarred(TREE, "w:xz")),
        ("t.zip", zipped(TREE)),
    ],
)
def test_an_archive_counts_wherever_it_was_unpacked_to(
    form: str, compression: str, name: str, data: bytes
) -> None:
    image = image_of({f"tmp/{name}": data, **below("opt")}, {"later": b"x"})
    weight = weight_of(analysed(image, form, compression))
    (kind,) = weight.kinds
    assert (kind.kind, kind.bytes) == ("archives", len(data))
    assert [(path.path, path.evidence) for path in kind.paths] == [
        (f"tmp/{name}".encode(), "contents")
    ]


def test_the_first_directory_may_be_left_out() -> None:
    data = tarred(TREE)
    assert kinds_of({"tmp/t.tgz": data}, below("srv/app", stripped=True)) == {"archives": len(data)}


@pytest.mark.parametrize("found", [0, 1, 2])
def test_an_archive_with_few_of_its_files_in_the_image_does_not_count(found: int) -> None:
    files = dict(list(below("srv").items())[:found])
    assert kinds_of({"srv/t.tgz": tarred(TREE), **files}) == {}


def test_files_of_another_size_are_other_files() -> None:
    other = {path: data + b"+" for path, data in below("srv").items()}
    assert kinds_of({"srv/t.tgz": tarred(TREE), **other}) == {}


def test_the_list_outweighs_a_directory_of_the_same_name() -> None:
    """Its source was built and removed, and the directory holds something else."""
    assert kinds_of({"srv/t.tgz": tarred(TREE), "srv/t/other": b"x"}) == {}


def test_without_a_list_the_directory_beside_is_the_evidence() -> None:
    analysis = analysis_of(
        {"srv/t.7z": b"7z" * 9, "srv/t/x": b"x", "srv/u.tgz": b"?", "srv/u/x": b"x"}
    )
    (kind,) = weight_of(analysis).kinds
    assert [(path.path, path.evidence) for path in kind.paths] == [
        (b"srv/t.7z", "folder"),
        (b"srv/u.tgz", "folder"),
    ]
    document: Any = build(analysis)
    (row,) = [row for row in document["dead_weight"]["kinds"] if row["kind"] == "archives"]
    assert [path["evidence"] for path in row["paths"]] == ["folder", "folder"]


def test_a_few_files_must_be_next_to_the_archive() -> None:
    """A license of the same size is elsewhere by chance."""
    data = tarred({"LICENSE": b"l" * 400})
    assert kinds_of({"srv/t.tgz": data, "usr/lib/LICENSE": b"l" * 400}) == {}
    assert kinds_of({"srv/t.tgz": data, "srv/t/LICENSE": b"l" * 400}) == {"archives": len(data)}


def test_deleted_files_are_not_unpacked_ones() -> None:
    assert kinds_of({"srv/t.tgz": tarred(TREE), **below("srv")}, {"srv/tool-1.2": Whiteout()}) == {}


def test_an_archive_with_two_names_counts_once() -> None:
    data = tarred(TREE)
    files = {"srv/t.tgz": data, "srv/u.tgz": Hardlink("srv/t.tgz"), **below("srv")}
    assert kinds_of(files) == {"archives": len(data)}


def test_an_archive_in_a_cache_stays_a_cache() -> None:
    data = tarred(TREE)
    files = {"root/.cache/pip/t.tgz": data, **below("srv")}
    assert kinds_of(files) == {"package_cache": len(data)}


def test_archives_beyond_the_bound_are_judged_by_the_directory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unpacked, "MOST_MEMBERS", 4)
    files = {"a/t.tgz": tarred(TREE), "b/t.tgz": tarred(TREE), "b/t/x": b"x", **below("srv")}
    (kind,) = weight_of(analysis_of(files)).kinds
    assert [(path.path, path.evidence) for path in kind.paths] == [
        (b"a/t.tgz", "contents"),
        (b"b/t.tgz", "folder"),
    ]


def test_a_list_of_an_archive_is_not_a_package() -> None:
    data = tarred(TREE)
    kept = clip(b"t.tgz", lambda at, count: data[at : at + count], len(data), Allowance())
    assert kept is not None
    assert about_packages(kept) == b""


def test_the_same_file_everywhere_costs_no_more_than_its_bound() -> None:
    random.seed(1)
    files: dict[str, bytes] = {f"d{number}/same/x.py": b"x" * 10 for number in range(2_000)}
    archive = tarred({f"{number}/same/x.py": b"x" * 10 for number in range(150)})
    assert kinds_of({**files, "t.tgz": archive}) == {}
    assert archive_members.MOST_LISTED >= 150
