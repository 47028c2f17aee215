"""Image configs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from layerscope.errors import FormatError
from layerscope.image.config import ImageConfig
from layerscope.image.digest import Digest
from layerscope.image.document import parse_document
from layerscope.image.history import HistoryEntry
from layerscope.image.platform import Platform
from layerscope.notes import Notes


def parse(document: dict[str, Any], notes: Notes | None = None) -> ImageConfig:
    data = json.dumps(document).encode()
    node = parse_document(data, "config", max_bytes=1 << 20, max_depth=50)
    return ImageConfig.parse(node, Notes() if notes is None else notes)


def test_a_config_is_read() -> None:
    diff_id = Digest.of(b"layer")
    config = parse(
        {
            "os": "linux",
            "architecture": "arm64",
            "variant": "v8",
            "created": "2024-01-02T03:04:05Z",
            "config": {
                "Env": ["A=b"],
                "Entrypoint": ["/bin/x"],
                "Cmd": ["-v"],
                "User": "1000",
                "WorkingDir": "/app",
                "ExposedPorts": {"80/tcp": {}, "443/tcp": {}},
                "Volumes": {"/data": {}},
                "Labels": {"b": "2", "a": "1"},
                "StopSignal": "SIGINT",
            },
            "rootfs": {"type": "layers", "diff_ids": [str(diff_id)]},
            "history": [
                {"created": "2024-01-02T03:04:05Z", "created_by": "RUN x", "comment": "c"},
                {"author": "me", "empty_layer": True},
            ],
        }
    )
    assert config == ImageConfig(
        platform=Platform("linux", "arm64", "v8"),
        created="2024-01-02T03:04:05Z",
        diff_ids=(diff_id,),
        history=(
            HistoryEntry("2024-01-02T03:04:05Z", "RUN x", "", "c", False),
            HistoryEntry(None, "", "me", "", True),
        ),
        env=("A=b",),
        entrypoint=("/bin/x",),
        cmd=("-v",),
        user="1000",
        working_dir="/app",
        exposed_ports=("443/tcp", "80/tcp"),
        volumes=("/data",),
        labels=(("a", "1"), ("b", "2")),
        stop_signal="SIGINT",
    )


def test_missing_or_null_fields_are_empty() -> None:
    nulls = {"config": {"Env": None, "Cmd": None, "Labels": None}, "history": None, "rootfs": None}
    assert parse({}) == parse(nulls)
    assert parse({}).diff_ids == ()


def test_a_command_can_be_a_single_string() -> None:
    config = parse({"config": {"Cmd": "run me", "Entrypoint": "sh"}})
    assert (config.entrypoint, config.cmd) == (("sh",), ("run me",))


@pytest.mark.parametrize(
    ("history", "fault"),
    [
        ("x", "history: expected a list, found text"),
        ([1], "history[0]: expected an object, found a number"),
        ([{}, {"created_by": 1}], "history[1].created_by: expected text, found a number"),
        ([{"empty_layer": "yes"}], "history[0].empty_layer: expected a boolean, found text"),
    ],
)
def test_a_broken_history_is_left_out_with_a_note(history: object, fault: str) -> None:
    notes = Notes()
    assert parse({"history": history}, notes).history == ()
    (note,) = notes
    assert note.code == "history-malformed"
    assert fault in note.message


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ({"rootfs": []}, "rootfs: expected an object, found a list"),
        ({"rootfs": {"diff_ids": ["x"]}}, "rootfs.diff_ids[0]: 'x' is not a digest"),
        ({"rootfs": {"diff_ids": [1]}}, "rootfs.diff_ids[0]: expected text, found a number"),
        ({"os": 1}, "os: expected text, found a number"),
        ({"config": {"Env": [1]}}, "config.Env[0]: expected text, found a number"),
        ({"config": {"Labels": {"a": []}}}, "config.Labels['a']: expected text, found a list"),
        ({"rootfs": {}, "RootFS": {}}, "differ only in case"),
    ],
)
def test_broken_configs_are_refused(document: dict[str, Any], fault: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse(document)
    assert fault in str(caught.value)
