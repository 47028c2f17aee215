"""Which files are dead weight, of which kind, and which only look like it."""

from __future__ import annotations

import pytest

from tests.analysis.weight.weighing import kinds_of, sized
from tests.builder import Hardlink, Symlink, Whiteout

SITE = "usr/lib/python3/dist-packages"

DEAD = {
    "package_cache": (
        "var/cache/apt/archives/curl_7.88_amd64.deb",
        "var/cache/apt/pkgcache.bin",
        "var/cache/apk/APKINDEX.0123.tar.gz",
        "etc/apk/cache/musl-1.2.apk",
        "var/cache/dnf/updates/repodata/repomd.xml",
        "var/cache/libdnf5/fedora/solv/fedora.solv",
        "var/cache/yum/x86_64/7/base/primary.sqlite",
        "var/cache/zypp/raw/oss/repomd.xml",
        "root/.cache/pip/http/a/b/c",
        "home/app/.cache/pip/wheels/x.whl",
        "root/.cache/uv/wheels-v1/index/six.msgpack",
        "root/.cache/pypoetry/cache/repositories/x",
        "opt/conda/pkgs/numpy-1.26.tar.bz2",
        "root/.npm/_cacache/content-v2/sha512/ab/cd",
        "usr/local/share/.cache/yarn/v6/npm-x/package.json",
        "root/.local/share/pnpm/store/v3/files/00/ab",
        "root/go/pkg/mod/golang.org/x/net@v0.1/http2/frame.go",
        "root/.cache/go-build/00/00-d",
        "root/.cargo/registry/src/index/serde-1/src/lib.rs",
        "usr/local/cargo/registry/index/github/x",
        "root/.m2/repository/org/a/1/a-1.jar",
        "home/gradle/.gradle/caches/modules-2/files-2.1/x.jar",
        "root/.composer/cache/files/a/b.zip",
        "usr/local/bundle/cache/rails-7.0.gem",
    ),
    "package_lists": ("var/lib/apt/lists/deb.debian.org_dists_bookworm_main_Packages",),
    "version_control": ("srv/app/.git/objects/pack/pack-1.pack", "srv/.svn/pristine/00/1.svn-base"),
    "crash_dumps": ("srv/java_pid7.hprof", "srv/hs_err_pid12.log", "var/crash/app.crash"),
    "logs": ("var/log/dpkg.log", "root/.npm/_logs/2024-debug-0.log", "srv/npm-debug.log"),
    "leftovers": (
        "srv/.main.py.swp",
        "srv/main.py~",
        "srv/.DS_Store",
        "srv/.idea/workspace.xml",
        "etc/passwd-",
        "etc/app.conf.dpkg-dist",
        "var/cache/debconf/templates.dat-old",
        "swapfile",
    ),
    "generated": (
        "srv/.mypy_cache/3.11/a.json",
        "srv/.pytest_cache/v/cache/nodeids",
        "srv/node_modules/.cache/babel-loader/x.json",
        "var/lib/plocate/plocate.db",
        "srv/.coverage",
    ),
    "man_pages": ("usr/share/man/man1/ls.1.gz", "usr/local/share/man/man8/x.8"),
    "docs": (
        "usr/share/doc/bash/README.gz",
        "usr/share/info/bash.info.gz",
        "opt/conda/share/doc/x.html",
        "srv/node_modules/left-pad/README.md",
    ),
    "locales": (
        "usr/share/locale/de/LC_MESSAGES/bash.mo",
        "usr/share/i18n/charmaps/UTF-8.gz",
        "usr/lib/locale/locale-archive",
    ),
    "static_libraries": (
        "usr/lib/x86_64-linux-gnu/libc.a",
        "usr/lib/x86_64-linux-gnu/libfoo.la",
        "usr/lib/x86_64-linux-gnu/crt1.o",
        "usr/lib/python3.11/config-3.11-x86_64-linux-gnu/libpython3.11.a",
    ),
    "headers": (
        "usr/include/stdio.h",
        "usr/include/c++/12/vector",
        f"{SITE}/numpy/core/include/numpy/arrayobject.h",
        "usr/lib/x86_64-linux-gnu/pkgconfig/zlib.pc",
        "usr/local/include/node/v8.h",
    ),
    "compilers": (
        "usr/lib/gcc/x86_64-linux-gnu/12/cc1",
        "usr/local/go/pkg/tool/linux_amd64/compile",
        "root/.rustup/toolchains/stable/bin/rustc",
        "usr/bin/make",
        "usr/local/bin/cmake",
    ),
    "debug_symbols": ("usr/lib/debug/.build-id/ab/cd.debug",),
}
"""For each kind, files that count for it wherever their evidence needs nothing else."""

