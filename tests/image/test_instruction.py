"""Dockerfile text from what each builder writes in `created_by`."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerscope.image.attribution import attribute
from layerscope.image.history import HistoryEntry
from layerscope.image.instruction import Instruction

CONTENT = "3161a924fcca6b0794eaa347ed23619757efc35264e04976b0a9babad58588b7"
SHORT = "3161a924fcca…"
NIX = "/nix/store/" + "0" * 32


def read(created_by: str, *before: str, comment: str = "", author: str = "") -> Instruction:
    """The instruction of an entry that comes after the entries in `before`."""
    history = [HistoryEntry(created_by=text, empty_layer=True) for text in before]
    history.append(HistoryEntry(created_by=created_by, comment=comment, author=author))
    instruction = attribute(history, 1)[0][-1]
    assert instruction.created_by == created_by
    assert instruction.comment == comment
    return instruction


CLASSIC = {
    '/bin/sh -c #(nop)  CMD ["sh" "-c"]': 'CMD ["sh", "-c"]',
    '/bin/sh -c #(nop) CMD ["python3"]': 'CMD ["python3"]',
    "/bin/sh -c #(nop) CMD [/bin/bash]": 'CMD ["/bin/bash"]',
    '/bin/sh -e -c #(nop)  ENTRYPOINT ["/bin/sh" "-e" "-c" "echo \\"hi\\""]': (
        'ENTRYPOINT ["/bin/sh", "-e", "-c", "echo \\"hi\\""]'
    ),
    "/bin/sh -c #(nop)  ENV A=x y B=2": 'ENV A="x y" B=2',
    "/bin/sh -c #(nop)  LABEL a=b  c": 'LABEL a="b  c"',
    "/bin/sh -c #(nop)  LABEL org.example/t=a b c=d": 'LABEL org.example/t="a b" c=d',
    '/bin/sh -c #(nop)  MAINTAINER Me "me@example.org"': 'MAINTAINER Me "me@example.org"',
    f"/bin/sh -c #(nop) ADD file:{CONTENT} in / ": f"ADD file:{SHORT} /",
    f"/bin/sh -c #(nop) COPY dir:{CONTENT} in /app ": f"COPY dir:{SHORT} /app",
    f"/bin/sh -c #(nop) COPY multi:{CONTENT} in ./ ": f"COPY multi:{SHORT} ./",
    f"/bin/sh -c #(nop) COPY --chown=1:1file:{CONTENT} in /x ": (
        f"COPY --chown=1:1 file:{SHORT} /x"
    ),
    f"/bin/sh -c #(nop) ADD tarsum.dev+sha256:{CONTENT} in /": f"ADD tarsum.dev+sha256:{SHORT} /",
    "/bin/sh -c #(nop) WORKDIR /app": "WORKDIR /app",
    "/bin/sh -c #(nop)  EXPOSE 80": "EXPOSE 80",
    "/bin/sh -c #(nop)  EXPOSE map[443/tcp:{} 80/tcp:{}]": "EXPOSE 443/tcp 80/tcp",
    "/bin/sh -c #(nop)  VOLUME [/data]": "VOLUME /data",
    "/bin/sh -c #(nop)  VOLUME [/data /logs]": "VOLUME /data /logs",
    "/bin/sh -c #(nop)  VOLUME [/data /x y]": 'VOLUME ["/data", "/x y"]',
    "/bin/sh -c #(nop)  STOPSIGNAL [SIGTERM]": "STOPSIGNAL SIGTERM",
    "/bin/sh -c #(nop)  USER [postgres]": "USER postgres",
    "/bin/sh -c #(nop)  ONBUILD RUN echo x": "ONBUILD RUN echo x",
    "/bin/sh -c #(nop)  ONBUILD [COPY . /app]": "ONBUILD COPY . /app",
    '/bin/sh -c #(nop)  HEALTHCHECK &{["CMD-SHELL" "echo ok"] "5s" "0s" "0s" \'\\n\'}': (
        "HEALTHCHECK --interval=5s --retries=10 CMD echo ok"
    ),
    "/bin/sh -c echo   hi     &&   echo 'two  spaces' > f": "RUN echo hi && echo 'two  spaces' > f",
    "/bin/bash -o pipefail -c curl x | tar x": "RUN curl x | tar x",
    "/bin/bash -o pipefail -c #(nop)  USER app": "USER app",
    "cmd /S /C choco install git": "RUN choco install git",
    "cmd /S /C #(nop)  USER ContainerUser": "USER ContainerUser",
    "cmd /S /C powershell -Command Get-Item x": "RUN powershell -Command Get-Item x",
    '/usr/bin/env bash -euo pipefail -c #(nop)  CMD ["x"]': 'CMD ["x"]',
    f"/usr/bin/python3 -c #(nop) COPY dir:{CONTENT} in /app ": f"COPY dir:{SHORT} /app",
    "/bin/sh -c echo '#(nop) CMD'": "RUN echo '#(nop) CMD'",
    "/bin/sh -c #(nop)  ARG TOKEN": "ARG TOKEN",
}

BUILDKIT = {
    "RUN /bin/sh -c apt-get update && apt-get install -y git # buildkit": (
        "RUN apt-get update && apt-get install -y git"
    ),
    "RUN /bin/sh -c set -eux; \tapt-get update; \t\tapt-get install -y   git # buildkit": (
        "RUN set -eux; apt-get update; apt-get install -y git"
    ),
    "RUN npm ci # buildkit": "RUN npm ci",
    "RUN /bin/bash -c source x # buildkit": "RUN /bin/bash -c source x",
    "RUN /bin/bash -euxo pipefail -c make # buildkit": "RUN make",
    "RUN /bin/bash --login -c make # buildkit": "RUN make",
    "RUN powershell -NoProfile -Command Get-Item x # buildkit": "RUN Get-Item x",
    "RUN cmd /S /C dir # buildkit": "RUN dir",
    "RUN /bin/sh -c echo 1\n  if x:\n    echo 2\n # buildkit": "RUN echo 1\n  if x:\n    echo 2",
    "RUN /dev/pipes/EOF # buildkit": "RUN <<EOF",
    "RUN /bin/sh -c <<A cat && <<B cat\n  one\nA\ntwo\nB # buildkit": (
        "RUN <<A cat && <<B cat\n  one\nA\ntwo\nB"
    ),
    "RUN /bin/sh -c echo \"a  b\"  'c\t\td'  \\  e # buildkit": "RUN echo \"a  b\" 'c\t\td' \\  e",
    "RUN /bin/sh -c echo it's  here # buildkit": "RUN echo it's here",
    "COPY --chown=app:app src  dst # buildkit": "COPY --chown=app:app src  dst",
    "COPY <<EOF /etc/motd # buildkit": "COPY <<EOF /etc/motd",
    "ADD alpine-minirootfs-3.20.0-x86_64.tar.gz / # buildkit": (
        "ADD alpine-minirootfs-3.20.0-x86_64.tar.gz /"
    ),
    "WORKDIR /app": "WORKDIR /app",
    "ENV LANG=C.UTF-8": "ENV LANG=C.UTF-8",
    "ENV OPTS=-Xmx1g -Da=b D=": 'ENV OPTS="-Xmx1g -Da=b" D=',
    'ENV J={"a": "b c"}': 'ENV J={"a": "b c"}',
    'CMD ["a" "b"]': 'CMD ["a", "b"]',
    "CMD []": "CMD []",
    'CMD ["/bin/sh" "-c" "echo \\"a\\" | cat"]': 'CMD echo "a" | cat',
    'ENTRYPOINT ["/bin/sh" "-c" "exec app"]': "ENTRYPOINT exec app",
    'CMD ["/bin/sh" "-c" "[ -f x ] && y"]': 'CMD ["/bin/sh", "-c", "[ -f x ] && y"]',
    'CMD ["/bin/sh" "-c"]': 'CMD ["/bin/sh", "-c"]',
    'CMD ["/bin/sh" "-c" "x" "y"]': 'CMD ["/bin/sh", "-c", "x", "y"]',
    'CMD ["/bin/bash" "-c" "x"]': 'CMD ["/bin/bash", "-c", "x"]',
    'CMD ["\\u00e9" "\\x1b" "a\\\\b"]': 'CMD ["é", "\\u001b", "a\\\\b"]',
    'CMD ["\\xff"]': 'CMD ["\\xff"]',
    "CMD [/bin/sh -c x]": "CMD [/bin/sh -c x]",
    'ENTRYPOINT ["x"]': 'ENTRYPOINT ["x"]',
    "EXPOSE [80/tcp]": "EXPOSE 80/tcp",
    "EXPOSE map[80/tcp:{}]": "EXPOSE 80/tcp",
    "VOLUME [/d]": "VOLUME /d",
    "SHELL [/bin/bash -o pipefail -c]": 'SHELL ["/bin/bash", "-o", "pipefail", "-c"]',
    "SHELL [powershell -Command $ErrorActionPreference = 'Stop';]": (
        'SHELL ["powershell", "-Command", "$ErrorActionPreference = \'Stop\';"]'
    ),
    "STOPSIGNAL SIGQUIT": "STOPSIGNAL SIGQUIT",
    "USER 1000:1000": "USER 1000:1000",
    'HEALTHCHECK &{["CMD-SHELL" "kong health"] "1m0s" "10s" "0s" "0s" \'\\n\'}': (
        "HEALTHCHECK --interval=1m0s --timeout=10s --retries=10 CMD kong health"
    ),
    'HEALTHCHECK {["CMD" "/app" "health"] "30s" "3s" "5s" "1s" \'\\x03\'}': (
        "HEALTHCHECK --interval=30s --timeout=3s --start-period=5s --start-interval=1s --retries=3 "
        'CMD ["/app", "health"]'
    ),
    'HEALTHCHECK &{["NONE"] "0s" "0s" "0s" \'\\x00\'}': "HEALTHCHECK NONE",
    'HEALTHCHECK &{["CMD-SHELL" "x"] "0s" "0s" "0s" \'5\'}': "HEALTHCHECK --retries=53 CMD x",
    "HEALTHCHECK &{broken": "HEALTHCHECK &{broken",
}

BUILDAH = {
    '/bin/sh -c #(nop) ENV A="x  y"     B=2': 'ENV A="x  y" B=2',
    "/bin/sh -c #(nop) ENV A=1     B=2": "ENV A=1 B=2",
    "/bin/sh -c #(nop) ENV A b c": "ENV A b c",
    f"/bin/sh -c #(nop) COPY file:{CONTENT}": f"COPY file:{SHORT}",
    '/bin/sh -c #(nop) VOLUME ["/data","/x y"]': 'VOLUME ["/data", "/x y"]',
    "/bin/sh -c #(nop) HEALTHCHECK --interval=5s CMD echo ok": (
        "HEALTHCHECK --interval=5s CMD echo ok"
    ),
    '/bin/sh -c ["/bin/sh", "-c", "echo exec"]': 'RUN ["/bin/sh", "-c", "echo exec"]',
    f"/bin/sh -c #(nop) COPY --link dir:{CONTENT} in /app ": f"COPY --link dir:{SHORT} /app",
    f"/bin/sh -c --mount=type=bind,source=a,target=/b make:{CONTENT}:sha256:{CONTENT}": (
        "RUN --mount=type=bind,source=a,target=/b make"
    ),
    f"/bin/sh -c echo x:{CONTENT}": f"RUN echo x:{CONTENT}",
    "/bin/sh -c cat <<EOF\n  indented": "RUN cat <<EOF\n  indented",
    "/bin/sh -c #(nop) ARG TOKEN Z": "ARG TOKEN Z",
    '/bin/sh -c #(nop) CMD ["/bin/sh","-c","x"]': 'CMD ["/bin/sh", "-c", "x"]',
}


@pytest.mark.parametrize(
    ("created_by", "text"), [*CLASSIC.items(), *BUILDKIT.items(), *BUILDAH.items()]
)
def test_text_is_in_dockerfile_syntax(created_by: str, text: str) -> None:
    instruction = read(created_by)
    assert instruction.text == text
    assert instruction.keyword == text.split(maxsplit=1)[0]
    assert instruction.evidence == "history"
    assert instruction.redacted_created_by == created_by
    assert instruction.text_with_arguments() == text


def test_a_kaniko_entry_is_the_dockerfile_line() -> None:
    run = read("run apt-get update  &&  true", author="kaniko")
    assert (run.keyword, run.text) == ("RUN", "RUN apt-get update && true")
    assert read("COPY . /app", author="kaniko").text == "COPY . /app"
    assert read("run apt-get update").keyword == ""


@pytest.mark.parametrize(
    ("created_by", "comment", "author", "text"),
    [
        ("jib-maven-plugin:3.4.0", "classes", "Jib", "jib: classes (jib-maven-plugin:3.4.0)"),
        (
            "ko build ko://example.org/cmd/app",
            "go build output, at /ko-app/app",
            "ko",
            "ko: go build output, at /ko-app/app (ko://example.org/cmd/app)",
        ),
        (
            "apko",
            "This is an apko single-layer image",
            "apko",
            "apko: This is an apko single-layer image",
        ),
        ("apko", "", "apko", "apko"),
        (
            "",
            f"store paths: ['{NIX}-glibc-2.38', '{NIX}-bash-5.2']",
            "",
            "nix: glibc-2.38, bash-5.2",
        ),
        (
            "",
            f"store paths: [{', '.join(repr(f'{NIX}-p{n}') for n in range(8))}]",
            "",
            "nix: p0, p1, p2, p3, p4 and 3 more",
        ),
        (
            "Layer: 'jre', Created by buildpack: paketo-buildpacks/bellsoft-liberica@10.5.0",
            "",
            "",
            "buildpack: jre (paketo-buildpacks/bellsoft-liberica@10.5.0)",
        ),
        ("Application Layer", "", "", "buildpacks: Application Layer"),
        ("Application Slice: 2", "", "", "buildpacks: Application Slice: 2"),
        ("", "Imported from -", "", "docker import: Imported from -"),
        ("", "my message", "", "my message"),
        ("/bin/bash", "by hand", "me", "container commit (/bin/bash): by hand"),
        ("sh -c echo hi > /z", "", "", "sh -c echo hi > /z"),
        (
            "# debian.sh --arch 'amd64' out/ 'bookworm' '@1787529600'",
            "debuerreotype 0.15",
            "",
            "debian.sh --arch 'amd64' out/ 'bookworm' '@1787529600' (debuerreotype 0.15)",
        ),
        ("Apply image 10.0.20348.1787", "", "", "Apply image 10.0.20348.1787"),
        (
            f"crane flatten sha256:{CONTENT}",
            '[{"created_by":"RUN |1 TOKEN=s3cret /bin/sh -c make"}]',
            "",
            f"crane flatten sha256:{SHORT}",
        ),
        ("my tool", '{"token": "s3cret"}', "", "my tool"),
        ("umoci raw add-layer", "", "", "umoci raw add-layer"),
        ("bazel build ...", "note", "Bazel", "bazel build ... (note)"),
    ],
)
def test_builders_without_a_dockerfile_are_described(
    created_by: str, comment: str, author: str, text: str
) -> None:
    instruction = read(created_by, comment=comment, author=author)
    assert instruction.keyword == ""
    assert instruction.evidence == "history"
    assert instruction.text == text


def test_a_shell_set_before_is_removed_from_commands() -> None:
    bash = "SHELL [/bin/bash -c]"
    assert read("RUN /bin/bash -c make # buildkit", bash).text == "RUN make"
    assert read("RUN /bin/sh -c make # buildkit", bash).text == "RUN make"
    assert read('CMD ["/bin/bash" "-c" "a; b"]', bash).text == "CMD a; b"
    fish = "/usr/bin/fish -c #(nop)  SHELL [/usr/bin/fish -c]"
    assert read(fish).text == 'SHELL ["/usr/bin/fish", "-c"]'
    assert read("/usr/bin/fish -c make", fish).text == "RUN make"
    assert read("/usr/bin/fish -c #(nop)  USER x", fish).text == "USER x"
    power = "SHELL [powershell -Command $ErrorActionPreference = 'Stop';]"
    run = "RUN powershell -Command $ErrorActionPreference = 'Stop'; Get-Item x # buildkit"
    assert read(run, power).text == "RUN Get-Item x"


def test_build_arguments_before_a_step_without_a_command_are_hidden() -> None:
    step = read("|1 TOKEN=s3cret /usr/bin/fish -c #(nop) WORKDIR /app")
    assert (step.keyword, step.text) == ("WORKDIR", "WORKDIR /app")
    assert "s3cret" not in step.redacted_created_by


def test_a_bare_command_after_classic_entries_is_a_run_in_the_exec_form() -> None:
    classic = "/bin/sh -c #(nop)  ENV A=1"
    assert read("apt-get update", classic).text == "RUN apt-get update"
    assert read("sh -c echo 5 > /gg", classic).text == "RUN sh -c echo 5 > /gg"
    assert read("bash", classic).text == "container commit (bash)"
    assert read("apt-get update").keyword == ""


@pytest.mark.parametrize(
    ("created_by", "before", "text", "arguments"),
    [
        ("|1 A=1 /bin/sh -c make", [], "RUN make", [("A", "1")]),
        ("RUN |1 A=1 /bin/sh -c make # buildkit", [], "RUN make", [("A", "1")]),
        ("RUN |2 A=x y B=2 /bin/sh -c make", [], "RUN make", [("A", "x y"), ("B", "2")]),
        ("RUN |2 B=2 A=x y z /bin/sh -c make", [], "RUN make", [("B", "2"), ("A", "x y z")]),
        ("|2 A= B=/bin/sh /bin/sh -c make", [], "RUN make", [("A", ""), ("B", "/bin/sh")]),
        (  # docker counts arguments
            "|2 TOKEN=q r s=t Z=1 /bin/sh -c make",
            ["/bin/sh -c #(nop)  ARG TOKEN=a b c=d", "/bin/sh -c #(nop)  ARG Z=1"],
            "RUN make",
            [("TOKEN", "q r"), ("s", "t"), ("Z", "1")],
        ),
        (  # buildah counts words
            "|4 TOKEN=a b c=d Z=1 /bin/sh -c X=1 make",
            [],
            "RUN X=1 make",
            [("TOKEN", "a b"), ("c", "d"), ("Z", "1")],
        ),
        ("|1 A=1 /bin/bash -o pipefail -c a | b", [], "RUN a | b", [("A", "1")]),
        ("RUN |1 A=1 /bin/bash -c make", ["SHELL [/bin/bash -c]"], "RUN make", [("A", "1")]),
        ("RUN |1 A=1 npm ci # buildkit", [], "RUN npm ci", [("A", "1")]),
        ("|1 A=x y cmd /S /C dir", [], "RUN dir", [("A", "x y")]),
        ("|0 /bin/sh -c make", [], "RUN make", []),
        ("|1 SMTP_PASSWORD=s3cret", [], "RUN", [("SMTP_PASSWORD", "s3cret")]),
        ("|9 A=1 /bin/sh -c B=2 make", [], "RUN B=2 make", [("A", "1")]),
        ("RUN |1 A=1 /bin/sh -c A=1 sh -c 'x  y'", [], "RUN A=1 sh -c 'x  y'", [("A", "1")]),
    ],
)
def test_build_arguments_are_separated_from_the_command(
    created_by: str, before: list[str], text: str, arguments: list[tuple[str, str]]
) -> None:
    instruction = read(created_by, *before)
    assert instruction.keyword == "RUN"
    assert instruction.text == text
    assert list(instruction.arguments) == arguments


def test_values_of_build_arguments_show_only_on_request() -> None:
    run = read("RUN |2 TOKEN=s3 cret Z= /bin/sh -c make # buildkit")
    assert run.text == "RUN make"
    assert run.redacted_created_by == "RUN |2 TOKEN=*** Z= /bin/sh -c make # buildkit"
    assert run.text_with_arguments() == "RUN TOKEN='s3 cret' Z='' make"
    declared = read("/bin/sh -c #(nop)  ARG TOKEN=s3 cret b=c")
    assert declared.text == "ARG TOKEN=*** b=***"
    assert declared.redacted_created_by == "/bin/sh -c #(nop)  ARG TOKEN=*** b=***"
    assert declared.text_with_arguments() == "ARG TOKEN=s3 cret b=c"
    several = read("ARG A B=s3cret C=")
    assert several.text == "ARG A B=*** C="
    assert several.redacted_created_by == "ARG A B=*** C="
    assert several.text_with_arguments() == "ARG A B=s3cret C="
    later = read("/bin/sh -c #(nop)  ONBUILD ARG TOK=s3cret")
    assert later.text == "ONBUILD ARG TOK=***"
    assert later.redacted_created_by == "/bin/sh -c #(nop)  ONBUILD ARG TOK=***"
    assert later.text_with_arguments() == "ONBUILD ARG TOK=s3cret"


NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True)
SECRETS = st.from_regex(r"Z[a-z0-9]{7}( Z[a-z0-9]{7}){0,2}", fullmatch=True)
ARGUMENTS = st.dictionaries(NAMES, SECRETS, min_size=1, max_size=5)


@settings(deadline=None)
@given(ARGUMENTS, st.sampled_from(["/bin/sh -c", "/bin/bash -o pipefail -c"]), st.booleans())
def test_no_word_of_a_value_is_shown_by_default(
    arguments: dict[str, str], shell: str, buildah: bool
) -> None:
    pairs = " ".join(f"{name}={value}" for name, value in sorted(arguments.items()))
    count = len(pairs.split(" ")) if buildah else len(arguments)
    for created_by in (f"|{count} {pairs} {shell} make", f"RUN |{count} {pairs} {shell} make"):
        instruction = read(created_by)
        assert instruction.text == "RUN make"
        assert dict(instruction.arguments) == arguments
        hidden = " ".join(f"{name}=***" for name in sorted(arguments))
        assert f"|{count} {hidden} {shell} make" in instruction.redacted_created_by
    declared = read(f"ARG {pairs}")
    assert declared.text == "ARG " + " ".join(f"{name}=***" for name in sorted(arguments))
    assert declared.redacted_created_by == declared.text
    assert declared.text_with_arguments() == declared.created_by


@settings(deadline=None)
@given(st.text(alphabet="ab \t'\"\\;|\n", max_size=30))
def test_folding_changes_only_blanks(command: str) -> None:
    instruction = read(f"RUN /bin/sh -c x{command}x # buildkit")
    text = instruction.text
    assert "".join(text.split()) == "RUN" + "".join(f"x{command}x".split())


@settings(deadline=None)
@given(st.lists(st.text(alphabet='ab "\\[],é\n\x1b', max_size=8), max_size=4))
def test_go_quoted_lists_read_back(strings: list[str]) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

    instruction = read("CMD [" + " ".join(map(quoted, strings)) + "]")
    assert json.loads(instruction.text.removeprefix("CMD ")) == strings


def test_control_characters_stay_for_the_front_ends_to_escape() -> None:
    assert read("RUN /bin/sh -c echo \x1b[31m\u202e # buildkit").text == "RUN echo \x1b[31m\u202e"
