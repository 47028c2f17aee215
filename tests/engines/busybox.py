"""A small root filesystem for ``docker import``: busybox with a link per applet."""

from __future__ import annotations

import functools
import io
import subprocess
import tarfile
from pathlib import Path

BUSYBOX = Path("/bin/busybox")
EPOCH = 1_672_531_200  # 2023-01-01T00:00:00Z

FOLDERS = (
    "bin",
    "dev",
    "etc",
    "home",
    "proc",
    "root",
    "sys",
    "tmp",
    "usr",
    "usr/bin",
    "var",
    "var/tmp",
)
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}


@functools.cache
def applets() -> tuple[str, ...]:
    """The commands that the machine's busybox supports."""
    listing = subprocess.run([BUSYBOX, "--list"], check=True, capture_output=True, text=True)
    return tuple(sorted(set(listing.stdout.split()) - {"busybox"}))


@functools.cache
def root_tar() -> bytes:
    """An uncompressed tar of the root, reproducible for the same busybox."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:

        def add(name: str, kind: bytes, mode: int, data: bytes = b"", link: str = "") -> None:
            member = tarfile.TarInfo(name)
            member.type, member.mode, member.mtime = kind, mode, EPOCH
            member.size, member.linkname = len(data), link
            tar.addfile(member, io.BytesIO(data))

        for folder in FOLDERS:
            add(folder, tarfile.DIRTYPE, 0o1777 if folder.endswith("tmp") else 0o755)
        add("bin/busybox", tarfile.REGTYPE, 0o755, BUSYBOX.read_bytes())
        for applet in applets():
            add(f"bin/{applet}", tarfile.SYMTYPE, 0o777, link="busybox")
        for name, text in FILES.items():
            add(name, tarfile.REGTYPE, 0o644, text.encode())
    return buffer.getvalue()
