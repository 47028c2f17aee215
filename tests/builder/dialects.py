"""History entries as each builder writes them. Every helper returns the fields of one entry.

builder.layer({...}, **classic.run("apt-get update"))
builder.empty(**buildkit.meta("ENV A=b"))
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TypedDict


class Entry(TypedDict, total=False):
    created_by: str
    comment: str
    author: str


def arguments(args: Mapping[str, str] | None) -> str:
    """Build arguments before a RUN, sorted: `|2 A=1 B=2 `."""
    if not args:
        return ""
    return f"|{len(args)} " + "".join(f"{key}={args[key]} " for key in sorted(args))


def checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class classic:
    """Docker Engine's builder before BuildKit."""

    @staticmethod
    def run(command: str, args: Mapping[str, str] | None = None) -> Entry:
        return {"created_by": f"{arguments(args)}/bin/sh -c {command}"}

    @staticmethod
    def copy(destination: str, keyword: str = "COPY", kind: str = "file") -> Entry:
        source = f"{kind}:{checksum(destination)}"
        return {"created_by": f"/bin/sh -c #(nop) {keyword} {source} in {destination} "}

    @staticmethod
    def workdir(folder: str) -> Entry:
        return {"created_by": f"/bin/sh -c #(nop) WORKDIR {folder}"}

    @staticmethod
    def meta(instruction: str) -> Entry:
        return {"created_by": f"/bin/sh -c #(nop)  {instruction}"}


class buildkit:
    """BuildKit's Dockerfile frontend."""

    comment = "buildkit.dockerfile.v0"

    @classmethod
    def run(cls, command: str, args: Mapping[str, str] | None = None) -> Entry:
        text = f"RUN {arguments(args)}/bin/sh -c {command} # buildkit"
        return {"created_by": text, "comment": cls.comment}

    @classmethod
    def copy(cls, sources: str, destination: str, keyword: str = "COPY") -> Entry:
        text = f"{keyword} {sources} {destination} # buildkit"
        return {"created_by": text, "comment": cls.comment}

    @classmethod
    def workdir(cls, folder: str) -> Entry:
        return {"created_by": f"WORKDIR {folder}", "comment": cls.comment}

    @classmethod
    def meta(cls, instruction: str) -> Entry:
        return {"created_by": instruction, "comment": cls.comment}

    @classmethod
    def command(cls, keyword: str, argv: Sequence[str]) -> Entry:
        """CMD and ENTRYPOINT: quoted, without commas."""
        words = " ".join(json.dumps(word) for word in argv)
        return {"created_by": f"{keyword} [{words}]", "comment": cls.comment}

    @staticmethod
    def exporter() -> Entry:
        """What BuildKit appends for a layer without an entry."""
        return {"comment": "buildkit.exporter.image.v0"}


class buildah:
    """buildah and podman build."""

    @staticmethod
    def run(command: str, args: Mapping[str, str] | None = None, base: str = "") -> Entry:
        entry: Entry = {"created_by": f"{arguments(args)}/bin/sh -c {command}"}
        if base:
            entry["comment"] = f"FROM {base}"
        return entry

    @staticmethod
    def copy(destination: str, keyword: str = "COPY") -> Entry:
        source = f"file:{checksum(destination)}"
        return {"created_by": f"/bin/sh -c #(nop) {keyword} {source} in {destination} "}

    @staticmethod
    def meta(instruction: str) -> Entry:
        return {"created_by": f"/bin/sh -c #(nop) {instruction}"}

    @staticmethod
    def one_layer(base: str) -> Entry:
        return {"created_by": "/bin/sh", "comment": f"FROM {base}"}


def kaniko(text: str) -> Entry:
    return {"created_by": text, "author": "kaniko"}


def jib(layer: str) -> Entry:
    return {"created_by": "jib-maven-plugin:3.4.0", "author": "Jib", "comment": layer}


def ko(path: str) -> Entry:
    return {
        "created_by": f"ko build ko://{path}",
        "author": "ko",
        "comment": "go build output, at /ko-app/" + path.rpartition("/")[2],
    }


def apko() -> Entry:
    return {"created_by": "apko", "author": "apko", "comment": "This is an apko single-layer image"}


def nix(*store_paths: str) -> Entry:
    paths = ", ".join(f"'{path}'" for path in store_paths)
    return {"comment": f"store paths: [{paths}]"}


def buildpack(layer: str, created_by: str = "") -> Entry:
    suffix = f", Created by buildpack: {created_by}" if created_by else ""
    return {"created_by": f"Layer: '{layer}'{suffix}"}


def squash(above: str, base: str) -> Entry:
    """The entry that `docker build --squash` adds after emptying the others."""
    return {"comment": f"merge sha256:{checksum(above)} to sha256:{checksum(base)}"}


def imported(source: str = "-") -> Entry:
    return {"comment": f"Imported from {source}"}


def debuerreotype(suite: str = "bookworm") -> Entry:
    return {
        "created_by": f"# debian.sh --arch 'amd64' out/ '{suite}' '@1700000000'",
        "comment": "debuerreotype 0.15",
    }
