"""The lines of each instruction in a Dockerfile."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from layerscope.errors import UsageError
from layerscope.image import dockerfile
from layerscope.image.dockerfile import MAX_BYTES, final_stage, parse_dockerfile, read_dockerfile

WHOLE = """\
# escape=\\
ARG BASE=debian

FROM ${BASE} AS Build
run make \\
    # a comment between

    all
FROM --platform=linux/amd64 build as tools
COPY <<one <<-"two" /x
first
one
\tsecond
\ttwo
RUN <<EOF
set -e
EOF

FROM scratch
COPY --from=tools /a /a
CMD ["/a"]
"""


def lines(text: str) -> list[tuple[str, int, int]]:
    return [(step.keyword, step.start_line, step.end_line) for step in parse_dockerfile(text)]


def test_lines_cover_continuations_comments_and_here_documents() -> None:
    assert lines(WHOLE) == [
        ("ARG", 2, 2),
        ("FROM", 4, 4),
        ("RUN", 5, 8),
        ("FROM", 9, 9),
        ("COPY", 10, 14),
        ("RUN", 15, 17),
        ("FROM", 19, 19),
        ("COPY", 20, 20),
        ("CMD", 21, 21),
    ]


def test_text_is_on_one_line_except_here_documents() -> None:
    steps = parse_dockerfile(WHOLE)
    assert steps[2].text == "RUN make all"
    assert steps[2].arguments == "make all"
    assert steps[5].text == "RUN <<EOF\nset -e\nEOF"


def test_the_escape_directive_is_followed() -> None:
    assert lines("# escape=`\nFROM a\nRUN dir `\n  C:\\\nCMD x\n") == [
        ("FROM", 2, 2),
        ("RUN", 3, 4),
        ("CMD", 5, 5),
    ]


def texts(text: str) -> list[str]:
    return [step.text for step in parse_dockerfile(text)]


def test_two_escape_characters_do_not_continue_a_line() -> None:
    assert texts("FROM x\nRUN echo \\\\\nRUN true\n") == ["FROM x", "RUN echo \\\\", "RUN true"]
    assert lines("FROM x\nRUN a \\ \t\n  b\nRUN c")[1:] == [("RUN", 2, 3), ("RUN", 4, 4)]


def test_continued_lines_are_joined_as_they_are() -> None:
    assert texts("RUN ec\\\nho 'a  \\\n b'   c\\\n\t d") == ["RUN echo 'a   b' c d"]


@pytest.mark.parametrize(
    "command",
    ["echo '<<EOF'", 'echo "a <<EOF b"', "cat <<<EOF", "echo a<<EOF", "echo <<EOF;"],
)
def test_what_only_looks_like_a_here_document_takes_no_lines(command: str) -> None:
    text = f"FROM x\nRUN {command}\nRUN <<EOF\nmake\nEOF\n"
    assert lines(text) == [("FROM", 1, 1), ("RUN", 2, 2), ("RUN", 3, 5)]


def test_a_here_document_can_have_a_descriptor_any_name_and_a_trigger_before_it() -> None:
    text = "FROM x\nONBUILD COPY <<1 3<<'a b' /x\n1\nRUN true\n"
    assert lines(text) == [("FROM", 1, 1), ("ONBUILD", 2, 3), ("RUN", 4, 4)]
    assert lines("RUN 3<<-X cat\nRUN y\n\tX\nRUN z") == [("RUN", 1, 3), ("RUN", 4, 4)]


def test_several_here_documents_can_have_quoted_names() -> None:
    text = 'COPY <<"A" <<-\'B\' <<C /x\n1\nA\n2\n\tB\n3\nC\nRUN \\"x <<D\n4\nD\nRUN true\n'
    assert lines(text) == [("COPY", 1, 7), ("RUN", 8, 10), ("RUN", 11, 11)]


@pytest.mark.parametrize("part", ['\\"', "'", '"', "<<'", '<<"', "'\\'\\\"", "<<A "])
def test_quotes_are_read_in_time_that_grows_with_the_text(part: str) -> None:
    text = f"FROM x\nRUN {part * (900_000 // len(part))}\nRUN true\n"
    assert lines(text)[0] == ("FROM", 1, 1)


def test_directives_can_have_values_of_several_words() -> None:
    assert lines("# check=skip=a; error=true\n# escape=`\nFROM x\nRUN a `\n b") == [
        ("FROM", 3, 3),
        ("RUN", 4, 5),
    ]


def test_text_that_is_not_a_dockerfile_is_skipped() -> None:
    assert parse_dockerfile("") == ()
    assert lines("{]\n\nFROM x\n\\\n") == [("FROM", 3, 3)]
    assert lines("RUN <<EOF\nno end\nCMD x") == [("RUN", 1, 1), ("NO", 2, 2), ("CMD", 3, 3)]


def test_the_final_stage_includes_the_stages_it_is_from() -> None:
    steps = parse_dockerfile(WHOLE)
    assert [step.start_line for step in final_stage(steps)] == [19, 20, 21]
    assert [step.start_line for step in final_stage(steps, "TOOLS")] == [4, 5, 9, 10, 15]
    assert [step.start_line for step in final_stage(steps, "0")] == [4, 5]
    assert final_stage(()) == ()


def test_a_stage_can_have_the_name_of_its_base() -> None:
    steps = parse_dockerfile("FROM app AS app\nRUN a\nFROM app AS app\nRUN b\n")
    assert [step.start_line for step in final_stage(steps)] == [1, 2, 3, 4]


def test_an_unreadable_dockerfile_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_bytes(b"FROM \xff\n")
    assert read_dockerfile(str(path)) == (str(path), "FROM \ufffd\n")
    with pytest.raises(UsageError, match="No such file"):
        read_dockerfile(str(tmp_path / "none"))
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(UsageError, match=f"more than {MAX_BYTES} bytes"):
        read_dockerfile(str(path))


def test_a_here_document_ends_only_at_its_own_name() -> None:
    assert lines("RUN <<A\nB\n\tA\nA \nA\nCMD x") == [("RUN", 1, 5), ("CMD", 6, 6)]
    assert lines("RUN <<-A\nB\n\tA\nCMD x") == [("RUN", 1, 3), ("CMD", 4, 4)]
    assert lines("RUN <<A <<B <<A\nA\nA\nB\nA\nCMD x") == [("RUN", 1, 5), ("CMD", 6, 6)]


def test_here_documents_without_an_end_take_one_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Any] = []

    class Counted(dockerfile._Endings):
        def __init__(self, lines: Sequence[str]) -> None:
            super().__init__(lines)
            made.append(self)

    monkeypatch.setattr(dockerfile, "_Endings", Counted)
    text = "".join(f"RUN <<E{number}\n" for number in range(2000))
    assert len(parse_dockerfile(text)) == 2000
    assert [each.lines_read for each in made] == [2000]


def test_a_long_chain_of_stages_is_followed_to_its_first() -> None:
    text = "FROM x AS s0\n" + "".join(f"FROM s{n} AS s{n + 1}\n" for n in range(20_000))
    steps = parse_dockerfile(text)
    assert len(final_stage(steps)) == 20_001
