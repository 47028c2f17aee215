"""Handmade analyses, to test reports without reading images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from layerscope.analysis.model import (
    WASTE_KINDS,
    Analysis,
    ChangedField,
    Changes,
    Facts,
    FileCounts,
    Files,
    InstructionSummary,
    LayerSummary,
    LiveFile,
    Sizes,
    WastedFile,
    WasteKind,
)
from layerscope.analysis.origin import origin_of
from layerscope.filesystem.tree import FileTree
from layerscope.image.config import ImageConfig
from layerscope.image.digest import Digest
from layerscope.image.image import Base, Image
from layerscope.image.instruction import Instruction, Location
from layerscope.image.platform import Platform
from layerscope.layers.entry import FILE, Member
from layerscope.layers.layer_index import LayerIndex
from layerscope.notes import Note, Notes

MB = 1_000_000


def wasted(
    path: str | bytes,
    size: int,
    written_by: int,
    wasted_by: int,
    kind: WasteKind = "deleted",
    changed: Sequence[ChangedField] = (),
) -> WastedFile:
    """A wasted file in an image whose instruction N made layer N."""
    return WastedFile(
        path=path.encode() if isinstance(path, str) else path,
        kind=kind,
        bytes=size,
        layer=written_by,
        wasted_in=wasted_by,
        written_by=written_by,
        wasted_by=wasted_by,
        changed=tuple(changed),
    )


def make_analysis(
    steps: Sequence[tuple[str, int]],
    waste: Sequence[WastedFile] = (),
    *,
    largest: Sequence[LiveFile] = (),
    notes: Sequence[Note] = (),
    compressed: int | None = None,
    reference: str = "my-app:latest",
    located: bool = False,
) -> Analysis:
    """An image with one instruction per step. A step is a text and its content; without content it is empty.

    Instruction and layer numbers are the same up to the first empty step. Each tar has 10,000 bytes of headers.
    """
    instructions: list[Instruction] = []
    summaries: list[InstructionSummary] = []
    layers: list[LayerSummary] = []
    for index, (text, content) in enumerate(steps):
        lost = sum(file.bytes for file in waste if file.written_by == index)
        empty = not content
        sizes = Sizes(
            compressed=0 if empty else None,
            tar=0 if empty else content + 10_000,
            content=content,
            live=content - lost,
        )
        instruction = Instruction(
            index=index,
            keyword=(text.split() or [""])[0],
            text=text,
            created_by=text,
            empty=empty,
            layers=() if empty else (len(layers),),
            location=Location("Dockerfile", index + 1, index + 1) if located else None,
        )
        instructions.append(instruction)
        summaries.append(InstructionSummary(instruction=instruction, sizes=sizes))
        if not empty:
            layers.append(
                LayerSummary(
                    index=len(layers),
                    diff_id=Digest.of(text.encode("utf-8", "surrogatepass")),
                    digest=None,
                    media_type="application/vnd.oci.image.layer.v1.tar",
                    compression="none",
                    verified=False,
                    instruction=index,
                    indexed=True,
                    sizes=sizes,
                    changes=Changes(added=3, modified=1, deleted=0),
                )
            )
    config = ImageConfig(
        platform=Platform("linux", "amd64"), created="2024-05-01T10:00:00Z", diff_ids=(), history=()
    )
    image = Image(
        reference=reference,
        source="docker-archive",
        tags=(reference,),
        platform=config.platform,
        manifest_digest=None,
        config_digest=Digest.of(b"config"),
        config=config,
        layers=(),
        instructions=tuple(instructions),
    )
    ordered = sorted(waste, key=lambda file: (-file.bytes, file.path))
    tree = tree_of(len(layers), largest)
    indexes = (None,) * len(layers)
    facts = Facts(
        reference=reference,
        source=image.source,
        tags=image.tags,
        platform=image.platform,
        created=config.created,
        manifest_digest=None,
        config_digest=str(image.config_digest),
        saved=False,
        config=config,
        base=None,
        sizes=Sizes(
            compressed=compressed,
            tar=sum((each.sizes.tar or 0) for each in layers),
            content=sum(each.sizes.content for each in layers),
            live=sum(each.sizes.live for each in layers),
        ),
        counts=FileCounts(
            regular=9812, directories=700, symlinks=40, hardlinks=3, others=0, whiteouts=2
        ),
        wasted_by_kind={
            kind: sum(file.bytes for file in waste if file.kind == kind) for kind in WASTE_KINDS
        },
        layers=tuple(layers),
        instructions=tuple(summaries),
        waste=tuple(ordered),
        notes=tuple(notes),
        files=Files(tree=tree, indexes=indexes),
    )
    return Analysis(facts=facts, image=image, tree=tree, indexes=indexes)


def with_facts(analysis: Analysis, **facts: Any) -> Analysis:
    """The same analysis with some facts changed."""
    return replace(analysis, facts=replace(analysis.facts, **facts))


def based(analysis: Analysis, *, layers: int, name: str | None) -> Analysis:
    """The same analysis with a base image of the lowest layers."""
    base = Base(layers=layers, name=name, evidence="annotation")
    facts = replace(analysis.facts, base=base)
    charged = {layer.index for layer in facts.layers}
    facts = replace(facts, origin=origin_of(facts, charged))
    return replace(analysis, facts=facts, image=replace(analysis.image, base=base))


def tree_of(layers: int, files: Sequence[LiveFile]) -> FileTree:
    """A tree with these files in its layers."""
    tree = FileTree(Notes())
    for number in range(layers):
        tree.apply(
            LayerIndex.of(
                Member(file.path.lstrip(b"/"), FILE, file.bytes, 0, (0o644, 0, 0), 0)
                for file in files
                if file.layer == number
            )
        )
    return tree


def python_app() -> Analysis:
    """A web application with common kinds of waste."""
    steps = [
        ("ADD rootfs.tar.xz /", 77_800_000),
        (
            "RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates",
            9_100_000,
        ),
        ("COPY . /app", 38_000_000),
        ("RUN pip install -r requirements.txt", 56_300_000),
        ("RUN chown -R app /app", 31_000_000),
        ("RUN rm -rf /root/.cache /app/tests", 1),
        ("ENV NAME World", 0),
        ('CMD ["python", "app.py"]', 0),
    ]
    waste = [
        wasted("/app/data/model.bin", 30_100_000, 2, 4, "metadata_only", ["uid"]),
        *(wasted(f"/app/static/{n}.js", 9_000, 2, 4, "metadata_only", ["uid"]) for n in range(100)),
        *(wasted(f"/root/.cache/pip/http/{n % 16:x}/{n}", 30_000, 3, 5) for n in range(410)),
        wasted("/app/tests/data.json", 200_000, 2, 5),
        wasted("/var/lib/dpkg/status", 150_000, 0, 1, "overwritten"),
    ]
    return make_analysis(
        steps,
        waste,
        largest=[
            LiveFile(path=b"/app/data/model.bin", bytes=30_100_000, layer=4, written_by=4),
            LiveFile(
                path=b"/usr/lib/x86_64-linux-gnu/libpython3.8.so.1.0",
                bytes=5_100_000,
                layer=0,
                written_by=0,
            ),
        ],
        notes=[
            Note("shared-layer", "the same layer is listed twice: counted once for download", 3)
        ],
        compressed=81_200_000,
        located=True,
    )


def without_tar(analysis: Analysis, index: int) -> Analysis:
    """The same image from a source that lacks the tar of one layer."""
    layers = tuple(
        replace(layer, indexed=False) if layer.index == index else layer
        for layer in analysis.layers
    )
    return with_facts(analysis, layers=layers)
