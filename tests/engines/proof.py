"""A proof of a rule of advice: a build before and after the change, and what an image of each stores."""

from __future__ import annotations

import io
import random
import shutil
import subprocess
import tarfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import layerscope
from layerscope.analysis.advice.advise import advise
from layerscope.analysis.advice.patch.patch import Patch, SourceFile, make_patch
from layerscope.cli.advise import with_smaller_base
from layerscope.cli.examine import Choice
from layerscope.options import AdviceOptions, ReadOptions
from tests.builder.tools import run

from . import bookworm, busybox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from layerscope.analysis.advice.advice import Advice

    from .engine import Engine

PROOFS = Path(__file__).parents[1] / "proofs"
LEAST_SAVING = 20_000
"""Bytes. The proofs are small, and so is what they save."""
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
BASES = {"python:proof": PYTHON, "apt:proof": APT, "node:proof": NODE}


@dataclass(frozen=True, slots=True)
class Measured:
    """What an image stores, the advice on it, and the patch of what is to be proved.

    `compressed` is None if the layers are not compressed. `layers` are their diff_ids.
    """

    content: int
    compressed: int | None
    layers: tuple[str, ...]
    advice: tuple[Advice, ...]
    patch: Patch

    def of(self, *rules: str) -> list[Advice]:
        return [advice for advice in self.advice if advice.rule in rules]


@dataclass(frozen=True, slots=True)
class Proof:
    """One folder of `tests/proofs`, and a copy of its build context in `folder`."""

    rule: str
    folder: Path

    @property
    def source(self) -> Path:
        return PROOFS / self.rule

    @property
    def is_small(self) -> bool:
        """Whether the base is small enough to compress the image, as a push does."""
        return ":proof" not in self.text("after")

    @property
    def rules(self) -> set[str]:
        """The rule, and others whose advice the same change follows."""
        also = self.source / "also.toml"
        return {self.rule, *(tomllib.loads(also.read_text())["rules"] if also.exists() else ())}

    def text(self, when: str) -> str:
        return (self.source / f"Dockerfile.{when}").read_text()

    def write_context(self) -> None:
        """Write the files of the build: those of `context`, and for each name in `context.toml` random bytes."""
        context = self.source / "context"
        if context.exists():
            shutil.copytree(context, self.folder, dirs_exist_ok=True)
        sizes = self.source / "context.toml"
        if sizes.exists():
            for name, size in tomllib.loads(sizes.read_text()).items():
                path = self.folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(random.Random(name).randbytes(size))

    def measure(self, engine: Engine, when: str) -> Measured:
        """Build the Dockerfile in the folder, and read the image."""
        tag = f"proof-{self.rule}:{when}"
        engine.build(self.folder, tag)
        if not self.is_small:
            return self.read(f"docker:{tag}", when, compress=False)
        saved = engine.save(tag, self.folder.parent / f"{when}.tar")
        measured = self.read(f"docker-archive:{saved}", when, compress=True)
        saved.unlink()
        return measured

    def read(self, reference: str, when: str, *, compress: bool) -> Measured:
        """What an image stores; `compress` measures what a pull transfers, too."""
        if compress:
            layout = self.folder.parent / f"{when}.oci"
            shutil.rmtree(layout, ignore_errors=True)
            run("skopeo", "copy", "--insecure-policy", reference, f"oci:{layout}:latest")
            reference = f"oci-dir:{layout}"
        name = str(self.folder / "Dockerfile")
        options = ReadOptions(
            dockerfile=name, cache=False, advice=AdviceOptions(min_saving=LEAST_SAVING)
        )
        with layerscope.read(reference, options) as analysis:
            advice = advise(with_smaller_base(analysis, Choice(reference=reference)))
            ignore = self.folder / ".dockerignore"
            patch = make_patch(
                analysis,
                [each for each in advice if each.rule in self.rules],
                SourceFile("Dockerfile", Path(name).read_text()),
                SourceFile(".dockerignore", ignore.read_text() if ignore.exists() else None),
            )
            sizes = analysis.sizes
            layers = tuple(str(layer.diff_id) for layer in analysis.layers)
        return Measured(sizes.content, sizes.compressed, layers, advice, patch)

    def apply(self, patch: Patch) -> None:
        """Apply a patch as a user does."""
        subprocess.run(
            ["patch", "-p1", "--quiet"], input=patch.text.encode(), cwd=self.folder, check=True
        )


def import_bases(engine: Engine) -> None:
    """Import the images that the proofs are FROM."""
    tar = bookworm.root_tar()
    lean = engine.folder / "debian.tar"
    with tarfile.open(tar) as source, tarfile.open(lean, "w") as target:
        for member in source:
            if not member.name.startswith("./var/lib/apt/lists/"):
                target.addfile(member, source.extractfile(member) if member.isreg() else None)
    engine.docker("import", "--change", CERTIFICATES, str(lean), "debian:proof")
    lean.unlink()
    for name, text in BASES.items():
        folder = engine.folder / "base"
        folder.mkdir()
        (folder / "Dockerfile").write_text(text)
        engine.build(folder, name)
        shutil.rmtree(folder)
    engine.docker("import", "-", "base:plain", stdin=busybox.root_tar())
    engine.docker("import", "-", "base:samples", stdin=root_with(("samples/big",)))
    engine.docker("import", "-", "python:3.8-slim", stdin=busybox.root_tar())
    engine.docker("import", "-", "python:3.8", stdin=root_with(("usr/lib/build-tools",)))


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
