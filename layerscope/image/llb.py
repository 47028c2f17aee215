"""The steps of a build as BuildKit's provenance lists them (LLB, solver/pb/ops.proto): what each does to files.

All of it is untrusted and may be of another version, so what isn't understood ends a chain and is never an error.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from layerscope.image.copied import Key, Making, of_image, trace
from layerscope.image.instruction import CopiedFrom, Location, StageStep
from layerscope.image.stages import Stages

_IMAGES: Final = ("docker-image://", "oci-layout://")
_SHELL: Final = 2
"""The words of a RUN in front of its command: the shell and `-c`."""


class Build:
    """The steps of one build, by their ids, and the lines of each."""

    def __init__(self, steps: Sequence[Any], locations: Mapping[str, tuple[Location, ...]]) -> None:
        self._steps: dict[str, dict[str, Any]] = {
            step["id"]: step
            for step in steps
            if isinstance(step, dict) and isinstance(step.get("id"), str)
        }
        self._locations = locations
        self._by_line: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
        for name, places in locations.items():
            for place in places:
                self._by_line[place.file, place.start_line].append(name)

    def copied(self, location: Location, stages: Stages) -> CopiedFrom | None:
        """What the COPY at these lines takes from another stage or image; None if the steps don't tell.

        Neither stage nor image means that `--from` names a build context with files.
        """
        place = stages.place(location)
        copying = None if place is None else stages.copying(place)
        if place is None or copying is None or copying.source is None:
            return None
        for name in self._by_line[location.file, location.start_line]:
            taken = self._taken(name)
            if taken is None:
                continue
            source, paths = taken
            stage = stages.find(copying.source, place.stage)
            if stage is None:
                op = self._op(source)
                if _identifier(op) is not None and _image(op) is None:
                    return CopiedFrom(stage=None, image=None, evidence="provenance")
                return of_image(_image(op) or copying.source, "provenance")
            return trace(
                partial(self._making, stages=stages, family=stages.family(stage)),
                source,
                paths,
                stage=stages.name(stage),
                evidence="provenance",
            )
        return None

    def _op(self, name: str) -> dict[str, Any]:
        step = self._steps.get(name, {})
        op = step.get("op")
        kind = op.get("Op") if isinstance(op, dict) else None
        return kind if isinstance(kind, dict) else {}

    def _input(self, name: str, number: object) -> str | None:
        """The step that an input of a step comes from."""
        inputs = self._steps.get(name, {}).get("inputs")
        if (
            type(number) is not int
            or not isinstance(inputs, list)
            or not 0 <= number < len(inputs)
            or not isinstance(inputs[number], str)
        ):
            return None
        return str(inputs[number]).partition(":")[0]

    def _actions(self, name: str) -> list[dict[str, Any]]:
        file = self._op(name).get("file")
        return _objects(file.get("actions")) if isinstance(file, dict) else []

    def _taken(self, name: str) -> tuple[str, tuple[str, ...]] | None:
        """The step that a copy step takes files from, and their paths there."""
        source = None
        paths = []
        for action in self._actions(name):
            copy = _part(action, "copy")
            found = self._input(name, action.get("secondaryInput"))
            if copy is not None and found is not None:
                source = found
                paths.append(_text(copy, "src"))
        return None if source is None else (source, tuple(paths))

    def _making(self, key: Key, stages: Stages, family: frozenset[int]) -> Making | None:
        if not isinstance(key, str) or key not in self._steps:
            return None
        op = self._op(key)
        image = _image(op)
        if image is not None:
            return Making(image=image)
        if "exec" in op:
            return self._run(key, op["exec"], stages, family)
        if "file" in op:
            return self._file(key, key, stages, family)
        if "merge" in op:
            # COPY --link: what is copied is a step of its own, on top of the other input.
            below, layer = self._input(key, 0), self._input(key, 1)
            if layer is None:
                return None
            return self._file(layer, key, stages, family, below)
        return None

    def _run(self, key: str, run: object, stages: Stages, family: frozenset[int]) -> Making | None:
        if not isinstance(run, dict):
            return None
        root = next((each for each in _objects(run.get("mounts")) if each.get("dest") == "/"), {})
        meta = run.get("meta")
        words = meta.get("args") if isinstance(meta, dict) else None
        words = [str(word) for word in words] if isinstance(words, list) else []
        text = " ".join(["RUN", *(words[_SHELL:] or words)])
        below = self._input(key, root.get("input", 0))
        return Making(step=self._told(key, text, stages, family), writes=None, below=below)

    def _file(
        self,
        key: str,
        told: str,
        stages: Stages,
        family: frozenset[int],
        below: str | None = None,
    ) -> Making:
        actions = self._actions(key)
        writes: list[str] = []
        taken: list[str] = []
        source = None
        heredocs = 0
        for action in actions:
            copy, file = _part(action, "copy"), _part(action, "mkfile")
            if file is not None:
                writes.append(_text(file, "path"))
            if copy is None:
                continue
            writes.append(_text(copy, "dest"))
            taken.append(_text(copy, "src"))
            source = self._input(key, action.get("secondaryInput"))
            heredocs += source is not None and any(
                _part(each, "mkfile") for each in self._actions(source)
            )
        if below is None and actions:
            below = self._input(key, actions[0].get("input"))
        text = f"COPY {' '.join(taken)} {' '.join(writes)}"
        return Making(
            step=self._told(told, text, stages, family) if writes else None,
            writes=tuple(writes),
            whole=heredocs == len(writes) == 1 and not writes[0].endswith("/"),
            below=below,
            source=None if heredocs else source,
            taken=tuple(taken),
        )

    def _told(self, key: str, text: str, stages: Stages, family: frozenset[int]) -> StageStep:
        """The instruction of a step. Stages that share a step each have a line for it: the one of this stage counts."""
        places = [
            (place, location)
            for location in self._locations.get(key, ())
            if (place := stages.place(location)) is not None
        ]
        places.sort(key=lambda pair: pair[0].stage not in family)
        if not places:
            return StageStep(text=text, location=None, stage=None)
        place, location = places[0]
        return StageStep(
            text=stages.step(place).text, location=location, stage=stages.name(place.stage)
        )


def _identifier(op: Mapping[str, Any]) -> str | None:
    source = op.get("source")
    name = source.get("identifier") if isinstance(source, dict) else None
    return name if isinstance(name, str) else None


def _image(op: Mapping[str, Any]) -> str | None:
    name = _identifier(op)
    if name is None or not name.startswith(_IMAGES):
        return None
    return name.partition("://")[2]


def _objects(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _part(action: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    parts = action.get("Action")
    part = parts.get(name) if isinstance(parts, dict) else None
    return part if isinstance(part, dict) else None


def _text(part: Mapping[str, Any], name: str) -> str:
    value = part.get(name)
    return value if isinstance(value, str) else "/"