EVIDENCE = {"opt/conda/conda-meta/history": b"h", "usr/local/go/src/a.go": b""}


@pytest.mark.parametrize(
    ("kind", "path"), [(kind, p) for kind, paths in DEAD.items() for p in paths]
)
def test_a_file_counts_for_its_kind(kind: str, path: str) -> None:
    assert kinds_of({**EVIDENCE, **sized({path: 70})}) == {kind: 70}


@pytest.mark.parametrize(
    "path",
    [
        "usr/share/zoneinfo/Europe/Berlin",
        "etc/ssl/certs/ca-certificates.crt",
        "usr/share/ca-certificates/mozilla/a.crt",
        "usr/share/doc/bash/copyright",
        "usr/share/doc/node/LICENSE.txt",
        "usr/lib/locale/C.utf8/LC_CTYPE",
        "usr/share/locale/en/LC_MESSAGES/bash.mo",
        "usr/share/locale/en_GB/LC_MESSAGES/bash.mo",
        "usr/share/locale/locale.alias",
        f"{SITE}/app/docs/index.rst",
        f"{SITE}/app/docs/__init__.py",
        f"{SITE}/django/test/client.py",
        f"{SITE}/numpy/testing/__init__.py",
        f"{SITE}/app/only.pyc",
        f"{SITE}/django/conf/locale/de/LC_MESSAGES/django.mo",
        f"{SITE}/ensurepip/_bundled/pip-23.0-py3-none-any.whl",
        "usr/include/python3.11/pyconfig.h",
        "usr/share/perl/5.36.0/pod/perldiag.pod",
        "usr/lib/x86_64-linux-gnu/ImageMagick-6/modules-Q16/coders/png.la",
        "usr/lib/x86_64-linux-gnu/libfoo.so.1",
        "usr/lib/gcc/x86_64-pc-linux-gnu/13/libstdc++.so.6",
        "usr/lib/bpf/probe.o",
        "root/.cache/huggingface/hub/model.safetensors",
        "root/.cache/ms-playwright/chromium/chrome",
        "root/.cache/pypoetry/virtualenvs/app/bin/python",
        "srv/tests/test_app.py",
        "srv/docs/index.html",
        "srv/app.js.gz",
        "srv/data.tar.gz",
        "srv/bundle.js.map",
        "srv/.gitignore",
        "srv/.git",
        "srv/core",
        "srv/logs/app.log",
        "srv/main.ts",
        "srv/make",
        "srv/node_modules/@playwright/test/index.js",
        "srv/node_modules/test/test.js",
        "srv/node_modules/typescript/lib/lib.d.ts",
        "srv/pkgs/data.bin",
        "srv/target/release/deps/app",
    ],
)
def test_a_file_that_a_container_may_need_does_not_count(path: str) -> None:
    beside = {"srv/node_modules/typescript/lib/typescript.js": b"x"} if "typescript" in path else {}
    assert kinds_of({**beside, **sized({path: 70})}) == {}


def test_bytecode_beside_its_source_is_dead_weight_and_without_it_is_the_program() -> None:
    files = {
        f"{SITE}/a.py": 1,
        f"{SITE}/__pycache__/a.cpython-311.pyc": 20,
        f"{SITE}/__pycache__/gone.cpython-311.pyc": 300,
        f"{SITE}/old.py": 1,
        f"{SITE}/old.pyc": 4_000,
        f"{SITE}/only.pyc": 50_000,
    }
    assert kinds_of(sized(files)) == {"bytecode": 4_320}


def test_bytecode_whose_source_a_later_layer_deletes_is_the_program() -> None:
    files = sized({"srv/a.py": 1, "srv/a.pyc": 20})
    assert kinds_of(files, {"srv/a.py": Whiteout()}) == {}


