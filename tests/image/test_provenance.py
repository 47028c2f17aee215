"""BuildKit's provenance: which step's chain of blobs ends where, and what must not be trusted."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from layerscope.errors import FormatError
from layerscope.image.blame import blame
from layerscope.image.blob import Blob, OpenFile
from layerscope.image.digest import Digest
from layerscope.image.history import HistoryEntry
from layerscope.image.image import Attestation, Base
from layerscope.image.instruction import Location, attribute
from layerscope.image.provenance import PREDICATES, Provenance, read_provenance
from layerscope.limits import DEFAULT_LIMITS
from layerscope.notes import Notes

V02, V1 = PREDICATES
LAYERS = [Digest("sha256", f"{number:064x}") for number in range(4)]
DOCKERFILE = "FROM busybox\nCOPY --link a /a\nRUN --mount=type=cache,target=/c \\\n  make\nCMD x\n"


def chain(*numbers: int) -> list[dict[str, object]]:
    return [{"digest": str(LAYERS[number]), "size": 1} for number in numbers]


def metadata() -> dict[str, Any]:
    def at(start: int, end: int) -> dict[str, object]:
        return {"locations": [{"ranges": [{"start": {"line": start}, "end": {"line": end}}]}]}

    return {
        "source": {
            "infos": [
                {
                    "filename": "Dockerfile",
                    "language": "Dockerfile",
                    "data": base64.b64encode(DOCKERFILE.encode()).decode(),
                }
            ],
            "locations": {"step0": at(1, 1), "step1": {}, "step2": at(2, 2), "step4": at(3, 4)},
        },
        "layers": {
            "step0:0": [chain(0)],
            "step2:0": [chain(1)],
            "step3:0": [chain(0, 1), chain(0, 1)],
            "step4:0": [chain(0, 1, 2)],
        },
    }


STEPS = [
    {"id": "step0", "op": {"Op": {"source": {"identifier": "docker-image://busybox@sha256:1"}}}}
]


def statement(kind: str, found: dict[str, Any]) -> dict[str, Any]:
    if kind == V02:
        key = "https://mobyproject.org/buildkit@v1#metadata"
        predicate: dict[str, Any] = {
            "buildConfig": {"llbDefinition": STEPS},
            "metadata": {key: found},
        }
    else:
        predicate = {
            "buildDefinition": {
                "internalParameters": {"buildConfig": {"llbDefinition": STEPS}},
            },
            "runDetails": {"metadata": {"buildkit_metadata": found}},
        }
    return {"predicateType": kind, "predicate": predicate}


@contextmanager
def attested(kind: str, document: object) -> Iterator[Attestation]:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        blob = Blob(OpenFile(file.fileno(), "image.tar"), 0, len(data), "the attestation")
        yield Attestation(predicate_type=kind, digest=Digest.of(data), blob=blob)


def read(kind: str, found: dict[str, Any]) -> Provenance:
    with attested(kind, statement(kind, found)) as attestation:
        provenance = read_provenance(attestation, LAYERS[:3], DEFAULT_LIMITS)
    assert provenance is not None
    return provenance


@pytest.mark.parametrize("kind", PREDICATES)
def test_each_layer_belongs_to_the_step_whose_chain_ends_there(kind: str) -> None:
    owners = read(kind, metadata()).owners
    assert [None if owner is None else owner.location for owner in owners] == [
        Location("Dockerfile", 1, 1),
        Location("Dockerfile", 2, 2),
        Location("Dockerfile", 3, 4),
    ]
    assert [owner is not None and owner.base for owner in owners] == [True, False, False]


def test_chains_of_other_images_count_for_nothing() -> None:
    found = metadata()
    found["layers"] = {"step4:0": [chain(3, 2)], "step2:0": [chain(0, 3)]}
    owners = read(V1, found).owners
    assert owners[0] is None
    assert owners[1] is None
    assert owners[2] is not None
    assert owners[2].location == Location("Dockerfile", 3, 4)


def test_without_a_source_map_nothing_is_known() -> None:
    documents: tuple[dict[str, Any], ...] = ({}, {"vcs": {}})
    for found in documents:
        with attested(V1, statement(V1, found)) as attestation:
            assert read_provenance(attestation, LAYERS[:3], DEFAULT_LIMITS) is None
    with attested("https://spdx.dev/Document", {}) as attestation:
        assert read_provenance(attestation, LAYERS[:3], DEFAULT_LIMITS) is None


def test_blame_takes_lines_texts_and_the_base() -> None:
    history = (
        HistoryEntry(created_by="/bin/sh -c #(nop) ADD file:0123456789abcdef in / "),
        HistoryEntry(created_by="COPY a /a # buildkit"),
        HistoryEntry(created_by="RUN /bin/sh -c make # buildkit"),
        HistoryEntry(created_by='CMD ["/bin/sh" "-c" "x"]', empty_layer=True),
    )
    instructions, _ = attribute(history, 3)
    notes = Notes()
    with attested(V1, statement(V1, metadata())) as attestation:
        found = blame(instructions, LAYERS[:3], (attestation,), None, DEFAULT_LIMITS, notes)
    assert [each.evidence for each in found.instructions] == ["provenance"] * 4
    assert [each.text for each in found.instructions[1:3]] == [
        "COPY --link a /a",
        "RUN --mount=type=cache,target=/c make",
    ]
    assert found.instructions[3].location == Location("Dockerfile", 5, 5)
    assert found.base == Base(layers=1, name="busybox@sha256:1", evidence="provenance")
    assert not list(notes)


@pytest.mark.parametrize(
    "break_it",
    [
        lambda found: found["source"].update(infos=[{"filename": "x", "data": "!"}]),
        lambda found: found["source"].update(locations={"step0": {"locations": 1}}),
        lambda found: found.update(layers={"step0:0": [[{"digest": 1}]]}),
        lambda found: found.update(layers={"step0:0": "x"}),
        lambda found: found.update(source=[]),
    ],
)
def test_a_malformed_statement_is_passed_over_with_a_note(break_it: Any) -> None:
    found = metadata()
    break_it(found)
    instructions, _ = attribute((HistoryEntry(created_by="RUN x"),), 1)
    notes = Notes()
    with attested(V1, statement(V1, found)) as attestation:
        blamed = blame(instructions, LAYERS[:1], (attestation,), None, DEFAULT_LIMITS, notes)
    assert blamed.instructions == instructions
    assert [note.code for note in notes] == ["provenance-unreadable"]


def test_a_statement_that_is_not_its_digest_is_refused() -> None:
    with attested(V1, statement(V1, metadata())) as attestation:
        forged = Attestation(predicate_type=V1, digest=LAYERS[0], blob=attestation.blob)
        with pytest.raises(FormatError, match="is not the bytes"):
            read_provenance(forged, LAYERS[:3], DEFAULT_LIMITS)
