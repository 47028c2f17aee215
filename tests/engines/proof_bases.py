"""The images that the proofs of advice are FROM: roots that are imported, and Dockerfiles with real package managers.

Building them takes longer than all proofs, so `docker save` keeps them in the cache folder for a week.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import random
import shutil
import subprocess
import tarfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from . import bookworm, busybox, trixie
from .engine import NoEngineError
from .gotools import TOOLCHAIN, toolchain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .engine import Engine

CERTIFICATES = (
    f"ENV PIP_CERT={bookworm.CERTIFICATES} SSL_CERT_FILE={bookworm.CERTIFICATES} "
    f"NODE_EXTRA_CA_CERTS={bookworm.CERTIFICATES} PIP_DISABLE_PIP_VERSION_CHECK=1"
)
PYTHON = """\
FROM debian:proof
RUN python3 -m venv /opt/venv && /opt/venv/bin/pip install --no-cache-dir uv==0.5.11 wheel==0.45.1
"""
APT = """\
FROM debian:proof
RUN apt-get update && apt-get clean
"""
NODE = """\
FROM apt:proof
RUN apt-get install -y --no-install-recommends nodejs && apt-get clean
RUN python3 -c 'import io,tarfile,urllib.request as u;\\
tarfile.open(fileobj=io.BytesIO(u.urlopen("https://registry.npmjs.org/npm/-/npm-9.9.4.tgz").read())).extractall("/opt")' && \\
    node /opt/package/bin/npm-cli.js install -g npm@9.9.4 yarn@1.22.22 pnpm@8.15.9 && \\
    rm -rf /opt/package /root/.npm
"""
SPEC = """\
Name: lean
Version: 1.0
Release: 1
Summary: A package
License: MIT
BuildArch: noarch
@PROVIDES@
%description
A package.
%install
install -D -m 644 /etc/passwd %{buildroot}/opt/lean/users
%files
/opt/lean
"""
"""A package that provides a lot, so that the repository's metadata is as large as that of a small repository."""
TOOLS = """\
FROM apt:proof
COPY lean.spec certificates /build/
# Java reads no bundle, so each certificate of this machine is one that ca-certificates-java finds.
RUN cp /build/*.crt /usr/local/share/ca-certificates/ && update-ca-certificates && \\
    apt-get install -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io \\
        maven gradle dnf createrepo-c rpm && \\
    apt-get clean
RUN rpmbuild -bb --define '_topdir /build' /build/lean.spec && \\
    mkdir -p /srv/repository /etc/yum.repos.d && \\
    mv /build/RPMS/noarch/*.rpm /srv/repository && rm -rf /build && createrepo_c /srv/repository && \\
    printf '[local]\\nname=local\\nbaseurl=file:///srv/repository\\ngpgcheck=0\\n' > /etc/yum.repos.d/local.repo
"""
BASES = {"python:proof": PYTHON, "apt:proof": APT, "node:proof": NODE, "tools:proof": TOOLS}
NATIVE = "native:proof"
KEPT = ("debian:proof", *BASES, NATIVE)
FRESH_SECONDS = 7 * 24 * 3600
"""How long the lists of packages in the images are good for."""


def import_bases(engine: Engine) -> None:
    """Give the engine the images. Raises NoEngineError."""
    recipe = hashlib.sha256(f"{CERTIFICATES}{BASES}{SPEC}{TOOLCHAIN}1".encode()).hexdigest()[:16]
    kept = trixie.root().with_name("proof-bases.tar")
    marker = kept.with_suffix(".recipe")
    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fresh = kept.exists() and time.time() - kept.stat().st_mtime < FRESH_SECONDS
        if fresh and marker.exists() and marker.read_text() == recipe:
            engine.docker("load", "--input", engine.inside(kept))
        else:
            _make(engine)
            marker.unlink(missing_ok=True)
            partial = engine.save(KEPT, kept.with_suffix(".partial"))
            partial.rename(kept)
            marker.write_text(recipe)
    engine.docker("import", "-", "base:plain", stdin=busybox.root_tar())
    engine.docker("import", "-", "base:samples", stdin=root_with(("samples/big",)))
    engine.docker("import", "-", "python:3.8-slim", stdin=busybox.root_tar())
    engine.docker("import", "-", "python:3.8", stdin=root_with(("usr/lib/build-tools",)))


