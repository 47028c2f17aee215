"""Images in files and folders: docker-archive, oci-archive, and oci-dir, recognized by their contents."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Final

from layerscope.errors import BadReference, FormatError, ImageNotFound, UnsupportedFormat
from layerscope.image.blob import OpenFile
from layerscope.image.image import Image
from layerscope.notes import Notes
from layerscope.sources.archive import Archive
from layerscope.sources.directory import is_directory_form, open_directory
from layerscope.sources.files import exists, open_archive_file, split_tag
from layerscope.sources.members import INDEX, LAYOUT, MANIFEST
from layerscope.sources.source import Request, Source

DOCKER_ARCHIVE_NAME: Final = "docker-archive"
OCI_ARCHIVE_NAME: Final = "oci-archive"
OCI_DIR_NAME: Final = "oci-dir"


def open_docker_archive_target(target: str, request: Request) -> Image:
    """The image at `PATH[:TAG]`, an archive written by `docker save`."""
    return _open_archive_target(target, request, DOCKER_ARCHIVE_NAME)


def open_oci_archive_target(target: str, request: Request) -> Image:
    """The image at `PATH[:TAG]`, an OCI layout in a tar."""
    return _open_archive_target(target, request, OCI_ARCHIVE_NAME)


def open_oci_dir_target(target: str, request: Request) -> Image:
    """The image at `PATH[:TAG]`, a folder that is an OCI layout."""
    path, request = _split(target, request)
    if not exists(path):
        raise ImageNotFound(f"no such folder: {path!r}")
    return open_folder(path, request)


def open_path(path: str, request: Request) -> Image:
    """The image in an existing file or folder, or standard input (`-`), in whatever form it takes."""
    if path != "-" and os.path.isdir(path):
        if is_directory_form(path) and not is_layout(path):
            return open_directory(path, request)
        return open_folder(path, request)
    return open_archive(open_archive_file(path, request), request)


def _split(target: str, request: Request) -> tuple[str, Request]:
    path, tag = split_tag(target)
    if not path:
        raise BadReference(f"{request.reference!r} names no path")
    if tag is None:
        return path, request
    if request.tag not in (None, tag):
        raise BadReference(
            f"{request.reference!r} names the tag {tag!r}, but --tag names {request.tag!r}"
        )
    return path, replace(request, tag=tag)


def _open_archive_target(target: str, request: Request, kind: str) -> Image:
    if target == "-":
        path = target
    else:
        path, request = _split(target, request)
    if path != "-" and os.path.isdir(path):
        raise UnsupportedFormat(f"{path} is a folder, not an archive", hint=f"write oci-dir:{path}")
    return open_archive(open_archive_file(path, request), request, kind)


def is_image_folder(path: str) -> bool:
    """Whether a folder looks like an image, in any form that a folder can take."""
    return is_layout(path) or is_directory_form(path)


def is_layout(path: str) -> bool:
    """Whether a folder looks like an OCI layout."""
    return any(os.path.lexists(os.path.join(path, name)) for name in (INDEX, LAYOUT))


def open_folder(path: str, request: Request) -> Image:
    """The image in a folder that is an OCI layout; raises `UnsupportedFormat` for any other folder."""
    if not is_layout(path):
        raise UnsupportedFormat(
            f"{path} is a folder without {INDEX}, so it is not an OCI image layout"
        )
    from layerscope.sources.oci import open_layout
    from layerscope.sources.store import FolderStore

    store = FolderStore(path)
    try:
        return open_layout(store, request, Notes(), OCI_DIR_NAME, (store.close,))
    except BaseException:
        store.close()
        raise


def open_archive(file: OpenFile, request: Request, kind: str | None = None) -> Image:
    """The image in an archive, which is closed along with the image.

    `kind` is the form that the reference names, or the name of the source that wrote the archive. See `open_both` for an
    archive in both forms.
    """
    try:
        notes = Notes()
        archive = Archive(file, request, notes)
        has_index, has_manifest = INDEX in archive, MANIFEST in archive
        if kind == OCI_ARCHIVE_NAME and not has_index and has_manifest:
            raise FormatError(
                f"{file.name} has no {INDEX}", hint="write docker-archive: before the path"
            )
        if kind == DOCKER_ARCHIVE_NAME and not has_manifest and has_index:
            raise FormatError(
                f"{file.name} has no {MANIFEST}", hint="write oci-archive: before the path"
            )
        if not has_index and not has_manifest:
            raise archive.what_else()
        source = kind or (DOCKER_ARCHIVE_NAME if has_manifest else OCI_ARCHIVE_NAME)
        if not has_index:
            from layerscope.sources.docker_archive import open_docker_archive

            return open_docker_archive(archive, request, notes, source, (file.close,))
        if not has_manifest:
            from layerscope.sources.oci import open_layout

            return open_layout(archive, request, notes, source, (file.close,))
        from layerscope.sources.both import open_both

        return open_both(archive, request, notes, source, kind, (file.close,))
    except BaseException:
        file.close()
        raise


DOCKER_ARCHIVE: Final = Source(
    name=DOCKER_ARCHIVE_NAME,
    schemes=("docker-archive", "docker-tar"),
    open=open_docker_archive_target,
)
OCI_ARCHIVE: Final = Source(
    name=OCI_ARCHIVE_NAME, schemes=("oci-archive",), open=open_oci_archive_target
)
OCI_DIR: Final = Source(name=OCI_DIR_NAME, schemes=("oci-dir", "oci"), open=open_oci_dir_target)
