"""A small image with a real tree, for the formats that draw the final filesystem."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import layerscope
from layerscope.analysis.budgets.budget import load_budget
from layerscope.analysis.budgets.judge import evaluate
from layerscope.analysis.model import Analysis
from layerscope.report.document.builder import build
from layerscope.report.document.filesystem import with_filesystem
from layerscope.report.formats.format import Display
from layerscope.report.formats.renderers import RENDERERS
from tests.builder import (
    WHITEOUT,
    BuiltImage,
    File,
    Hardlink,
    ImageBuilder,
    Symlink,
    buildkit,
    docker_legacy,
)


def analyze(built: BuiltImage, folder: Path) -> Analysis:
    path = folder / "image.tar"
    docker_legacy([built]).write(path)
    with layerscope.load(f"docker-archive:{path}") as image:
        return layerscope.analyze(image)


def app() -> BuiltImage:
    return (
        ImageBuilder("app:1")
        .layer(
            {
                "bin/busybox": b"b" * 700_000,
                "bin/sh": Symlink("busybox"),
                "bin/ls": Hardlink("bin/busybox"),
                "etc/passwd": b"root" * 10,
                "usr/lib/x86_64-linux-gnu/libc.so.6": b"c" * 1_800_000,
                "usr/lib/x86_64-linux-gnu/libm.so.6": b"m" * 900_000,
            },
            **buildkit.copy("rootfs.tar", "/", keyword="ADD"),
        )
        .layer(
            {f"srv/app/static/js/{n}.js": b"j" * (40_000 - 300 * n) for n in range(60)}
            | {"srv/app/data/model.bin": b"d" * 2_500_000, "srv/app/.git/pack": b"g" * 600_000},
            **buildkit.copy(".", "/srv/app"),
        )
        .layer(
            {
                "usr/lib/python3/site.py": b"p" * 450_000,
                "root/.cache/pip/http": b"h" * 350_000,
            },
            **buildkit.run("pip install -r requirements.txt"),
        )
        .layer(
            {"srv/app/data/model.bin": File(b"d" * 2_500_000, uid=1000)},
            **buildkit.run("chown app /srv/app/data/model.bin"),
        )
        .layer(
            {"root/.cache": WHITEOUT, "srv/app/.git": WHITEOUT},
            **buildkit.run("rm -rf /root/.cache /srv/app/.git"),
        )
        .build()
    )


def pictured(
    analysis: Analysis, rules: dict[str, object] | None = None, reference: str = "app:1"
) -> Any:
    """The document with its tree, without the parts that differ between machines."""
    verdict = evaluate(load_budget(None, rules), analysis.facts) if rules else None
    document = with_filesystem(build(analysis, verdict=verdict), analysis.facts)
    document["layerscope"] = "0.0.0"
    document["image"] = {**document["image"], "reference": reference}
    return document


def written(name: str, document: Any, display: Display | None = None) -> str:
    out = io.StringIO()
    RENDERERS[name].create(display or Display()).render(document, out)
    return out.getvalue()
