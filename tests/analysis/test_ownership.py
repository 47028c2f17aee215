"""Who owns stored bytes: packages, according to the databases after the layer that stored them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from layerscope.analysis.model import Analysis
from layerscope.analysis.packages import PackageFacts
from tests.analysis.images import analysis_of
from tests.builder import File, Hardlink, Symlink, Whiteout
from tests.builder.image import Members
from tests.packages.test_inside_files import build_info, elf

STATUS = "var/lib/dpkg/status"
RELEASE: dict[str, bytes] = {"etc/os-release": b"ID=debian\n"}


def debian(*packages: tuple[str, str, tuple[str, ...]]) -> dict[str, bytes]:
    """A dpkg database of packages with a name, a version, and paths."""
    status = b""
    files: dict[str, bytes] = {}
    for name, version, paths in packages:
        status += f"Package: {name}\nStatus: install ok installed\nVersion: {version}\n\n".encode()
        listed = "".join(f"/{path}\n" for path in paths)
        files[f"var/lib/dpkg/info/{name}.list"] = f"/.\n{listed}".encode()
    return {STATUS: status, **files}


def packages_of(analysis: Analysis) -> dict[str, tuple[int, int, int]]:
    """Content, live bytes, and layer, by package URL."""
    packages = analysis.facts.packages
    assert packages is not None
    return {
        each.package.purl: (each.content, each.live, each.layer)
        for each in packages.rows
        if each.content
    }


def closes(analysis: Analysis) -> None:
    packages = analysis.facts.packages
    assert packages is not None
    for name in ("content", "live", "wasted"):
        owned, unowned = getattr(packages.owned, name), getattr(packages.unowned, name)
        assert owned + unowned == getattr(analysis.sizes, name)
        assert owned == sum(getattr(row, name) for row in packages.rows)
    sizes = analysis.sizes
    if sizes.compressed_live is None or sizes.compressed_wasted is None:
        assert packages.owned.compressed is None or not packages.rows
        return
    assert packages.owned.compressed is not None
    assert packages.unowned.compressed is not None
    held = packages.owned.compressed + packages.unowned.compressed
    assert held == sizes.compressed_live + sizes.compressed_wasted


def test_an_upgrade_makes_the_old_version_waste() -> None:
    analysis = analysis_of(
        {**RELEASE, **debian(("a", "1", ("usr/bin/a",))), "usr/bin/a": b"x" * 100},
        {**debian(("a", "2", ("usr/bin/a",))), "usr/bin/a": b"y" * 150},
    )
    assert packages_of(analysis) == {
        "pkg:deb/debian/a@1": (100, 0, 0),
        "pkg:deb/debian/a@2": (150, 150, 1),
    }
    closes(analysis)


def test_a_file_that_is_written_before_its_package_is_known_is_unowned() -> None:
    analysis = analysis_of(
        {"usr/bin/a": b"x" * 100},
        {**RELEASE, **debian(("a", "1", ("usr/bin/a",)))},
        {"usr/bin/a": b"z" * 70},
    )
    assert packages_of(analysis) == {"pkg:deb/debian/a@1": (70, 70, 1)}
    closes(analysis)


def test_what_a_removed_package_stored_stays_its_own() -> None:
    analysis = analysis_of(
        {
            **RELEASE,
            **debian(("a", "1", ("usr/bin/a",)), ("b", "1", ("usr/bin/b",))),
            "usr/bin/a": b"x" * 100,
        },
        {
            STATUS: debian(("b", "1", ()))[STATUS],
            "var/lib/dpkg/info/a.list": Whiteout(),
            "usr/bin/a": Whiteout(),
        },
        {"usr/bin/a": b"new"},
    )
    assert packages_of(analysis) == {"pkg:deb/debian/a@1": (100, 0, 0)}
    closes(analysis)


def test_paths_are_followed_through_the_symlinks_of_the_image() -> None:
    members: Members = {
        **RELEASE,
        "usr/bin/ls": b"x" * 40,
        "bin": Symlink("usr/bin"),
        **debian(("coreutils", "9", ("bin/ls",))),
    }
    assert packages_of(analysis_of(members)) == {"pkg:deb/debian/coreutils@9": (40, 40, 0)}


def dist_info(name: str, folder: str, *files: str) -> dict[str, bytes]:
    where = f"{folder}/{name}-1.dist-info"
    return {
        f"{where}/METADATA": f"Name: {name}\nVersion: 1\n".encode(),
        f"{where}/RECORD": "".join(f"{file},,\n" for file in files).encode(),
    }


def test_a_distribution_that_the_system_installed_is_part_of_the_systems_package() -> None:
    site = "usr/lib/python3/dist-packages"
    own = dist_info("yaml", site, "yaml/__init__.py")
    paths = (*own, f"{site}/yaml/__init__.py")
    analysis = analysis_of(
        {
            **RELEASE,
            **debian(("python3-yaml", "6", tuple(paths))),
            **own,
            f"{site}/yaml/__init__.py": b"x" * 50,
        }
    )
    packages = analysis.facts.packages
    assert packages is not None
    assert [each.package.type for each in packages.rows] == ["deb"]
    closes(analysis)


def test_a_nested_npm_package_owns_its_files_and_the_outer_one_the_rest() -> None:
    outer = "app/node_modules/a"
    inner = f"{outer}/node_modules/b"
    analysis = analysis_of(
        {
            f"{outer}/package.json": b'{"name": "a", "version": "1.0.0"}',
            f"{outer}/lib/x.js": b"x" * 10,
            f"{inner}/package.json": b'{"name": "b", "version": "2.0.0"}',
            f"{inner}/y.js": b"y" * 20,
            "app/index.js": b"z" * 30,
        }
    )
    assert packages_of(analysis) == {
        "pkg:npm/a@1.0.0": (33 + 10, 33 + 10, 0),
        "pkg:npm/b@2.0.0": (33 + 20, 33 + 20, 0),
    }
    closes(analysis)


def test_metadata_that_is_a_hard_link_is_read_where_the_bytes_are() -> None:
    own = dist_info("foo", "cache", "foo.py")
    linked: dict[str, File | Hardlink | bytes] = {
        path.replace("cache", "venv"): Hardlink(path) for path in own
    }
    members: Members = {**own, "cache/foo.py": b"x" * 9, **linked, "venv/foo.py": b"x" * 11}
    analysis = analysis_of(members)
    packages = analysis.facts.packages
    assert packages is not None
    assert {each.where for each in packages.rows} == {
        b"cache/foo-1.dist-info",
        b"venv/foo-1.dist-info",
    }
    closes(analysis)


def test_a_database_that_cannot_be_read_is_a_note_and_its_files_are_unowned() -> None:
    analysis = analysis_of({"app/node_modules/a/package.json": b"{", "x": b"1"})
    assert [(note.code, note.layer, note.path) for note in analysis.notes] == [
        ("packages-unreadable", 0, b"app/node_modules/a")
    ]
    closes(analysis)


def mixed() -> tuple[Mapping[str, File | bytes], ...]:
    program = elf({b".text": b"t" * 40_000, b".go.buildinfo": build_info()})
    return (
        {**RELEASE, **debian(("a", "1", ("usr/bin/a",))), "usr/bin/a": b"x" * 100},
        {
            "usr/local/bin/app": File(program, mode=0o755),
            "usr/local/bin/data": program,
            **dist_info("foo", "site", "foo.py"),
            "site/foo.py": b"x" * 500,
        },
    )


@pytest.mark.parametrize(
    ("form", "compression"),
    [("docker-legacy", "none"), ("oci-archive", "gzip"), ("oci-archive", "zstd")],
)
def test_packages_are_the_same_however_the_layers_are_stored(form: str, compression: str) -> None:
    analysis = analysis_of(*mixed(), form=form, compression=compression)
    found = packages_of(analysis)
    assert set(found) == {
        "pkg:deb/debian/a@1",
        "pkg:golang/example.com/app@v1.4.0",
        "pkg:pypi/foo@1",
    }
    program = len(elf({b".text": b"t" * 40_000, b".go.buildinfo": build_info()}))
    assert found["pkg:golang/example.com/app@v1.4.0"] == (program, program, 1)
    closes(analysis)


def test_packages_built_into_a_program_are_counted_and_have_no_bytes() -> None:
    packages = analysis_of(*mixed()).facts.packages
    assert packages is not None
    by_type: dict[str, PackageFacts] = {each.package.type: each for each in packages.rows}
    assert by_type["golang"].inside == 2
