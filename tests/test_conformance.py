"""One image gives the same report in every form and compression."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

import layerscope
from layerscope.report.document.builder import build
from tests.builder import (
    COMPRESSIONS,
    FORMS,
    OPAQUE,
    WHITEOUT,
    BuiltImage,
    Device,
    Directory,
    File,
    Hardlink,
    ImageBuilder,
    Sparse,
    Symlink,
    buildkit,
    classic,
    containerd_store,
    docker_legacy,
    docker_oci,
    oci,
)
from tests.cli.conftest import run_in
from tests.model import check_sums, expect
from tests.registry.server import Registry

CASES = [
    (name, compression)
    for name, form in FORMS.items()
    for compression in (COMPRESSIONS if form.compressing else ["none"])
]
TAGS = ("registry.example:5000/team/app:1.0", "registry.example:5000/team/app:latest")


def sample() -> BuiltImage:
    """An image with every kind of waste and entry, a repeated layer, and empty instructions."""
    library = File(b"library " * 400, mode=0o755, mtime=1700000000)
    again = {"var/": Directory(), "var/cache": File(b"cached" * 90)}
    return (
        ImageBuilder(*TAGS)
        .layer(
            {
                "etc/": Directory(),
                "etc/passwd": b"root:x:0:0::/root:/bin/sh\n",
                "etc/shadow": File(b"root:*:::::::\n", mode=0o640, gid=42),
                "usr/lib/libx.so.1": library,
                "usr/lib/libx.so": Symlink("libx.so.1"),
                "usr/lib/liby.so.1": Hardlink("usr/lib/libx.so.1", header_size=3200),
                "dev/null": Device(major=1, minor=3),
                "opt/old/a": b"a" * 900,
                "opt/old/b": b"b" * 800,
                "opt/": Directory(),
                "srv/" + "deep/" * 30 + "file": b"deep",
                b"srv/\xe9": b"latin",
                "srv/sparse": Sparse(size=10**9, chunks=((4096, b"x" * 512),)),
            },
            **classic.copy("/", "ADD"),
        )
        .empty(**classic.meta('CMD ["sh"]'))
        .layer(again, **buildkit.run("make cache"))
        .empty(**buildkit.meta("ENV A=b"))
        .layer(
            [
                ("usr/lib/libx.so.1", library),
                ("etc/shadow", File(b"root:*:::::::\n", mode=0o600, gid=42)),
                ("etc/passwd", b"root:x:0:0::/root:/bin/bash\n"),
                ("opt/old", WHITEOUT),
                ("twice", b"first"),
                ("twice", b"second"),
            ],
            **buildkit.run("apt-get install everything", {"KEY": "1"}),
        )
        .layer({"srv/": OPAQUE, "srv/new": b"new"}, **buildkit.copy("new", "/srv/new"))
        .layer(again, **buildkit.run("make cache"))
        .empty(**buildkit.command("ENTRYPOINT", ["app"]))
        .configure(Env=["PATH=/bin"], Cmd=["sh"], Labels={"a": "b"})
        .build()
    )


def report_of(reference: str, **options: Any) -> dict[str, Any]:
    with layerscope.load(reference, **options) as image:
        document: Any = build(layerscope.analyze(image), files=True, hashes=True)
        for layer in document["layers"]:
            layer["entries"] = list(layer["entries"])
    loaded: dict[str, Any] = json.loads(json.dumps(document))
    return loaded


def strip_costs(value: Any) -> None:
    """Remove what only a compressed blob can tell, wherever it is."""
    if isinstance(value, dict):
        for key in [key for key in value if key.startswith("compressed")]:
            del value[key]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            strip_costs(each)


def neutral(report: dict[str, Any]) -> dict[str, Any]:
    """The report without the parts that depend on the image's form."""
    report = json.loads(json.dumps(report))
    report.pop("filesystem", None)
    for key in ("reference", "source", "tags", "manifest_digest"):
        del report["image"][key]
    strip_costs(report)
    for row in report["layers"]:
        for key in ("digest", "media_type", "compression", "verified"):
            del row[key]
    return report


@pytest.fixture(scope="module")
def reference_report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("reference") / "image.tar"
    docker_legacy([sample()]).write(path)
    return report_of(f"docker-archive:{path}")


def test_the_reference_report_is_right(reference_report: dict[str, Any]) -> None:
    image = sample()
    expected = expect([layer.members for layer in image.layers])
    check_sums(reference_report)
    assert all(reference_report["wasted_by_kind"].values())
    assert reference_report["wasted_by_kind"] == expected.by_kind
    assert reference_report["sizes"]["live"] == expected.live
    assert reference_report["sizes"]["tar"] == sum(len(layer.tar) for layer in image.layers)
    assert reference_report["image"]["config_digest"] == image.config_digest
    assert reference_report["image"]["tags"] == list(TAGS)
    assert [r["diff_id"] for r in reference_report["layers"]] == [x.diff_id for x in image.layers]
    assert [row["layers"] for row in reference_report["instructions"]] == [
        [0], [], [1], [], [2], [3], [4], [],
    ]  # fmt: skip


