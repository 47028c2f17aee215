"""Archives in both forms at once, as Docker 25 and later save them: `manifest.json` next to an OCI `index.json`.

The two can disagree. The config's diff_ids say which layers the image has, and in what order. So if only one document
fits them, layerscope uses that one and adds a note.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from layerscope.errors import (
    Cancelled,
    FormatError,
    ImageNotFound,
    LayerscopeError,
    LimitExceeded,
)
from layerscope.image.config import read_diff_ids
from layerscope.image.digest import Digest
from layerscope.image.image import Image
from layerscope.notes import Notes
from layerscope.sources.assemble import Parts, assemble
from layerscope.sources.docker_archive import manifest_parts, read_entries
from layerscope.sources.members import INDEX, MANIFEST
from layerscope.sources.oci import index_parts
from layerscope.sources.order import is_in_order
from layerscope.sources.source import Request
from layerscope.sources.store import BlobStore

BY_MANIFEST: Final = "docker-archive"
BY_INDEX: Final = "oci-archive"
_Read = tuple[Parts, Notes]


def open_both(
    archive: BlobStore,
    request: Request,
    notes: Notes,
    source: str,
    kind: str | None,
    closers: tuple[Callable[[], None], ...],
) -> Image:
    """The image in an archive that has both documents.

    If the reference names a form, that document is read. Otherwise the index is used if it fits, because it has the
    digests and the attestations. If the named document is refused, or both are, raises the error for it.
    """
    by_manifest = _attempt(lambda notes: manifest_parts(archive, request, notes, source))
    tags = {}
    if not isinstance(by_manifest, FormatError):
        tags = _tags(archive, request)
    by_index = _attempt(
        lambda notes: index_parts(
            archive, request, notes, source, names_of=lambda digest: tags.get(digest, [])
        )
    )
    parts, own = _decide(by_index, by_manifest, request, kind, tags)
    notes.extend(own)
    return assemble(parts, request, notes, closers)


def _attempt(read: Callable[[Notes], Parts]) -> _Read | LayerscopeError:
    notes = Notes()
    try:
        return read(notes), notes
    except (Cancelled, LimitExceeded):
        raise
    except LayerscopeError as error:
        return error


def _tags(archive: BlobStore, request: Request) -> dict[Digest, list[str]]:
    tags: dict[Digest, list[str]] = {}
    for entry in read_entries(archive, request):
        if entry.claimed_digest is not None:
            tags.setdefault(entry.claimed_digest, []).extend(entry.tags)
    return tags


def _decide(
    by_index: _Read | LayerscopeError,
    by_manifest: _Read | LayerscopeError,
    request: Request,
    kind: str | None,
    tags: dict[Digest, list[str]],
) -> _Read:
    """The document to use, with a note that explains the choice when the two disagree."""
    if request.every_platform and not isinstance(by_index, LayerscopeError):
        return by_index
    if isinstance(by_index, LayerscopeError):
        gives_way = isinstance(by_index, FormatError) or (
            isinstance(by_index, ImageNotFound) and request.platform is None
        )
        if isinstance(by_manifest, LayerscopeError) or not gives_way:
            raise by_index
        if kind == BY_INDEX:
            raise _with_hint(by_index, BY_MANIFEST)
        return _noted(by_manifest, INDEX, by_index.message, MANIFEST)
    if isinstance(by_manifest, LayerscopeError):
        if not isinstance(by_manifest, FormatError):
            return by_index
        if kind == BY_MANIFEST:
            raise _with_hint(by_manifest, BY_INDEX)
        return _noted(by_index, MANIFEST, by_manifest.message, INDEX)
    index, manifest = by_index[0], by_manifest[0]
    if index.config_digest != manifest.config_digest:
        if index.config_digest in tags:
            return by_index
        is_demanded = kind == BY_MANIFEST and request.platform is None
        chosen = by_manifest if is_demanded and not index.is_chosen_by_platform else by_index
        names = ", ".join(map(repr, manifest.tags)) or str(manifest.config_digest)
        chosen[1].add(
            "archive-indexes-disagree",
            f"{INDEX} names the image {index.config_digest}, but {MANIFEST} names another: {names}",
        )
        return chosen
    if _blobs(index) == _blobs(manifest):
        return by_index
    return _by_content(by_index, by_manifest, request, kind)


def _blobs(parts: Parts) -> list[tuple[int, int, int]]:
    return [layer.blob.key for layer in parts.layers if layer.blob is not None]


def _by_content(by_index: _Read, by_manifest: _Read, request: Request, kind: str | None) -> _Read:
    """Find out which of two lists of compressed layers matches the config's diff_ids.

    The layers of `manifest.json` have no digests of their own, so they are compared with their diff_ids when they're
    read. Raises `FormatError` if the reference names the index and it doesn't match.
    """
    index, manifest = by_index[0].layers, by_manifest[0].layers
    diff_ids = read_diff_ids(by_index[0].config)
    if len(index) != len(diff_ids):
        return by_index
    if kind != BY_MANIFEST:
        if is_in_order(index, manifest, diff_ids, request.limits, request.cancelled):
            return _noted(by_index, MANIFEST, "it names other layers", INDEX)
        if kind == BY_INDEX:
            error = FormatError(f"{INDEX} names layers in a different order than the diff_ids")
            raise _with_hint(error, BY_MANIFEST)
    return _noted(by_manifest, INDEX, "it names other layers", MANIFEST)


def _noted(read: _Read, passed: str, reason: str, used: str) -> _Read:
    read[1].add("archive-document-unfit", f"{passed} is ignored and {used} is used: {reason}")
    return read


def _with_hint(error: LayerscopeError, other: str) -> LayerscopeError:
    error.hint = f"the archive's other document fits; write {other}: before the path"
    return error