def _make(engine: Engine) -> None:
    tar = bookworm.root_tar()
    lean = engine.folder / "root.tar"
    with tarfile.open(tar) as source, tarfile.open(lean, "w") as target:
        for member in source:
            if not member.name.startswith("./var/lib/apt/lists/"):
                target.addfile(member, source.extractfile(member) if member.isreg() else None)
    engine.docker("import", "--change", CERTIFICATES, str(lean), "debian:proof")
    _write_native(lean)
    engine.docker("import", "--change", NATIVE_SETTINGS, str(lean), NATIVE)
    lean.unlink()
    for name, text in BASES.items():
        folder = engine.folder / "base"
        folder.mkdir()
        (folder / "Dockerfile").write_text(text)
        names = (random.Random(number).randbytes(20).hex() for number in range(1000))
        provides = "\n".join(f"Provides: part-{each}" for each in names)
        (folder / "lean.spec").write_text(SPEC.replace("@PROVIDES@", provides))
        (folder / "certificates").mkdir()
        for number, each in enumerate(_certificates()):
            (folder / "certificates" / f"{number}.crt").write_text(each)
        engine.build(folder, name)
        shutil.rmtree(folder)


def _certificates() -> Iterator[str]:
    """The certificates that this machine trusts."""
    end = "-----END CERTIFICATE-----"
    for each in bookworm.CERTIFICATES.read_text().split(end)[:-1]:
        yield each[each.index("-----BEGIN") :] + end + "\n"


NATIVE_SETTINGS = (
    f"ENV PATH=/usr/local/go/bin:/usr/bin:/bin HOME=/root SSL_CERT_FILE={bookworm.CERTIFICATES} "
    "GOTOOLCHAIN=local GOFLAGS=-mod=mod CGO_ENABLED=0"
)
TARGET = [
    "-",
    "--crate-name",
    "___",
    "--print=file-names",
    "--crate-type",
    "bin",
    "--crate-type",
    "rlib",
    "--crate-type",
    "dylib",
    "--crate-type",
    "cdylib",
    "--crate-type",
    "staticlib",
    "--crate-type",
    "proc-macro",
    "--print=sysroot",
    "--print=split-debuginfo",
    "--print=crate-name",
    "--print=cfg",
    "-Wwarnings",
]
"""What cargo asks `rustc` about its target."""
_LEFT_OUT = tuple(f"usr/local/go/{each}" for each in ("test", "api", "doc", "misc", "src/cmd"))


def _write_native(path: Path) -> None:
    """Write a root with Busybox, Go, and cargo, which is all that needs no distribution.

    cargo is this machine's, with the libraries it is linked with. To fetch, it only asks `rustc` two questions, so a
    script with the answers of the real one takes the place of a compiler of 500 MB. Raises NoEngineError.
    """
    cargo, rustc = _of_rust("cargo"), _of_rust("rustc")
    go = subprocess.run(
        [toolchain(), "env", "GOROOT"], capture_output=True, text=True, check=True
    ).stdout.strip()

    def lean(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        name = member.name
        tests = name.endswith("_test.go") or "/testdata" in name
        return None if tests or name.startswith(_LEFT_OUT) else member

    with tarfile.open(path, "w") as target:
        with tarfile.open(fileobj=io.BytesIO(busybox.root_tar())) as source:
            for member in source:
                target.addfile(member, source.extractfile(member) if member.isreg() else None)
        target.add(go, "usr/local/go", filter=lean)
        for file in (cargo, *_libraries(cargo), str(bookworm.CERTIFICATES)):
            name = "usr/bin/cargo" if file == cargo else file.lstrip("/")
            target.add(os.path.realpath(file), name)
        version, answer = (
            subprocess.run(
                [rustc, *question], stdin=subprocess.DEVNULL, capture_output=True, check=True
            ).stdout
            for question in (("-vV",), TARGET)
        )
        script = b"#!/bin/sh\n[ $1 = -vV ] && exec cat <<1\n%s1\ncat <<2\n%s2\n" % (version, answer)
        member = tarfile.TarInfo("usr/bin/rustc")
        member.size, member.mode = len(script), 0o755
        target.addfile(member, io.BytesIO(script))


def _of_rust(name: str) -> str:
    """A program of this machine's Rust, and not the proxy that rustup puts in its place. Raises NoEngineError."""
    for command in (["rustup", "which", name], ["sh", "-c", f"command -v {name}"]):
        if shutil.which(command[0]) is not None:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return done.stdout.strip()
    raise NoEngineError(f"{name} is not installed")


def _libraries(program: str) -> list[str]:
    """The libraries that a program is linked with."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return [word for word in said.split() if word.startswith("/")]


def root_with(names: Sequence[str]) -> bytes:
    """Busybox's root with more files of 2 MB."""
    out = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(busybox.root_tar())) as source,
        tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as target,
    ):
        for member in source:
            target.addfile(member, source.extractfile(member) if member.isreg() else None)
        for seed, name in enumerate(names):
            data = random.Random(seed).randbytes(2_000_000)
            file = tarfile.TarInfo(name)
            file.size = len(data)
            target.addfile(file, io.BytesIO(data))
    return out.getvalue()
