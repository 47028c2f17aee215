"""Bytes of packages against the database that apko writes, in a root that it fills with packages of Alpine and Wolfi."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.builder.tools import absent
from tests.engines.gotools import APK_ROOT, APKO, ToolError, built_from, files_of
from tests.packages.roots import analyzed, members_of, stored

pytestmark = pytest.mark.engine
PACKAGES = (
    "alpine-317/alpine-baselayout-3.4.0-r0.apk",
    "hello-wolfi-2.12.1-r0.apk",
    "replaces/replaces-0.0.1-r0.apk",
)
"""Real packages in the test data of apko's module."""


def test_bytes_of_apk_packages_are_those_of_the_database_and_stat(tmp_path: Path) -> None:
    try:
        program, data = built_from(APK_ROOT, dict([APKO])), files_of(*APKO) / "pkg/apk/apk/testdata"
    except ToolError as error:
        absent(f"apko can't be built: {str(error)[-300:]}")
    root = tmp_path / "root"
    root.mkdir()
    command = [program, root, *(data / name for name in PACKAGES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    expected = {
        (row["name"], row["version"]): stored(root, row["files"]) for row in json.loads(done.stdout)
    }
    assert len(expected) == len(PACKAGES)
    assert max(expected.values()) > 50_000
    analysis = analyzed(tmp_path, members_of(root))
    assert "packages-unreadable" not in [note.code for note in analysis.notes]
    packages = analysis.facts.packages
    assert packages is not None
    found = {
        (row.package.name, row.package.version): row.content
        for row in packages.rows
        if row.package.type == "apk"
    }
    assert found == expected
    assert packages.owned.content + packages.unowned.content == analysis.sizes.content
