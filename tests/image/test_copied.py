"""What `COPY --from` takes, and which instructions of the other stage can have made it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import layerscope
from layerscope.image.copied import MOST_STEPS, normal
from layerscope.image.dockerfile import parse_dockerfile
from layerscope.image.instruction import CopiedFrom, Location
from layerscope.image.llb import Build
from layerscope.image.stages import Stages
from tests.builder import ImageBuilder, buildkit, docker_legacy
from tests.effort import examples


def stages_of(text: str) -> Stages:
    return Stages(parse_dockerfile(text), "Dockerfile")


def copied(text: str, line: int | None = None) -> CopiedFrom | None:
    """What the last line, or another one, copies."""
    stages = stages_of(text)
    number = len(text.splitlines()) if line is None else line
    place = stages.place(Location("Dockerfile", number, number))
    assert place is not None
    return stages.copied(place)


def lines(found: CopiedFrom | None) -> list[int]:
    assert found is not None
    return [step.location.start_line for step in found.instructions if step.location is not None]


def test_the_instructions_of_the_stage_are_named_nearest_first() -> None:
    found = copied(
        "FROM debian AS build\nRUN one\nENV A=b\nRUN two\nFROM x\nCOPY --from=build /a /a"
    )
    assert found == CopiedFrom(
        stage="build",
        image="debian",
        instructions=found.instructions if found else (),
        evidence="dockerfile",
    )
    assert lines(found) == [4, 2]
    assert [step.text for step in found.instructions] == ["RUN two", "RUN one"]


def test_a_stage_goes_on_in_the_stage_that_it_is_from() -> None:
    text = (
        "FROM debian AS base\nRUN one\nFROM base AS build\nRUN two\nFROM x\nCOPY --from=Build /a /"
    )
    found = copied(text)
    assert lines(found) == [4, 2]
    assert found is not None
    assert [step.stage for step in found.instructions] == ["build", "base"]
    assert found.image == "debian"


@pytest.mark.parametrize("name", ["0", "build"])
def test_a_stage_has_a_number_too(name: str) -> None:
    found = copied(f"FROM debian AS build\nRUN one\nFROM x\nCOPY --from={name} /a /a")
    assert found is not None
    assert found.stage == "build"
    assert lines(found) == [2]


@pytest.mark.parametrize("name", ["busybox:1", "7", "later"])
def test_what_is_no_earlier_stage_is_an_image(name: str) -> None:
    text = f"FROM debian\nRUN one\nFROM x\nCOPY --from={name} /a /a\nFROM y AS later"
    found = copied(text, 4)
    assert found == CopiedFrom(stage=None, image=name, evidence="dockerfile")


@pytest.mark.parametrize("flags", ["--link --from=b", "--from=b --link --chown=1:1", "--from='b'"])
def test_other_flags_do_not_matter(flags: str) -> None:
    assert lines(copied(f"FROM debian AS b\nRUN one\nFROM x\nCOPY {flags} /a /a")) == [2]


@pytest.mark.parametrize("copy", ["COPY /a /b", "COPY . .", "ADD https://x /a"])
def test_a_copy_from_the_context_has_no_source(copy: str) -> None:
    assert copied(f"FROM debian\nRUN one\nFROM x\n{copy}") is None


def test_a_copy_to_another_place_cannot_have_made_the_files() -> None:
    text = (
        "FROM debian AS b\nCOPY src /src/\nCOPY conf /etc/app.conf\nFROM x\nCOPY --from=b /etc /etc"
    )
    found = copied(text)
    assert lines(found) == [3]
    assert found is not None
    assert found.narrowed


@pytest.mark.parametrize(
    ("target", "taken", "can"),
    [
        ("/out/", "/out/app", True),
        ("/out/app", "/out", True),
        ("/out", "/out/app", True),
        ("/output", "/out", False),
        ("out", "/work/out/x", True),
        ("out", "/out", False),
        ("$DIR", "/out", True),
        ("/", "/out", True),
        ("/usr/bin/", "/bin/tool", True),
        ("/opt/", "/opt*/x", True),
        ("/etc/", "/opt/*", False),
    ],
)
def test_destinations_and_copied_paths_are_compared(target: str, taken: str, can: bool) -> None:
    text = f"FROM scratch AS b\nWORKDIR /work\nCOPY x {target}\nFROM x\nCOPY --from=b {taken} /y"
    found = copied(text)
    assert lines(found) == ([3] if can else [])
    assert found is not None
    assert found.narrowed is not can


def test_a_relative_destination_in_an_unknown_directory_can_be_anywhere() -> None:
    assert lines(copied("FROM debian AS b\nCOPY x out\nFROM x\nCOPY --from=b /srv /y")) == [2]


def test_below_a_file_that_a_heredoc_writes_nothing_counts() -> None:
    text = (
        "FROM debian AS b\nRUN one\nCOPY <<E /etc/conf\ntext\nE\nRUN two\n"
        "FROM x\nCOPY --from=b /etc/conf /etc/conf"
    )
    found = copied(text)
    assert lines(found) == [6, 3]
    assert found is not None
    assert (found.image, found.narrowed) == (None, True)


def test_a_copy_in_the_stage_leads_on_to_its_own_stage() -> None:
    text = (
        "FROM debian AS tools\nRUN make /t/tool\nFROM alpine AS b\nRUN x\nCOPY --from=tools /t /opt/\n"
        "FROM x\nCOPY --from=b /opt /opt"
    )
    found = copied(text)
    assert lines(found) == [5, 2, 4]
    assert found is not None
    assert [step.stage for step in found.instructions] == ["b", "tools", "b"]
    assert found.image == "alpine"


def test_a_json_form_and_several_sources_are_read() -> None:
    text = 'FROM debian AS b\nCOPY ["a b", "/one dir/"]\nCOPY c /two\nCOPY d /three\nFROM x\n'
    assert lines(copied(text + 'COPY --from=b ["/one dir", "/two", "/x/"]')) == [3, 2]


def test_a_long_stage_is_cut_off_and_says_so() -> None:
    runs = "".join(f"RUN {number}\n" for number in range(MOST_STEPS + 7))
    found = copied(f"FROM debian AS b\n{runs}FROM x\nCOPY --from=b /a /a")
    assert found is not None
    assert (len(found.instructions), found.left_out) == (MOST_STEPS, 7)


def test_a_chain_without_end_is_cut_off_and_says_so() -> None:
    text = "FROM scratch AS b\n" + "COPY x /elsewhere\n" * 5000 + "FROM x\nCOPY --from=b /a /a"
    found = copied(text)
    assert found is not None
    assert (found.instructions, found.left_out) == ((), 1)


@pytest.mark.parametrize(
    ("path", "same"),
    [("a/b/", "/a/b"), ("/bin/x", "/usr/bin/x"), ("/a/*.so", "/a"), ("/", "/"), ("*", "/")],
)
def test_paths_are_compared_in_one_form(path: str, same: str) -> None:
    assert normal(path) == same


# The steps of a build, as BuildKit lists them

TEXT = """\
FROM busybox AS tools
RUN mkdir /tools
FROM tools AS b
WORKDIR /src
COPY f /src/
RUN make
FROM busybox
RUN mkdir /tools
COPY --link --from=b /out /out
COPY --from=other /bin /bin
"""


def copy(source: str, target: str, base: int, other: int) -> dict[str, Any]:
    return {
        "input": base,
        "secondaryInput": other,
        "Action": {"copy": {"src": source, "dest": target}},
    }


def step(name: str, op: dict[str, Any], *inputs: str) -> dict[str, Any]:
    return {"id": name, "op": {"Op": op}, "inputs": [f"{each}:0" for each in inputs]}


def run(command: str) -> dict[str, Any]:
    mounts = [{"input": 0, "dest": "/", "output": 0}]
    return {"exec": {"meta": {"args": ["/bin/sh", "-c", command]}, "mounts": mounts}}


def files(*actions: dict[str, Any]) -> dict[str, Any]:
    return {"file": {"actions": list(actions)}}


def steps() -> list[dict[str, Any]]:
    return [
        step("s0", {"source": {"identifier": "docker-image://docker.io/library/busybox@sha256:1"}}),
        step("s1", run("mkdir /tools"), "s0"),
        step("s2", files({"input": 0, "Action": {"mkdir": {"path": "/src"}}}), "s1"),
        step("s3", {"source": {"identifier": "local://context"}}),
        step("s4", files(copy("/f", "/src/", 0, 1)), "s2", "s3"),
        step("s5", run("make"), "s4"),
        step("s6", files(copy("/out", "/out", -1, 0)), "s5"),
        step("s7", {"merge": {"inputs": [{"input": 0}, {"input": 1}]}}, "s1", "s6"),
        step("s8", files(copy("/bin", "/bin", 0, 1)), "s7", "s9"),
        step("s9", {"source": {"identifier": "docker-image://other:1@sha256:2"}}),
    ]


def places(*numbers: int) -> tuple[Location, ...]:
    return tuple(Location("Dockerfile", number, number) for number in numbers)


LINES = {
    "s0": places(7, 1), "s1": places(8, 2), "s2": places(4), "s4": places(5), "s5": places(6),
    "s6": places(9), "s7": places(9), "s8": places(10),
}  # fmt: skip


def built(line: int, edit: Any = None) -> CopiedFrom | None:
    found = steps()
    if edit is not None:
        edit({each["id"]: each for each in found})
    return Build(found, LINES).copied(Location("Dockerfile", line, line), stages_of(TEXT))


def test_the_steps_of_the_build_name_the_lines_of_the_stage() -> None:
    found = built(9)
    assert found is not None
    assert (found.stage, found.evidence) == ("b", "provenance")
    assert lines(found) == [6, 2]
    assert [each.stage for each in found.instructions] == ["b", "tools"]
    assert found.narrowed
    assert found.image == "docker.io/library/busybox@sha256:1"


def test_an_image_has_the_name_that_the_build_resolved() -> None:
    assert built(10) == CopiedFrom(stage=None, image="other:1@sha256:2", evidence="provenance")


@pytest.mark.parametrize("identifier", ["local://named", "git://example.org/x", "https://x/y"])
def test_a_named_context_with_files_is_not_an_image(identifier: str) -> None:
    def rename(found: dict[str, Any]) -> None:
        found["s9"]["op"]["Op"]["source"]["identifier"] = identifier

    assert built(10, rename) == CopiedFrom(stage=None, image=None, evidence="provenance")


def test_a_step_without_a_line_has_its_command() -> None:
    def forget(found: dict[str, Any]) -> None:
        found["s5"]["id"] = "s50"
        found["s6"]["inputs"] = ["s50:0"]

    found = built(9, forget)
    assert found is not None
    assert (found.instructions[0].text, found.instructions[0].location) == ("RUN make", None)


@pytest.mark.parametrize(
    "edit",
    [
        lambda found: found["s5"].update(inputs="x"),
        lambda found: found["s5"].update(inputs=["s5:0"]),
        lambda found: found["s5"].update(op=None),
        lambda found: found["s5"].update(op={"Op": {"exec": 3}}),
        lambda found: found["s5"].update(op={"Op": {"exec": {"mounts": 3, "meta": {"args": 3}}}}),
        lambda found: found["s4"].update(op={"Op": {"file": {"actions": "x"}}}),
        lambda found: found["s4"].update(op={"Op": {"build": {}}}),
        lambda found: found["s2"].update(inputs=["s6:0"]),
        lambda found: found["s6"]["op"]["Op"]["file"]["actions"][0].update(secondaryInput="x"),
        lambda found: found["s6"]["op"]["Op"]["file"]["actions"][0]["Action"]["copy"].update(src=4),
    ],
)
def test_steps_that_make_no_sense_end_the_chain(edit: Any) -> None:
    found = built(9, edit)
    assert found is None or len(found.instructions) <= 3


JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [None, 0, -1, 1 << 70, "", "s1:0", "x" * 300, [], {}, [[]], {"": {}}, True]
)


@settings(max_examples=examples(200), deadline=None)
@given(st.data())
def test_any_change_of_the_steps_ends_in_an_answer(data: st.DataObject) -> None:
    found: Any = steps()
    for _ in range(data.draw(st.integers(1, 3))):
        node: Any = found
        path: list[tuple[Any, Any]] = []
        while (
            isinstance(node, dict | list) and node and (len(path) < 2 or data.draw(st.booleans()))
        ):
            keys = sorted(node) if isinstance(node, dict) else list(range(len(node)))
            path.append((node, data.draw(st.sampled_from(keys))))
            node = node[path[-1][1]]
        holder, key = path[-1]
        holder[key] = data.draw(JUNK)
    answer = Build(found, LINES).copied(Location("Dockerfile", 9, 9), stages_of(TEXT))
    assert answer is None or len(answer.instructions) <= MOST_STEPS


def test_a_report_names_the_stage_with_a_dockerfile_alone(tmp_path: Path) -> None:
    image = (
        ImageBuilder("app:1")
        .layer({"base": b"x"}, created_by="/bin/sh -c #(nop) ADD file:" + "0" * 64 + " in / ")
        .layer({"out": b"made"}, **buildkit.copy("/out", "/out"))
        .build()
    )
    docker_legacy([image]).write(tmp_path / "app.tar")
    text = "FROM golang AS build\nARG TOKEN=hunter2hunter2\nRUN make TOKEN=hunter2hunter2\n"
    (tmp_path / "Dockerfile").write_text(f"{text}FROM debian\nCOPY --from=build /out /out\n")
    from layerscope.report.document.builder import build
    from layerscope.report.document.serialize import dumps
    from layerscope.report.saved.report import parse_saved

    with layerscope.load(
        str(tmp_path / "app.tar"), dockerfile=str(tmp_path / "Dockerfile")
    ) as opened:
        document = build(layerscope.analyze(opened))
    row = document["instructions"][1]["copied_from"]
    assert (row["stage"], row["image"], row["evidence"]) == ("build", "golang", "dockerfile")
    assert [each["location"] for each in row["instructions"]] == [
        {"end_line": 3, "file": str(tmp_path / "Dockerfile"), "start_line": 3}
    ]
    assert "hunter2" not in json.dumps(row)
    saved = parse_saved(dumps(document).encode(), "saved").facts
    found = saved.instructions[1].instruction.copied_from
    assert found is not None
    assert lines(found) == [3]
