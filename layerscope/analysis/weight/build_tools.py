"""The packages that compile, link, or build, by the names that distributions and language ecosystems give them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from layerscope.packages.package import Package, PackageType

_SYSTEM: Final = r"""(?x)
    build-essential | build-base | dpkg-dev | devscripts | debhelper | fakeroot | alpine-sdk | abuild
    | (lib)?binutils(-.*)? | libc?tf(-nobfd)?0 | libgprofng0 | libsframe[0-9]+ | libcc1-[0-9]+ | libcc1
    | (gcc|g\+\+|gfortran|gobjc|gnat|gdc|cpp|gccgo|gm2)(-[0-9.]+)?(-(x86-64|aarch64|arm|i686|powerpc|s390x|riscv64)-linux-.*)?
    | gcc-c\+\+ | gcc-gfortran | gcc-plugin-annobin | annobin(-.*)?
    | lib(gcc|stdc\+\+|gfortran|objc)-[0-9.]+-dev
    | lib(asan|tsan|lsan|ubsan|hwasan)[0-9]* | libisl(-?[0-9]+)? | isl[0-9]* | libmpc3? | mpc1
    | .+-(dev|devel) | linux-headers(-.*)? | kernel-headers | glibc-headers
    | make | gmake | cmake(-(data|filesystem|rpm-macros))? | extra-cmake-modules | ninja(-build)? | samurai | meson | scons
    | autoconf(-archive|2\.[0-9]+)? | automake(-?1\.[0-9]+)? | autotools-dev | libtool(-bin)? | m4 | bison | byacc | flex
    | gperf | intltool | help2man | patchelf | nasm | yasm | swig(4\.0)? | chrpath | quilt | ccache | distcc
    | pkg-config | pkgconf(-bin|-m4|-pkg-config)? | libpkgconf[0-9]* | gettext-dev
    | clang(-[0-9]+|-tools-extra|-tools-[0-9]+|[0-9]+)? | clangd(-[0-9]+)? | libclang-(common-)?[0-9]+-dev | lld(-?[0-9]+)? | llvm(-?[0-9]+)?(-tools|-dev)?
    | rustc(-[0-9.]+)? | rust(-std-static|-src)? | cargo(-[0-9.]+)? | rustup | libstd-rust(-[0-9.]+)?-dev
    | golang(-[0-9.]+)?(-(go|src|bin|doc))? | go
    | (openjdk|java)-[0-9.]+-(jdk(-headless)?|openjdk-devel|openjdk-jmods) | openjdk[0-9]+(-jdk)? | default-jdk(-headless)?
    | maven(-.*)? | gradle | ant(-optional)? | sbt | gdb(-.*)? | valgrind(-.*)?
    """
_DASHES: Final = re.compile("[-_.]+")
_LANGUAGE: Final[dict[PackageType, frozenset[str]]] = {
    "pypi": frozenset(
        ("cython", "cmake", "meson", "meson-python", "scikit-build", "scikit-build-core", "maturin")
    ),
    "conda": frozenset(
        ("cmake", "make", "ninja", "cython", "kernel-headers_linux-64", "sysroot_linux-64")
    ),
    "gem": frozenset(("rake-compiler", "mini_portile2")),
}
_CONDA: Final = r"(gcc|gxx|gfortran|clang|clangxx|binutils|ld|libgcc-devel|libstdcxx-devel)(_impl)?_linux-.*|gcc|gxx|c-compiler|cxx-compiler|compilers"


def is_build_tool(package: Package) -> bool:
    """Whether a running container hardly needs anything of the package."""
    name = package.name.lower()
    if package.type in ("deb", "apk", "rpm"):
        return re.fullmatch(_SYSTEM, name) is not None
    if package.type == "conda" and re.fullmatch(_CONDA, name):
        return True
    return name in _LANGUAGE.get(package.type, ())


def archive_names(package: Package) -> tuple[bytes, ...]:
    """How the archive of a package is called, up to its platform: `numpy-1.26.4` for a wheel, `curl_7.88.1-10`."""
    if package.type == "pypi":
        name = _DASHES.sub("_", package.name.lower())
        return (f"{name}-{package.version}".encode(),)
    if package.type == "deb":
        version = package.version.partition(":")[2] or package.version
        return (f"{package.name}_{version}".encode("utf-8", "replace"),)
    return ()


def build_tools(packages: Sequence[Package]) -> frozenset[int]:
    """The positions of the packages that build."""
    return frozenset(number for number, each in enumerate(packages) if is_build_tool(each))
