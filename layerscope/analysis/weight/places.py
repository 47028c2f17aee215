"""The directories whose contents a running container hardly needs."""

from __future__ import annotations

from typing import Final

from layerscope.analysis.weight.evidence import (
    beside,
    compiled_unspoken,
    has,
    is_legal,
    is_python_configuration,
    is_read_by_perl,
    is_shared_library,
    no_plug_and_play,
    node_tests,
    php_tests,
    python_tests,
    ruby_tests,
    unless,
    unspoken,
)
from layerscope.analysis.weight.rule import (
    GEMS,
    INCLUDE,
    LIBRARY,
    NODE,
    PYTHON,
    VENDOR,
    Mark,
    Place,
)

_CACHES: Final = (
    Place("package_cache", "/var/cache/apt", "apt"),
    Place("package_cache", "/var/cache/apk", "apk"),
    Place("package_cache", "/etc/apk/cache", "apk"),
    Place("package_cache", "/var/cache/dnf", "dnf"),
    Place("package_cache", "/var/cache/libdnf5", "dnf"),
    Place("package_cache", "/var/cache/tdnf", "dnf"),
    Place("package_cache", "/var/cache/yum", "yum"),
    Place("package_cache", "/var/cache/zypp", "zypper"),
    Place("package_cache", "/var/cache/PackageKit", "packagekit"),
    Place("package_cache", "/var/cache/pacman/pkg", "pacman"),
    Place("package_cache", "/var/cache/xbps", "xbps"),
    Place("package_cache", ".cache/pip", "pip"),
    Place("package_cache", "/tmp/pip-*", "pip"),  # noqa: S108
    Place("package_cache", ".cache/uv", "uv"),
    Place("package_cache", ".cache/pypoetry/cache", "poetry"),
    Place("package_cache", ".cache/pypoetry/artifacts", "poetry"),
    Place("package_cache", ".cache/pdm", "pdm"),
    Place("package_cache", ".cache/pipenv", "pipenv"),
    Place("package_cache", "pkgs", "conda", holds=beside(b"conda-meta", b"envs")),
    Place("package_cache", ".conda/pkgs", "conda"),
    Place("package_cache", ".mamba/pkgs", "conda"),
    Place("package_cache", "_cacache", "npm", holds=has(b"content-v2", b"index-v5", b"tmp")),
    Place("package_cache", ".npm/_prebuilds", "npm"),
    Place("package_cache", ".cache/node-gyp", "npm"),
    Place("package_cache", ".node-gyp", "npm"),
    Place("package_cache", ".cache/yarn", "yarn"),
    Place("package_cache", ".yarn-cache", "yarn"),
    Place("package_cache", ".yarn/berry/cache", "yarn", holds=no_plug_and_play),
    Place("package_cache", ".yarn/cache", "yarn", holds=no_plug_and_play),
    Place("package_cache", "pnpm/store", "pnpm"),
    Place("package_cache", ".pnpm-store", "pnpm"),
    Place("package_cache", ".cache/pnpm", "pnpm"),
    Place("package_cache", ".bun/install/cache", "bun"),
    Place("package_cache", "go/pkg/mod", "go"),
    Place("package_cache", "go/pkg/sumdb", "go"),
    Place("package_cache", ".cache/go-build", "go"),
    Place("package_cache", ".cargo/registry", "cargo"),
    Place("package_cache", ".cargo/git", "cargo"),
    Place("package_cache", "cargo/registry", "cargo", holds=has(b"index", b"cache", b"src")),
    Place("package_cache", "cargo/git", "cargo", holds=has(b"db", b"checkouts")),
    *(
        Place(
            "package_cache",
            f"target/*/{name}",
            "cargo",
            holds=beside(b".fingerprint"),
            spares=is_shared_library,
        )
        for name in ("deps", "build", "incremental", ".fingerprint")
    ),
    Place("package_cache", ".m2/repository", "maven"),
    Place("package_cache", ".m2/wrapper", "maven"),
    Place("package_cache", ".gradle/caches", "gradle"),
    Place("package_cache", ".gradle/wrapper", "gradle"),
    Place("package_cache", ".gradle/daemon", "gradle"),
    Place("package_cache", ".ivy2/cache", "sbt"),
    Place("package_cache", ".sbt/boot", "sbt"),
    Place("package_cache", ".composer/cache", "composer"),
    Place("package_cache", ".cache/composer", "composer"),
    Place("package_cache", "/tmp/cache", "composer", holds=has(b"repo", b"files", b"vcs")),  # noqa: S108
    Place("package_cache", ".gem/specs", "gem"),
    Place("package_cache", ".local/share/gem/specs", "gem"),
    Place("package_cache", ".bundle/cache", "gem"),
    Place("package_cache", ".local/share/NuGet/v3-cache", "nuget"),
    Place("package_cache", ".local/share/NuGet/http-cache", "nuget"),
    Place("package_cache", ".hex/packages", "mix"),
    Place("package_cache", ".cache/rebar3", "mix"),
    Place("package_cache", ".cpan/build", "cpan"),
    Place("package_cache", ".cpan/sources", "cpan"),
    Place("package_cache", ".cpanm/work", "cpan"),
    Place("package_cache", ".cabal/packages", "cabal"),
    Place("package_cache", ".cache/bazel", "bazel"),
    Place("package_cache", ".ccache", "ccache"),
    Place("package_cache", ".cache/ccache", "ccache"),
    Place("package_cache", "/var/cache/ccache", "ccache"),
    Place("package_cache", ".cache/sccache", "sccache"),
    Place("package_lists", "/var/lib/apt/lists", "apt"),
    Place("package_lists", "/var/lib/pacman/sync", "pacman"),
)