@pytest.mark.slow
def test_a_test_suite_of_a_package_counts_if_it_has_tests() -> None:
    files = {
        f"{SITE}/numpy/tests/__init__.py": 1,
        f"{SITE}/numpy/tests/unit/test_all.py": 20,
        f"{SITE}/numpy/tests/data/big.bin": 300,
        f"{SITE}/numpy/tests/LICENSE": 4_000,
        f"{SITE}/numpy/tests/__pycache__/test_all.cpython-311.pyc": 50_000,
        "srv/node_modules/a/test/a.test.js": 600_000,
        "usr/share/rubygems-integration/all/gems/a-1/spec/a_spec.rb": 7_000_000,
        "srv/vendor/autoload.php": 1,
        "srv/vendor/a/b/tests/ATest.php": 80_000_000,
    }
    assert kinds_of(sized(files)) == {"tests": 87_600_321, "bytecode": 50_000}


def test_an_archive_counts_beside_the_directory_that_was_unpacked_from_it() -> None:
    files = {
        "srv/tool-1.2.tar.gz": 20,
        "srv/tool-1.2/bin/tool": 1,
        "srv/other.zip": 300,
        "srv/other.zip.sha256": 1,
    }
    assert kinds_of(sized(files)) == {"archives": 20}


def test_sources_count_beside_what_was_built_from_them() -> None:
    files = {
        "srv/node_modules/a/index.js": 1,
        "srv/node_modules/a/index.js.map": 20,
        "srv/node_modules/a/index.ts": 300,
        "srv/node_modules/a/index.d.ts": 4_000,
        f"{SITE}/fast.pyx": 50_000,
        f"{SITE}/fast.c": 600_000,
        f"{SITE}/fast.cpython-311-x86_64-linux-gnu.so": 1,
        f"{SITE}/slow.c": 1,
        "srv/app.js": 1,
        "srv/app.js.map": 7_000_000,
    }
    assert kinds_of(sized(files)) == {"sources": 7_654_320}


def test_a_language_that_the_image_asks_for_does_not_count() -> None:
    files = sized(
        {
            "usr/share/locale/de/LC_MESSAGES/a.mo": 1,
            "usr/share/locale/fr/LC_MESSAGES/a.mo": 20,
            "usr/lib/locale/de_DE.utf8/LC_COLLATE": 300,
            "usr/lib/locale/locale-archive": 4_000,
        }
    )
    assert kinds_of(files) == {"locales": 4_321}
    assert kinds_of(files, env=("LANG=de_DE.UTF-8",)) == {"locales": 20}
    assert kinds_of(files, env=("LC_ALL=C.UTF-8",)) == {"locales": 4_321}


def test_the_cache_of_yarn_counts_unless_the_program_runs_out_of_it() -> None:
    files = sized({"srv/.yarn/cache/lodash-npm-4.17.zip": 70})
    assert kinds_of(files) == {"package_cache": 70}
    assert kinds_of({**files, "srv/.pnp.cjs": b"x"}) == {}


def test_a_hard_link_counts_once_and_only_if_every_name_is_dead_weight() -> None:
    twice = {
        "root/.cache/uv/a": b"x" * 20,
        "root/.cache/uv/b": Hardlink("root/.cache/uv/a"),
        "usr/share/doc/a/b": Hardlink("root/.cache/uv/a"),
    }
    assert kinds_of(twice) == {"package_cache": 20}
    installed = {f"{SITE}/six.py": Hardlink("root/.cache/uv/a")}
    assert kinds_of({**twice, **installed}) == {}


def test_content_that_a_later_layer_deletes_or_replaces_is_waste_and_not_dead_weight() -> None:
    files = sized({"var/cache/apt/a": 20, "var/cache/apt/b": 300, "usr/share/doc/c/README": 4_000})
    later = {"var/cache/apt/a": Whiteout(), "usr/share/doc/c/README": b"x" * 50_000}
    assert kinds_of(files, later) == {"package_cache": 300, "docs": 50_000}


def test_a_link_to_a_directory_does_not_count_its_files_twice() -> None:
    files = {**sized({"usr/share/doc/a/README": 20}), "usr/doc": Symlink("share/doc")}
    assert kinds_of(files) == {"docs": 20}
