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
CERTIFICATES = f"ENV PIP_CERT={bookworm.CERTIFICATES} PIP_DISABLE_PIP_VERSION_CHECK=1"


@dataclass(frozen=True, slots=True)
class Measured:
    """What an image stores, and the advice on it. `compressed` is None if its layers are not compressed."""

    content: int
    compressed: int | None
    advice: tuple[Advice, ...]
    patch: Patch

    def of(self, rule: str) -> list[Advice]:
        return [advice for advice in self.advice if advice.rule == rule]


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
        return "debian:proof" not in self.text("after")

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
        saved = engine.save(tag, self.folder.parent / f"{when}.tar")
        measured = self.read(f"docker-archive:{saved}", when, compress=self.is_small)
        saved.unlink()
        return measured

    def read(self, reference: str, when: str, *, compress: bool) -> Measured:
        """What an image stores; `compress` measures what a pull transfers, too."""
        if compress:
            layout = self.folder.parent / f"{when}.oci"
            run("skopeo", "copy", "--insecure-policy", reference, f"oci:{layout}:latest")
            reference = f"oci-dir:{layout}"
        name = str(self.folder / "Dockerfile")
        options = ReadOptions(
            dockerfile=name, cache=False, advice=AdviceOptions(min_saving=LEAST_SAVING)
        )
        with layerscope.read(reference, options) as analysis:
            advice = advise(analysis)
            ignore = self.folder / ".dockerignore"
            patch = make_patch(
                analysis,
                advice,
                SourceFile("Dockerfile", Path(name).read_text()),
                SourceFile(".dockerignore", ignore.read_text() if ignore.exists() else None),
            )
            sizes = analysis.sizes
        return Measured(sizes.content, sizes.compressed, advice, patch)

    def apply(self, patch: Patch) -> None:
        """Apply a patch as a user does."""
        subprocess.run(
            ["git", "apply", "-"], input=patch.text.encode(), cwd=self.folder, check=True
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
    engine.docker("import", "-", "base:plain", stdin=busybox.root_tar())
    engine.docker("import", "-", "base:samples", stdin=root_with(("samples/big",)))


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
