"""A proof of a rule of advice: a build before and after the change, and what an image of each stores."""

from __future__ import annotations

import random
import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import layerscope
from layerscope.analysis.advice.advise import advise
from layerscope.analysis.advice.patch.patch import Patch, SourceFile, make_patch
from layerscope.cache.shelf import Shelf
from layerscope.cli.advise import with_smaller_base
from layerscope.cli.examine import Choice
from layerscope.options import AdviceOptions, ReadOptions
from tests.builder.tools import run

if TYPE_CHECKING:
    from layerscope.analysis.advice.advice import Advice

    from .engine import Engine

PROOFS = Path(__file__).parents[1] / "proofs"
LEAST_SAVING = 20_000
"""Bytes. The proofs are small, and so is what they save."""
SHELF = Shelf()
"""The layers that images of several proofs share."""


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
        with layerscope.read(reference, options, shelf=SHELF) as analysis:
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
