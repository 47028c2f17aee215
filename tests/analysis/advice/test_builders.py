"""Advice on images that no Dockerfile built, or only on top of an unknown base image."""

from __future__ import annotations

from dataclasses import replace

import pytest

from layerscope.analysis.advice.advise import advise
from layerscope.image.image import Base
from tests.analysis.images import analysed
from tests.builder import File, ImageBuilder, Whiteout
from tests.builder.dialects import (
    Entry,
    apko,
    buildah,
    buildkit,
    classic,
    imported,
    jib,
    kaniko,
    ko,
)
from tests.builder.image import Members

DIGEST = "sha256:" + "ab" * 32


def messages(builder: ImageBuilder, form: str = "oci-archive") -> list[str]:
    return [each.message for each in advise(analysed(builder.build(), form))]


def on_base(*layers: tuple[Entry, Members]) -> ImageBuilder:
    builder = ImageBuilder("app:1").layer({"bin/sh": bytes(300)}, **imported())
    for entry, members in layers:
        builder.layer(members, **entry)
    return builder


@pytest.mark.parametrize(("count", "them"), [(1, "it"), (2, "them")])
def test_debug_symbols_of_a_step_without_a_keyword_are_stripped_before_it(
    count: int, them: str
) -> None:
    symbols = {f"usr/lib/debug/{n}.debug": bytes([n]) * 90_000 for n in range(count)}
    (told,) = messages(on_base((ko("example.org/app"), symbols)))
    assert told.startswith("Instruction 1: strip ")
    assert f" before this step stores {them}, because of debug symbols. Saves " in told


def test_a_builder_without_a_dockerfile_is_not_told_to_copy_from_a_stage() -> None:
    told = messages(on_base((apko(), {"usr/lib/gcc/x86_64-linux-gnu/12/cc1": bytes(90_000)})))
    assert told == [
        "Instruction 1: leave out build tools, /usr/lib/gcc/x86_64-linux-gnu/12/cc1. Saves 90.0 kB."
    ]


@pytest.mark.parametrize("history", [True, False])
def test_what_one_tool_writes_and_deletes_is_not_blamed_on_a_base_image(history: bool) -> None:
    entry, again = (jib("classes"), jib("extra files")) if history else (Entry(), Entry())
    builder = on_base((entry, {"app/big": bytes(80_000)}), (again, {"app/big": Whiteout()}))
    assert messages(builder) == [
        "Instruction 1: leave out /app/big, because deleting it in instruction 2 frees nothing. Saves 80.0 kB."
    ]


def test_what_a_dockerfile_deletes_of_an_undescribed_layer_needs_another_base() -> None:
    builder = on_base(
        (imported(), {"app/big": bytes(80_000)}),
        (classic.run("rm /app/big"), {"app/big": Whiteout()}),
    )
    assert messages(builder)[0].startswith("Instruction 2: use a base image without /app/big")


def base_of(builder: ImageBuilder, form: str = "oci-archive") -> Base | None:
    return analysed(builder.build(), form).facts.base


def test_what_is_below_the_layers_of_ko_and_jib_is_the_base_image() -> None:
    unnamed = Base(layers=1, name=None, evidence="history")
    assert base_of(on_base((ko("example.org/app"), {"ko-app/app": b"x"}))) == unnamed
    steps = [(jib(part), {f"app/{part}": b"x"}) for part in ("dependencies", "classes")]
    assert base_of(on_base(*steps)) == unnamed
    assert base_of(on_base(*steps, *steps)) is None, "an image by Jib on an image by Jib"
    later = (classic.run("true"), {"x": b"x"})
    assert base_of(on_base(*steps, later)) is None
    assert base_of(ImageBuilder("app:1").layer({"app": b"x"}, **jib("classes"))) is None


@pytest.mark.parametrize(
    ("annotations", "name"),
    [
        ({"name": "corp/base:1", "digest": DIGEST}, f"corp/base:1@{DIGEST}"),
        ({"name": "corp/base:1"}, "corp/base:1"),
        ({"digest": DIGEST}, None),
    ],
)
def test_the_manifest_names_the_base_image_that_the_history_does_not(
    annotations: dict[str, str], name: str | None
) -> None:
    built = on_base((ko("example.org/app"), {"ko-app/app": b"x"})).build()
    prefix = "org.opencontainers.image.base."
    named = replace(built, annotations={prefix + key: value for key, value in annotations.items()})
    base = analysed(named, "oci-archive").facts.base
    assert base == Base(layers=1, name=name, evidence="history")


CHMOD = [
    (classic.copy("/app/big"), classic.run("chmod 600 /app/big"), " (needs BuildKit)"),
    (buildkit.copy("big", "/app/big"), buildkit.run("chmod 600 /app/big"), ""),
    (
        Entry(**buildah.copy("/app/big"), comment="FROM base:1"),
        buildah.run("chmod 600 /app/big", base="8a9aa63bcb50"),
        "",
    ),
    (kaniko("COPY big /app/big"), kaniko("RUN chmod 600 /app/big"), ""),
]


@pytest.mark.parametrize(("copy", "run", "hint"), CHMOD)
def test_a_flag_that_dockers_first_builder_lacks_names_the_builder_it_needs(
    copy: Entry, run: Entry, hint: str
) -> None:
    big = bytes(80_000)
    steps = (copy, {"app/big": File(big, mode=0o644)}), (run, {"app/big": File(big, mode=0o600)})
    (told,) = messages(on_base(*steps))
    assert told.startswith(f"Instruction 1: use COPY --chmod=600{hint} and drop instruction 2 (")


def test_a_cache_mount_needs_buildkit_too() -> None:
    left = {"root/.cache/go-build/0/a": bytes(80_000)}
    (told,) = messages(on_base((classic.run("go build"), left)))
    assert "--mount=type=cache,target=/root/.cache/go-build (needs BuildKit) or build" in told
    cached = {"root/.cache/pip/a": bytes(80_000)}
    gone = {"root/.cache/pip/a": Whiteout()}
    (told,) = messages(
        on_base((classic.run("pip install a"), cached), (classic.run("rm -r /root/.cache"), gone))
    )
    assert "--mount=type=cache,target=/root/.cache/pip (needs BuildKit) instead" in told
