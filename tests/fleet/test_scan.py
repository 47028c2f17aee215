"""A scan reads each layer once, tells what a report tells of each image, and goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from layerscope.cache.shelf import Shelf
from tests.builder import FORMS, ImageBuilder, digest_of
from tests.fleet.cluster import Cluster
from tests.fleet.expected import QUERIES, expected
from tests.fleet.served import FleetRegistry
from tests.fleet.world import fill, make

Ask = Callable[[Path, str], list[dict[str, Any]]]
Scan = Callable[..., str]

HOSTILE = json.dumps(
    {
        "schemaVersion": 2,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:" + "0" * 64, "size": 2},
        "layers": [{"mediaType": "x", "digest": "sha256:" + "1" * 64, "size": 1}] * 3000,
    }
).encode()  # fmt: skip


def assert_same(rows: Ask, folder: Path, references: list[str], shelf: Shelf | None = None) -> None:
    """Each table has the rows of each image that its own report has."""
    wanted = {reference: expected(reference, shelf) for reference in references}
    for table, query in QUERIES.items():
        found: dict[str, list[tuple[Any, ...]]] = {reference: [] for reference in references}
        for row in rows(folder, query):
            reference, *others = row.values()
            if reference in found:
                found[reference].append(tuple(others))
        for reference in references:
            own = wanted[reference][table]
            assert sorted(found[reference], key=repr) == sorted(own, key=repr), (table, reference)


@pytest.fixture
def served(registry: FleetRegistry) -> FleetRegistry:
    """Twenty images, one of which has a broken layer, and a hostile manifest."""
    made = make(20, 4, 50)
    fill(registry, made)
    registry.serve_manifest(HOSTILE, "evil/app", "1")
    broken = ImageBuilder().layer({"a": b"broken" * 99}).build()
    registry.push(broken, "ops/broken", "1")
    digest = digest_of(broken.layers[0].compressed("gzip"))
    registry.blobs[digest] = registry.blobs[digest][:-9] + b"\0" * 9
    return registry


@pytest.fixture
def few(registry: FleetRegistry) -> FleetRegistry:
    """Eight images."""
    fill(registry, make(8, 2, 16))
    return registry


@pytest.mark.slow
def test_rows_equal_what_a_report_says_of_each_image(
    served: FleetRegistry, cluster: Cluster, scan: Scan, rows: Ask, tmp_path: Path
) -> None:
    said = scan(f"registry:{served.netloc}", scheduler=cluster.address)
    assert "20 images, 0 of them unchanged; 50 layers" in said
    sent = served.blobs_sent()
    folder = tmp_path / "fleet"
    layers = {row["digest"] for row in rows(folder, "SELECT digest FROM layers")}
    assert len(layers) == 50
    assert sorted(each for each in sent if each in layers) == sorted(layers)
    good = [each for each in served.references() if "/evil/" not in each and "/broken:" not in each]
    found = rows(folder, "SELECT reference FROM images ORDER BY reference")
    assert [row["reference"] for row in found] == sorted(good)
    assert_same(rows, folder, good)
    failures = rows(folder, "SELECT reference, stage, kind FROM failures ORDER BY ALL")
    assert [(row["reference"].rpartition("/")[2], row["stage"], row["kind"]) for row in failures] == [
        ("app:1", "image", "LimitExceeded"),
        ("broken:1", "image", "FormatError"),
        ("broken:1", "layer", "FormatError"),
    ]  # fmt: skip


@pytest.mark.slow
def test_a_second_scan_reads_only_what_is_new(
    few: FleetRegistry, scan: Scan, rows: Ask, tmp_path: Path
) -> None:
    scan(f"registry:{few.netloc}")
    few.asked.clear()
    fresh = ImageBuilder(created="2025-05-05T00:00:00Z")
    fresh.layers.append(make(8, 2, 16)[0].image.layers[0])
    fresh.step("RUN of the base").layer({"new": b"new" * 50}, "COPY new /new")
    few.push(fresh.build(), "web/app0", "new")
    said = scan(f"registry:{few.netloc}")
    assert "9 images, 8 of them unchanged; 1 layer with" in said
    layers = {row["digest"] for row in rows(tmp_path / "fleet", "SELECT digest FROM layers")}
    assert [each for each in few.blobs_sent() if each in layers] == [
        digest_of(fresh.layers[1].compressed("gzip"))
    ]
    assert_same(rows, tmp_path / "fleet", [few.reference("web/app0", "new")])


@pytest.mark.slow
def test_a_tag_that_is_gone_takes_along_what_only_it_needed(
    few: FleetRegistry, scan: Scan, rows: Ask, tmp_path: Path
) -> None:
    folder = tmp_path / "fleet"
    made = make(8, 2, 16)
    scan(f"registry:{few.netloc}")
    last = made[-1]
    reference = few.reference(last.repository, last.tag)
    own = rows(folder, f"SELECT diff_id FROM image_layers JOIN images USING (image) WHERE reference = '{reference}'"
               " AND diff_id NOT IN (SELECT diff_id FROM image_layers JOIN images USING (image)"
               f" WHERE reference != '{reference}')")  # fmt: skip
    assert own
    del few.repositories[last.repository][last.tag]
    scan(f"registry:{few.netloc}")
    gone = ", ".join(f"'{row['diff_id']}'" for row in own)
    for table in ("image_layers", "layers", "files"):
        assert rows(folder, f"SELECT count(*) AS n FROM {table} WHERE diff_id IN ({gone})") == [{"n": 0}]  # fmt: skip
    assert rows(folder, "SELECT count(*) AS n FROM images") == [{"n": 7}]
    summed = "SELECT hash, size, count(*)::BIGINT AS copies, count(DISTINCT diff_id)::BIGINT AS layers FROM files WHERE hash IS NOT NULL AND size > 0 GROUP BY ALL ORDER BY hash"
    assert rows(folder, "SELECT * FROM contents ORDER BY hash") == rows(folder, summed)


@pytest.mark.slow
def test_a_tag_that_moved_is_one_row(
    few: FleetRegistry, scan: Scan, rows: Ask, tmp_path: Path
) -> None:
    scan(f"registry:{few.netloc}")
    moved = ImageBuilder().layer({"moved": b"moved"}, "COPY").build()
    digest = few.push(moved, "base/os0", "0")
    scan(f"registry:{few.netloc}")
    where = f"WHERE reference = '{few.reference('base/os0', '0')}'"
    assert rows(tmp_path / "fleet", f"SELECT digest FROM images {where}") == [{"digest": digest}]


def test_archives_and_layouts_in_a_folder_are_scanned(
    scan: Scan, rows: Ask, tmp_path: Path
) -> None:
    source = tmp_path / "archives"
    (source / "below").mkdir(parents=True)
    one = (
        ImageBuilder("app:1")
        .layer({"a": b"a" * 99, "b": b"b"}, "RUN one")
        .layer({"a": b"c"}, "RUN two")
    )
    two = ImageBuilder("app:2").layer({"z": b"a" * 99}, "RUN three")
    FORMS["docker-legacy"].write([one.build(), two.build()], source / "both.tar")
    FORMS["oci-archive"].write([one.build()], source / "below" / "one.tar")
    FORMS["oci-dir"].write([two.build()], source / "layout")
    (source / "not.tar").write_bytes(b"not an archive")
    scan(str(source))
    folder = tmp_path / "fleet"
    found = [row["reference"] for row in rows(folder, "SELECT reference FROM images ORDER BY ALL")]
    assert found == [
        f"{source}/below/one.tar",
        f"{source}/layout",
        f"docker-archive:{source}/both.tar:app:1",
        f"docker-archive:{source}/both.tar:app:2",
    ]
    assert_same(rows, folder, found)
    assert [row["reference"] for row in rows(folder, "SELECT reference FROM failures")] == [
        f"{source}/not.tar"
    ]


def test_a_file_of_references_and_tag_patterns_choose_images(
    few: FleetRegistry, scan: Scan, rows: Ask, tmp_path: Path
) -> None:
    listed = tmp_path / "images.txt"
    name = f"{few.netloc}/web/app0"
    listed.write_text(f"# what runs\n{name}:v0\n\nregistry:{few.netloc}/base/os1:1\nNOT//A NAME\n")
    scan(str(listed), out=tmp_path / "listed")
    found = rows(tmp_path / "listed", "SELECT reference FROM images ORDER BY ALL")
    assert [row["reference"] for row in found] == [
        f"registry:{few.netloc}/base/os1:1",
        f"registry:{name}:v0",
    ]
    assert rows(tmp_path / "listed", "SELECT kind FROM failures") == [{"kind": "BadReference"}]
    scan(f"registry:{few.netloc}", "--tag", "v[1-3]", out=tmp_path / "chosen")
    chosen = rows(tmp_path / "chosen", "SELECT reference FROM images")
    tags = sorted(row["reference"].rpartition(":")[2] for row in chosen)
    assert tags == ["v1", "v2", "v3"]


def test_only_images_that_are_new_enough_are_scanned(
    registry: FleetRegistry, scan: Scan, rows: Ask, tmp_path: Path
) -> None:
    old = ImageBuilder(created="2001-01-01T00:00:00Z").layer({"a": b"a"}).build()
    new = ImageBuilder(created="2999-01-01T00:00:00.123456789Z").layer({"b": b"b"}).build()
    unknown = ImageBuilder(created=None).layer({"c": b"c"}).build()
    for tag, image in (("old", old), ("new", new), ("unknown", unknown)):
        registry.push(image, "app", tag)
    said = scan(f"registry:{registry.netloc}/app", "--newer-than", "90d")
    assert "2 images older than asked for" in said
    found = rows(tmp_path / "fleet", "SELECT reference FROM images")
    assert [row["reference"] for row in found] == [registry.reference("app", "new")]


@pytest.mark.slow
def test_a_registry_is_asked_by_no_more_jobs_than_allowed(few: FleetRegistry, scan: Scan) -> None:
    from layerscope.fleet.lanes import Lanes

    lanes: Lanes[int] = Lanes(2)
    for size in (5, 9, 7):
        lanes.add("one", size, size)
    lanes.add("two", 1, 1)
    assert [lanes.take(), lanes.take(), lanes.take(), lanes.take()] == [
        ("one", 9), ("one", 7), ("two", 1), None,
    ]  # fmt: skip
    lanes.done("one")
    assert lanes.take() == ("one", 5)
    scan(f"registry:{few.netloc}", "--requests", "1")


@pytest.mark.slow
def test_two_scans_at_once_do_not_mix(few: FleetRegistry, scan: Scan, tmp_path: Path) -> None:
    from layerscope.fleet.folder import locked

    with locked(str(tmp_path / "fleet")):
        said = scan(f"registry:{few.netloc}", code=2)
    assert "another scan writes" in said
    assert "process" in said
    scan(f"registry:{few.netloc}")


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_one_line(
    cluster: Cluster, registry: FleetRegistry, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from layerscope.cli.main import main

    arguments = ["fleet", "scan", f"registry:{registry.netloc}", "--out", str(tmp_path / "out")]
    assert main([*arguments, "--scheduler", "nonsense"]) == 3
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 1
    assert "the Dask scheduler nonsense can't be reached" in said[0]