@pytest.mark.parametrize(("form", "compression"), CASES)
def test_every_form_gives_the_same_report(
    form: str, compression: str, reference_report: dict[str, Any], tmp_path: Path
) -> None:
    image = sample()
    reference = FORMS[form].write([image], tmp_path / "image", compression)
    report = report_of(reference)
    check_sums(report)
    assert neutral(report) == neutral(reference_report)
    assert set(report["image"]["tags"]) == (set() if reference.startswith("dir:") else set(TAGS))
    sizes = [layer["sizes"]["compressed"] for layer in report["layers"]]
    if compression == "none":
        assert {layer["compression"] for layer in report["layers"]} == {"none"}
        assert sizes == [None] * len(sizes)
    else:
        assert {r["compression"] for r in report["layers"]} == {compression.partition("-")[0]}
        assert sizes == [len(layer.compressed(compression)) for layer in image.layers]
        assert all(layer["verified"] for layer in report["layers"])


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_registry_gives_the_same_report(
    compression: str, reference_report: dict[str, Any]
) -> None:
    with Registry() as registry:
        registry.add(sample(), compression=compression)
        report = report_of(registry.name())
    check_sums(report)
    assert neutral(report) == neutral(reference_report)
    assert report["image"]["source"] == "registry"
    sizes = [layer["sizes"]["compressed"] for layer in report["layers"]]
    blobs = [layer.compressed(compression) for layer in sample().layers]
    assert sizes == [None if compression == "none" else len(blob) for blob in blobs]
    assert all(layer["verified"] for layer in report["layers"])


@pytest.mark.parametrize("form", ["docker-legacy", "docker-oci", "containerd", "oci-archive"])
def test_an_archives_form_is_recognized(
    form: str, reference_report: dict[str, Any], tmp_path: Path
) -> None:
    """A bare path is recognized by its content, not by its name."""
    FORMS[form].write([sample()], tmp_path / "image")
    assert neutral(report_of(str(tmp_path / "image"))) == neutral(reference_report)


@pytest.mark.parametrize("form", ["oci-dir", "dir", "docker-dir"])
def test_a_folders_form_is_recognized(
    form: str, reference_report: dict[str, Any], tmp_path: Path
) -> None:
    FORMS[form].write([sample()], tmp_path / "image")
    assert neutral(report_of(str(tmp_path / "image"))) == neutral(reference_report)


@pytest.mark.parametrize(
    "form", ["docker-legacy", "docker-oci-gzipped", "containerd", "oci-archive"]
)
def test_standard_input_gives_the_same_report(
    form: str, reference_report: dict[str, Any], tmp_path: Path
) -> None:
    FORMS[form].write([sample()], tmp_path / "image")
    with (tmp_path / "image").open("rb") as stream:
        done = run_in(tmp_path, "report", "--json", "--files", "-", stdin=stream)
    assert done.returncode == 0, done.stderr
    assert neutral(json.loads(done.stdout)) == neutral(reference_report)


def test_the_command_line_prints_the_same_bytes_twice(
    reference_report: dict[str, Any], tmp_path: Path
) -> None:
    reference = FORMS["containerd"].write([sample()], tmp_path / "image")
    first, second = (
        run_in(tmp_path, "report", "--json", "--files", reference).stdout for _ in range(2)
    )
    assert first == second
    assert neutral(json.loads(first)) == neutral(reference_report)


def test_an_estargz_layer_has_the_same_files(tmp_path: Path) -> None:
    """The table of contents and the landmark are overhead, not files."""
    members = {"a": b"a" * 3000, "b": Hardlink("a"), "d/c": b"c"}
    plain = ImageBuilder("x:1").layer(members, "RUN a").layer({"a": WHITEOUT}, "RUN b").build()
    star = (
        ImageBuilder("x:1")
        .layer(members, "RUN a", stargz=True)
        .layer({"a": WHITEOUT}, "RUN b", stargz=True)
        .build()
    )
    one = report_of(FORMS["oci-dir"].write([plain], tmp_path / "plain"))
    two = report_of(FORMS["oci-dir"].write([star], tmp_path / "star"))
    check_sums(two)
    assert two["files"]["regular"] + two["files"]["hardlinks"] == 3
    for key in ("content", "live", "wasted"):
        assert [r["sizes"][key] for r in two["layers"]] == [r["sizes"][key] for r in one["layers"]]
    assert [r["changes"] for r in two["layers"]] == [r["changes"] for r in one["layers"]]
    assert [r["sizes"]["tar"] for r in two["layers"]] == [len(x.tar) for x in star.layers]
    assert [r["sizes"]["compressed"] for r in two["layers"]] == [
        len(x.blob or b"") for x in star.layers
    ]


# Several images, tags, and platforms