_LEFTOVERS: Final = (
    Place("version_control", ".git", "git", holds=has(b"HEAD", b"objects", b"index")),
    Place("version_control", ".hg", "mercurial", holds=has(b"store", b"requires")),
    Place("version_control", ".svn", "subversion", holds=has(b"wc.db", b"entries", b"pristine")),
    Place("version_control", ".bzr", "bazaar", holds=has(b"repository", b"branch")),
    Place("crash_dumps", "/var/crash"),
    Place("crash_dumps", "/var/lib/systemd/coredump"),
    Place("crash_dumps", "/var/lib/apport/coredump"),
    Place("crash_dumps", "/var/spool/abrt"),
    Place("logs", "/var/log"),
    Place("logs", ".npm/_logs", "npm"),
    Place("leftovers", ".idea"),
    Place("leftovers", ".vscode"),
    Place("leftovers", "__MACOSX"),
    Place("leftovers", ".Trash-*"),
    *(
        Place("generated", pattern, tool)
        for pattern, tool in (
            (".pytest_cache", "pytest"),
            (".mypy_cache", "mypy"),
            (".cache/mypy", "mypy"),
            (".ruff_cache", "ruff"),
            (".hypothesis", "hypothesis"),
            (".tox", "tox"),
            (".nox", "nox"),
            (".eggs", "setuptools"),
            (".cache/pylint", "pylint"),
            (".cache/black", "black"),
            (".ipynb_checkpoints", "jupyter"),
            (".nyc_output", "nyc"),
            (".parcel-cache", "parcel"),
            (".sass-cache", "sass"),
            (".jekyll-cache", "jekyll"),
            (".angular/cache", "angular"),
            (".next/cache/webpack", "next"),
            (".next/cache/swc", "next"),
            ("node_modules/.cache", "node"),
            ("Release/obj.target", "node-gyp"),
            ("Release/.deps", "node-gyp"),
            ("/tmp/v8-compile-cache-*", "node"),  # noqa: S108
            ("/tmp/node-compile-cache", "node"),  # noqa: S108
            ("/tmp/hsperfdata_*", "java"),  # noqa: S108
            ("/var/lib/mlocate", "locate"),
            ("/var/lib/plocate", "locate"),
            ("/var/cache/locate", "locate"),
            ("/var/cache/ldconfig", "ldconfig"),
            ("autom4te.cache", "autoconf"),
        )
    ),
    Place("generated", "CMakeFiles", "cmake", holds=beside(b"CMakeCache.txt")),
)

