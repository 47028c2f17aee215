"""BuildKit's provenance: where each step's chain of blobs ends, and what must not be trusted."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from layerscope.errors import FormatError
from layerscope.image.attribution import attribute
from layerscope.image.blame import Blame, blame
from layerscope.image.blob import Blob, OpenFile
from layerscope.image.digest import Digest
from layerscope.image.dockerfile import MAX_BYTES
from layerscope.image.history import HistoryEntry
from layerscope.image.image import Attestation, Base
from layerscope.image.instruction import Location
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
    assert [() if owner is None else owner.locations for owner in owners] == [
        (Location("Dockerfile", 1, 1),),
        (Location("Dockerfile", 2, 2),),
        (Location("Dockerfile", 3, 4),),
    ]
    assert [owner is not None and owner.base for owner in owners] == [True, False, False]


def test_chains_of_other_images_are_ignored() -> None:
    found = metadata()
    found["layers"] = {"step4:0": [chain(3, 2)], "step2:0": [chain(0, 3)]}
    owners = read(V1, found).owners
    assert owners[0] is None
    assert owners[1] is None
    assert owners[2] is not None
    assert owners[2].locations == (Location("Dockerfile", 3, 4),)


def test_without_a_source_map_nothing_is_known() -> None:
    documents: tuple[dict[str, Any], ...] = ({}, {"vcs": {}})
    for found in documents:
        with attested(V1, statement(V1, found)) as attestation:
            assert read_provenance(attestation, LAYERS[:3], DEFAULT_LIMITS) is None
    with attested("https://spdx.dev/Document", {}) as attestation:
        assert read_provenance(attestation, LAYERS[:3], DEFAULT_LIMITS) is None


def test_blame_uses_the_lines_texts_and_base_of_the_provenance() -> None:
    history = (
        HistoryEntry(created_by="/bin/sh -c #(nop) ADD file:0123456789abcdef in / "),
        HistoryEntry(created_by="COPY a /a # buildkit"),
        HistoryEntry(created_by="RUN /bin/sh -c make # buildkit"),
        HistoryEntry(created_by='CMD ["/bin/sh" "-c" "x"]', empty_layer=True),
    )
    notes = Notes()
    with attested(V1, statement(V1, metadata())) as attestation:
        found = blame(history, LAYERS[:3], (attestation,), None, DEFAULT_LIMITS, notes)
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
def test_a_malformed_statement_is_skipped_with_a_note(break_it: Any) -> None:
    found = metadata()
    break_it(found)
    history = (HistoryEntry(created_by="RUN x"),)
    instructions, _ = attribute(history, 1)
    notes = Notes()
    with attested(V1, statement(V1, found)) as attestation:
        blamed = blame(history, LAYERS[:1], (attestation,), None, DEFAULT_LIMITS, notes)
    assert blamed.instructions == instructions
    assert [note.code for note in notes] == ["provenance-unreadable"]


def test_a_statement_that_does_not_match_its_digest_is_refused() -> None:
    with attested(V1, statement(V1, metadata())) as attestation:
        forged = Attestation(predicate_type=V1, digest=LAYERS[0], blob=attestation.blob)
        with pytest.raises(FormatError, match="does not match its digest"):
            read_provenance(forged, LAYERS[:3], DEFAULT_LIMITS)


HISTORY = (
    HistoryEntry(created_by="/bin/sh -c #(nop) ADD file:0123456789abcdef in / "),
    HistoryEntry(created_by="COPY a /a # buildkit"),
    HistoryEntry(created_by="RUN /bin/sh -c make # buildkit"),
    HistoryEntry(created_by='CMD ["/bin/sh" "-c" "x"]', empty_layer=True),
)


def blamed(
    document: dict[str, Any],
    history: tuple[HistoryEntry, ...] = HISTORY,
    layers: list[Digest] = LAYERS[:3],
) -> tuple[Blame, list[str]]:
    notes = Notes()
    with attested(V1, document) as attestation:
        found = blame(history, layers, (attestation,), None, DEFAULT_LIMITS, notes)
    return found, [note.code for note in notes]


def lines(found: Blame) -> list[int | None]:
    return [each.location.start_line if each.location else None for each in found.instructions]


def places(*starts: int) -> dict[str, Any]:
    return {
        "locations": [
            {"ranges": [{"start": {"line": start}, "end": {"line": start}}]} for start in starts
        ]
    }


def source(text: str, **locations: dict[str, Any]) -> dict[str, Any]:
    data = base64.b64encode(text.encode()).decode()
    return {"infos": [{"filename": "Dockerfile", "data": data}], "locations": locations}


@pytest.mark.parametrize("order", [1, -1])
def test_of_a_steps_two_locations_the_shipped_stage_is_named(order: int) -> None:
    text = "FROM busybox AS b\nRUN make\nRUN x\n\nFROM busybox\nRUN make\nCOPY a /a\n"
    found = metadata()
    found["source"] = source(
        text,
        step0=places(*sorted((1, 5), key=lambda line: order * line)),
        step1=places(*sorted((2, 6), key=lambda line: order * line)),
        step2=places(7),
    )
    found["layers"] = {
        "step0:0": [chain(0)],
        "step1:0": [chain(0, 1)],
        "step2:0": [chain(0, 1, 2)],
    }
    history = (HISTORY[0], HISTORY[2], HISTORY[1])
    result, codes = blamed(statement(V1, found), history)
    assert lines(result) == [5, 6, 7]
    assert codes == []


def test_layers_compressed_again_keep_their_lines_and_base() -> None:
    other = [Digest("sha256", f"{number + 100:064x}") for number in range(3)]
    found, codes = blamed(statement(V1, metadata()), layers=other)
    assert lines(found) == [1, 2, 3, 5]
    assert found.base == Base(layers=1, name="busybox@sha256:1", evidence="provenance")
    assert codes == ["provenance-by-order"]


def test_layers_keep_their_lines_if_only_the_base_is_recompressed() -> None:
    mixed = [Digest("sha256", f"{100:064x}"), *LAYERS[1:3]]
    found, _ = blamed(statement(V1, metadata()), layers=mixed)
    assert lines(found) == [1, 2, 3, 5]
    assert found.base is not None


def test_provenance_with_another_layer_count_is_not_matched_by_order() -> None:
    other = [Digest("sha256", f"{number + 100:064x}") for number in range(4)]
    history = (HISTORY[0], *HISTORY)
    found, codes = blamed(statement(V1, metadata()), history, layers=other)
    assert found.base is None
    assert "provenance-by-order" not in codes


def test_a_trigger_of_the_base_image_belongs_to_the_from_line() -> None:
    found = metadata()
    text = "# syntax=docker/dockerfile:1\nFROM busybox\nCOPY a /a\n"
    found["source"] = source(text, step0=places(2), step1=places(1), step2=places(3))
    found["layers"] = {
        "step0:0": [chain(0)],
        "step1:0": [chain(0, 1)],
        "step2:0": [chain(0, 1, 2)],
    }
    result, _ = blamed(statement(V1, found), (HISTORY[0], HISTORY[2], HISTORY[1]))
    assert lines(result) == [2, 2, 3]
    assert [each.text for each in result.instructions[1:]] == ["RUN make", "COPY a /a"]


def test_a_base_without_history_has_the_from_line_and_its_name() -> None:
    history = (
        HistoryEntry(created_by="COPY a /a # buildkit", comment="buildkit.dockerfile.v0"),
        HistoryEntry(created_by="RUN /bin/sh -c make # buildkit", comment="buildkit.dockerfile.v0"),
        HistoryEntry(created_by="[3/3] RUN make", comment="buildkit.exporter.image.v0"),
    )
    found, _ = blamed(statement(V1, metadata()), history)
    assert lines(found) == [1, 2, 3]
    assert [each.text for each in found.instructions] == [
        "base image busybox, layer 0 (no history)",
        "COPY --link a /a",
        "RUN --mount=type=cache,target=/c make",
    ]


def test_provenance_names_the_steps_of_an_image_without_history() -> None:
    found, _ = blamed(statement(V1, metadata()), ())
    assert [(each.keyword, each.text) for each in found.instructions[1:]] == [
        ("COPY", "COPY --link a /a"),
        ("RUN", "RUN --mount=type=cache,target=/c make"),
    ]
    assert lines(found) == [1, 2, 3]


@pytest.mark.parametrize(
    "data",
    ["\u00e9" * 8, "A", base64.b64encode(b"#" * (MAX_BYTES + 1)).decode()],
    ids=["not ASCII", "not base64", "too large"],
)
def test_an_unreadable_dockerfile_gets_a_note(data: str) -> None:
    found = metadata()
    found["source"]["infos"][0]["data"] = data
    result, codes = blamed(statement(V1, found))
    assert codes == ["provenance-unreadable"]
    assert lines(result) == [None] * 4


def test_the_dockerfiles_of_one_statement_are_limited_together() -> None:
    found = metadata()
    large = base64.b64encode(b"#" * MAX_BYTES).decode()
    found["source"]["infos"] += [{"filename": f"{n}", "data": large} for n in range(5)]
    assert blamed(statement(V1, found))[1] == ["provenance-unreadable"]


def test_a_statement_named_many_times_is_read_once() -> None:
    notes = Notes()
    broken = metadata()
    broken["source"] = []
    with attested(V1, statement(V1, broken)) as attestation:
        blame(HISTORY, LAYERS[:3], (attestation,) * 50, None, DEFAULT_LIMITS, notes)
    assert [note.code for note in notes] == ["provenance-unreadable"]


@pytest.mark.parametrize("inputs", [{"Inputs": ["step4:0"]}, {"inputs": []}, {}])
def test_the_last_steps_input_key_can_have_any_case_or_be_missing(inputs: Any) -> None:
    other = [Digest("sha256", f"{number + 100:064x}") for number in range(3)]
    document = statement(V1, metadata())
    config = document["predicate"]["buildDefinition"]["internalParameters"]["buildConfig"]
    config["llbDefinition"] = [*STEPS, {"id": "step5", "op": {"Op": None}, **inputs}]
    assert lines(blamed(document, layers=other)[0]) == [1, 2, 3, 5]


def test_inputs_that_are_not_strings_get_a_note() -> None:
    other = [Digest("sha256", f"{number + 100:064x}") for number in range(3)]
    document = statement(V1, metadata())
    config = document["predicate"]["buildDefinition"]["internalParameters"]["buildConfig"]
    config["llbDefinition"] = [*STEPS, {"id": "step5", "op": {"Op": None}, "inputs": [1]}]
    assert blamed(document, layers=other)[1] == ["provenance-unreadable"]