def two_images() -> list[BuiltImage]:
    return [
        ImageBuilder("one:1", "one:latest").layer({"a": b"1"}, "RUN one").build(),
        ImageBuilder("two:1").layer({"a": b"22"}, "RUN two").build(),
    ]


@pytest.mark.parametrize(
    "form", ["docker-legacy", "docker-oci", "podman", "kaniko", "oci-archive", "oci-dir"]
)
def test_several_images_are_chosen_by_tag(form: str, tmp_path: Path) -> None:
    reference = FORMS[form].write(two_images(), tmp_path / "images")
    for tag, size in (("one:1", 1), ("one:latest", 1), ("two:1", 2)):
        assert report_of(reference, tag=tag)["sizes"]["live"] == size
        assert report_of(f"{reference}:{tag}")["sizes"]["live"] == size
    with pytest.raises(layerscope.errors.LayerscopeError) as caught:
        layerscope.load(reference)
    for tag in ("one:1", "one:latest", "two:1"):
        assert tag in str(caught.value)


def platforms() -> list[BuiltImage]:
    return [
        ImageBuilder("app:1", architecture="amd64").layer({"a": b"1"}, "RUN amd64").build(),
        ImageBuilder("app:1", architecture="arm64").layer({"a": b"22"}, "RUN arm64").build(),
        ImageBuilder("app:1", architecture="arm", variant="v7")
        .layer({"a": b"333"}, "RUN v7")
        .build(),
    ]


@pytest.mark.parametrize("layout", ["index", "nested"])
@pytest.mark.parametrize("attestations", [False, True])
@pytest.mark.parametrize(
    ("platform", "size"), [("linux/amd64", 1), ("linux/arm64", 2), ("linux/arm/v7", 3)]
)
def test_platforms_are_chosen_from_an_index(
    layout: Any, attestations: bool, platform: str, size: int, tmp_path: Path
) -> None:
    oci(platforms(), layout=layout, attestations=attestations).write_folder(tmp_path / "images")
    report = report_of(f"oci-dir:{tmp_path / 'images'}", platform=platform)
    assert report["image"]["platform"] == platform
    assert report["sizes"]["live"] == size


def test_a_missing_platform_is_an_error(tmp_path: Path) -> None:
    oci(platforms(), layout="index", attestations=True).write_folder(tmp_path / "images")
    with pytest.raises(layerscope.errors.LayerscopeError) as caught:
        layerscope.load(f"oci-dir:{tmp_path / 'images'}", platform="linux/s390x")
    for platform in ("linux/amd64", "linux/arm64", "linux/arm/v7"):
        assert platform in str(caught.value)
    assert "unknown" not in str(caught.value)


def test_the_containerd_store_gives_the_platform_that_manifest_json_does_not_name(
    tmp_path: Path,
) -> None:
    containerd_store(platforms()).write(tmp_path / "image.tar")
    reference = f"docker-archive:{tmp_path / 'image.tar'}"
    assert report_of(reference, platform="linux/arm64")["sizes"]["live"] == 2
    assert report_of(reference, platform="linux/amd64")["sizes"]["live"] == 1


def test_a_flat_root_filesystem_is_not_an_image(tmp_path: Path) -> None:
    image = (
        ImageBuilder().layer({f"{name}/x": b"x" for name in ("bin", "etc", "usr", "var")}).build()
    )
    (tmp_path / "rootfs.tar").write_bytes(image.layers[0].tar)
    for reference in (f"docker-archive:{tmp_path / 'rootfs.tar'}", str(tmp_path / "rootfs.tar")):
        with pytest.raises(layerscope.errors.FormatError) as caught:
            layerscope.load(reference)
        assert "root filesystem" in str(caught.value)


@pytest.mark.parametrize("folders", ["blobs first", "manifest last", "index first"])
def test_the_order_of_an_archives_members_does_not_matter(
    folders: str, reference_report: dict[str, Any], tmp_path: Path
) -> None:
    archive = docker_oci([sample()])
    if folders == "index first":
        archive.reverse()
    elif folders == "manifest last":
        content = archive["manifest.json"]
        archive.remove("manifest.json").add("manifest.json", content)
    archive.write(tmp_path / "image.tar")
    report = report_of(f"docker-archive:{tmp_path / 'image.tar'}")
    assert neutral(report) == neutral(reference_report)


def test_an_archive_packed_by_gnu_tar_gives_the_same_report(
    reference_report: dict[str, Any], tmp_path: Path
) -> None:
    """`tar -c .` of an unpacked archive has names with `./` and its own entries for folders."""
    import tarfile

    docker_legacy([sample()]).write_folder(tmp_path / "unpacked")
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as packed:
        packed.add(tmp_path / "unpacked", ".")
    (tmp_path / "image.tar").write_bytes(data.getvalue())
    report = report_of(f"docker-archive:{tmp_path / 'image.tar'}")
    assert neutral(report) == neutral(reference_report)