_READ_BY_PEOPLE: Final = (
    Place("man_pages", "share/man"),
    Place("man_pages", "/usr/man"),
    Place("man_pages", "/usr/local/man"),
    Place("man_pages", "/var/cache/man"),
    Place("man_pages", "jvm/*/man"),
    Place("man_pages", "java/*/man"),
    Place("man_pages", "node_modules/npm/man"),
    Place("docs", "share/doc", spares=is_legal),
    Place("docs", "share/doc-base"),
    Place("docs", "share/gtk-doc", spares=is_legal),
    Place("docs", "share/info"),
    Place("docs", "share/help", spares=is_legal),
    Place("docs", "share/devhelp"),
    Place("docs", "share/javadoc", spares=is_legal),
    Place("docs", "share/ri"),
    Place("docs", "share/vim/vim*/doc"),
    Place("docs", "texmf-dist/doc", spares=is_legal),
    Place("docs", "perl/*/pod", spares=is_read_by_perl),
    Place("docs", "doc", "gem", holds=beside(b"specifications"), spares=is_legal),
    Place("docs", "node_modules/npm/docs", spares=is_legal),
    *(
        Place("docs", f"{library}/*/{name}", spares=is_legal)
        for library in ("R/library", "R/site-library")
        for name in ("doc", "help", "html")
    ),
    Place("locales", "share/locale/*", holds=unspoken, above=True),
    Place("locales", "share/locale-langpack/*", holds=unspoken, above=True),
    Place("locales", "/usr/lib/locale/*", holds=compiled_unspoken, above=True),
    Place("locales", "share/i18n/charmaps"),
    Place("locales", "share/i18n/locales"),
    Place("locales", "share/vim/vim*/lang"),
)

_FOR_BUILDS: Final = (
    Place("headers", "/usr/include", spares=is_python_configuration),
    Place("headers", "/usr/local/include", spares=is_python_configuration),
    Place("headers", "/usr/src/linux-headers-*"),
    Place("headers", "/usr/src/kernels"),
    Place("headers", "pkgconfig", spares=unless(b".pc")),
    Place("headers", "share/aclocal", spares=unless(b".m4")),
    Place("headers", "lib/cmake", spares=unless(b".cmake")),
    Place("headers", "lib/*/cmake", spares=unless(b".cmake")),
    *(
        Place("tests", name, marks=PYTHON, holds=python_tests, spares=is_legal)
        for name in ("tests", "test", "idle_test")
    ),
    *(
        Place("tests", name, marks=NODE, holds=node_tests, spares=is_legal)
        for name in ("tests", "test", "__tests__")
    ),
    *(
        Place("tests", name, marks=GEMS, holds=ruby_tests, spares=is_legal)
        for name in ("tests", "test", "spec")
    ),
    *(
        Place("tests", name, marks=VENDOR, holds=php_tests, spares=is_legal)
        for name in ("tests", "test", "Tests", "Test")
    ),
    Place(
        "sources",
        "gems/*/ext",
        marks=GEMS,
        spares=unless(b".c", b".cc", b".cpp", b".o", b".S", b".rl", b".y"),
    ),
    Place("compilers", "/usr/lib/gcc", "gcc", spares=is_shared_library),
    Place("compilers", "/usr/libexec/gcc", "gcc"),
    Place("compilers", "/usr/local/lib/gcc", "gcc", spares=is_shared_library),
    Place("compilers", "/usr/local/libexec/gcc", "gcc"),
    Place("compilers", "/usr/lib/llvm-*/bin", "llvm"),
    Place("compilers", "/usr/local/go", "go", holds=has(b"src", b"pkg")),
    Place("compilers", "rustup/toolchains", "rust"),
    Place("compilers", ".rustup", "rust", holds=has(b"toolchains")),
    Place("compilers", "jmods", "java", holds=has(b"java.base.jmod")),
    Place("debug_symbols", "/usr/lib/debug"),
)

PLACES: Final = (*_CACHES, *_LEFTOVERS, *_READ_BY_PEOPLE, *_FOR_BUILDS)

MARKS: Final = (
    Mark(PYTHON, "site-packages", 1),
    Mark(PYTHON, "dist-packages", 1),
    Mark(PYTHON, "lib/python*", 0),
    Mark(PYTHON, "lib64/python*", 0),
    Mark(NODE, "node_modules", 1),
    Mark(NODE, "/usr/share/nodejs", 1),
    Mark(GEMS, "gems", 1),
    Mark(VENDOR, "vendor", 1, holds=has(b"autoload.php", b"composer")),
    Mark(INCLUDE, "include"),
    Mark(LIBRARY, "lib"),
    Mark(LIBRARY, "lib64"),
    Mark(LIBRARY, "lib32"),
)
