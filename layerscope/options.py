"""How to read an image: the options that the library, every command, and the browser share."""

from __future__ import annotations

from typing import Final, Literal

from layerscope.limits import DEFAULT_LIMITS, Limits
from layerscope.records import dataclass

Verify = Literal["auto", "full", "off"]
SecretScope = Literal["off", "known", "all"]
Via = Literal["store", "export"]

MIN_DUPLICATE: Final = 4096
"""The default size from which a content counts as a duplicate, in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceOptions:
    """Which advice to give. `off` are ids of rules that are switched off.

    A saving of less than `min_saving` bytes isn't mentioned. None means 1 MB or 1 % of the content, whichever is smaller.
    `measured` has the content of other images that advice may name, in bytes.
    """

    off: frozenset[str] = frozenset()
    min_saving: int | None = None
    measured: tuple[tuple[str, int], ...] = ()


DEFAULT_ADVICE = AdviceOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """Which image a reference means, and how to read it.

    `platform` (`os/arch[/variant]`) picks from an index, and `tag` from an archive of several images. `pull` lets an
    engine fetch an image it doesn't have. `dockerfile` is the path of the Dockerfile that built the image, for line
    numbers if the image has no provenance. `insecure` accepts plain HTTP and unverified certificates from a registry, and
    `token_servers` are hosts besides the registry's own that may get its credentials. `base` is a reference to the image
    it was built FROM. `verify` says when to check digests: if the bytes are read in full anyway (`auto`), always
    (`full`), or never (`off`). `head` reads no layers, only the manifest, the config, and the index.
    `via` reads an engine's image from its `store` or from an `export`; None takes the store where it can be read.
    `cache` keeps the indexes of layers in the user's cache folder, and takes them from there, except with `full`.
    `contents` says that files may be read after the analysis. Without it, an engine's export is not kept; reading a file
    exports the image again.
    `lazy` reads a layer by its table of contents (eStargz, zstd:chunked) if it has one.
    `packages` tells which packages the files belong to, unless layers are read by their tables of contents.
    `advice` says which advice to give on the image.
    `dead_weight` tells which live files a running container hardly needs.
    `duplicates` tells which contents of at least `min_duplicate` bytes are stored more than once. In uncompressed layers,
    files of the same size are read for it.
    `secrets` says where to look for secrets: nowhere (`off`), in the configuration and in files whose names say that they
    hold secrets (`known`), or in all text files too (`all`), which reads their contents.
    """

    platform: str | None = None
    tag: str | None = None
    pull: bool = False
    insecure: bool = False
    token_servers: tuple[str, ...] = ()
    dockerfile: str | None = None
    base: str | None = None
    limits: Limits = DEFAULT_LIMITS
    verify: Verify = "auto"
    head: bool = False
    cache: bool = True
    lazy: bool = False
    contents: bool = True
    via: Via | None = None
    packages: bool = True
    advice: AdviceOptions = DEFAULT_ADVICE
    dead_weight: bool = True
    duplicates: bool = True
    min_duplicate: int = MIN_DUPLICATE
    secrets: SecretScope = "known"


DEFAULT_OPTIONS = ReadOptions()
