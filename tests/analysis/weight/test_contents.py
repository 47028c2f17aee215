"""What the contents of files say: symbols, core files, packages for development, and what caches are run from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerscope.analysis.reading import read
from layerscope.analysis.weight.weigh import CONTENT_KINDS
from layerscope.options import ReadOptions
from layerscope.packages.documents import document, symbols_in
from tests.analysis.images import analysed, analysis_of, image_of
from tests.analysis.test_ownership import debian
from tests.analysis.weight.weighing import kinds_of, sized, weight_of
from tests.builder import FORMS, File, Hardlink, ImageBuilder, Symlink
from tests.packages.test_inside_files import elf

CODE = {b".text": b"c" * 40_000}
DEBUG = {**CODE, b".debug_info": b"d" * 5_000, b".symtab": b"s" * 300, b".strtab": b"t" * 20}
RECORD = json.dumps(
    {
        "packages": {
            "node_modules/left": {"version": "1"},
            "node_modules/jest": {"version": "2", "dev": True},
            "node_modules/@babel/core": {"version": "3", "dev": True},
            "node_modules/maybe": {"devOptional": True},
        }
    }
).encode()


@pytest.mark.parametrize(
    ("form", "compression"),
    [("docker-legacy", "none"), ("oci-archive", "gzip"), ("oci-archive", "zstd")],
)
def test_symbols_count_as_part_of_a_program(form: str, compression: str) -> None:
    image = image_of(
        {
            "usr/bin/app": File(elf(DEBUG), mode=0o755),
            "usr/lib/libapp.so.1": File(elf(DEBUG), mode=0o644),
            "usr/bin/stripped": File(elf(CODE), mode=0o755),
        }
    )
    analysis = analysed(image, form, compression)
    weight = weight_of(analysis)
    assert {kind.kind: kind.bytes for kind in weight.kinds} == {"debug_symbols": 2 * 5_320}
    assert [path.path for path in weight.kinds[0].paths] == [b"usr/bin/app", b"usr/lib/libapp.so.1"]
    assert (weight.compressed is None) == (compression == "none")
    assert weight.unmeasured == ()


def test_symbols_in_a_file_of_another_kind_count_for_that_kind() -> None:
    file = elf(DEBUG)
    assert kinds_of({"usr/lib/debug/app.debug": File(file, mode=0o755)}) == {
        "debug_symbols": len(file)
    }
    assert kinds_of({"root/.cache/pip/app.so": File(file)}) == {"package_cache": len(file)}


def test_an_object_file_or_kernel_module_needs_its_symbols() -> None:
    relocatable = bytearray(elf(DEBUG))
    relocatable[16] = 1
    assert kinds_of({"lib/modules/6.1/a.ko": File(bytes(relocatable), mode=0o755)}) == {}


def test_a_file_called_core_counts_if_a_crash_left_it() -> None:
    crashed = bytearray(elf(CODE))
    crashed[16] = 4
    files = {"srv/core.17": File(bytes(crashed), mode=0o600), "srv/core": b"x" * 40_000}
    assert kinds_of(files) == {"crash_dumps": len(crashed)}


def test_npm_packages_for_development_count_by_npms_own_record() -> None:
    files = {
        "srv/node_modules/.package-lock.json": RECORD,
        **sized(
            {
                "srv/node_modules/left/index.js": 1,
                "srv/node_modules/jest/index.js": 20,
                "srv/node_modules/jest/node_modules/deep/a.js": 300,
                "srv/node_modules/@babel/core/a.js": 4_000,
                "srv/node_modules/maybe/a.js": 1,
                "other/node_modules/jest/index.js": 1,
            }
        ),
    }
    assert kinds_of(files) == {"dev_dependencies": 4_320}


@pytest.mark.parametrize(
    "record", [b"{", b"[]", b'{"packages": []}', b'{"packages": {"node_modules/a": 1}}']
)
def test_a_record_of_npm_that_is_damaged_counts_nothing(record: bytes) -> None:
    files = {"srv/node_modules/.package-lock.json": record, "srv/node_modules/a/a.js": b"x"}
    assert kinds_of(files) == {}


def test_a_cache_that_links_from_elsewhere_lead_to_is_in_use() -> None:
    cache = sized({"root/.cache/uv/archive/six/six.py": 20, "root/.cache/uv/wheels/a.whl": 300})
    links = {
        "srv/venv/lib/python3.11/site-packages/six.py": Symlink(
            "/root/.cache/uv/archive/six/six.py"
        ),
        "root/.cache/uv/latest": Symlink("wheels"),
    }
    assert kinds_of({**cache, **links}) == {"package_cache": 300}
    whole = {"srv/venv/six": Symlink("../../root/.cache/uv/archive/six")}
    assert kinds_of({**cache, **whole}) == {"package_cache": 300}


def test_a_compiler_counts_by_its_package_and_another_program_of_that_name_does_not() -> None:
    database = debian(
        ("gcc-12", "12.2", ("usr/bin/x86_64-linux-gnu-gcc-12", "usr/share/doc/gcc-12/copyright")),
        ("busybox", "1.35", ("usr/bin/ar",)),
        ("libgcc-s1", "12.2", ("usr/lib/libgcc_s.so.1",)),
    )
    files = sized(
        {
            "usr/bin/x86_64-linux-gnu-gcc-12": 20,
            "usr/share/doc/gcc-12/copyright": 1,
            "usr/bin/ar": 1,
            "usr/lib/libgcc_s.so.1": 1,
            "usr/local/bin/ld": 300,
        }
    )
    assert kinds_of({**database, **files}) == {"compilers": 320}


def test_an_archive_of_an_installed_package_counts() -> None:
    site = "usr/lib/python3/dist-packages"
    files = {
        f"{site}/My_Tool-1.2.dist-info/METADATA": b"Name: My-Tool\nVersion: 1.2\n",
        f"{site}/My_Tool-1.2.dist-info/RECORD": b"",
        **debian(("curl", "1:7.88-1", ())),
        **sized(
            {
                "wheels/my_tool-1.2-py3-none-any.whl": 20,
                "wheels/my_tool-1.3-py3-none-any.whl": 1,
                f"{site}/ensurepip/_bundled/my_tool-1.2-py3-none-any.whl": 1,
                "tmp/curl_1%3a7.88-1_amd64.deb": 300,
                "tmp/curl_7.88-1_amd64.deb": 4_000,
                "tmp/curl_7.99-1_amd64.deb": 1,
            }
        ),
    }
    assert kinds_of(files) == {"archives": 4_320}


def test_the_base_image_is_kept_apart() -> None:
    analysis = analysis_of(sized({"var/log/a": 20}), {"var/log/b": b"x" * 300})
    weight = weight_of(analysis)
    assert weight.base is None
    assert [(part.layer, part.bytes) for part in weight.parts("logs")] == [(1, 300), (0, 20)]
    assert weight.parts("logs", "npm") == ()


def test_a_link_to_a_program_does_not_count_its_symbols_twice() -> None:
    files = {"usr/bin/a": File(elf(DEBUG), mode=0o755), "usr/bin/b": Hardlink("usr/bin/a")}
    assert kinds_of(files) == {"debug_symbols": 5_320}


def test_kinds_that_need_contents_are_unmeasured_where_only_tables_are_read(tmp_path: Path) -> None:
    builder = ImageBuilder("app:1")
    files = {"usr/bin/app": File(elf(DEBUG), mode=0o755), "var/log/a": b"l" * 70}
    builder.layer(files, created_by="/bin/sh -c step", stargz=True)
    path = FORMS["oci-archive"].write([builder.build()], tmp_path / "app.tar", "gzip")
    for lazy, unmeasured in ((True, CONTENT_KINDS), (False, ())):
        with read(path, ReadOptions(lazy=lazy, cache=False)) as analysis:
            weight = weight_of(analysis)
        assert weight.unmeasured == unmeasured
        assert weight.of("logs") is not None
        assert (weight.of("debug_symbols") is None) == lazy


@given(st.binary(max_size=200), st.integers(0, 600))
def test_a_damaged_elf_file_never_claims_more_than_it_has(junk: bytes, at: int) -> None:
    whole = bytearray(elf(DEBUG))
    at = at if at < 100 else len(whole) - at
    whole[at : at + len(junk)] = junk
    data = bytes(whole)
    document_of = document(b"usr/bin/a", len(data), 0o755, lambda p, n: data[p : p + n])
    if document_of is not None:
        assert symbols_in(document_of) >= 0
    counted = kinds_of({"usr/bin/a": File(data, mode=0o755)}) if junk[:1] == b"x" else {}
    assert sum(counted.values()) <= len(data)
