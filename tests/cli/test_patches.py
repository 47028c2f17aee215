"""The patches of `layerscope advise --diff` in the ordinary shapes of a Dockerfile, and why there is none in others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from layerscope.analysis.advice.context import words_of
from layerscope.cli.main import main
from layerscope.image.dockerfile import parse_dockerfile
from tests.builder import WHITEOUT, File, ImageBuilder, docker_legacy
from tests.builder.dialects import buildkit
from tests.builder.image import Members
from tests.builder.tools import run

BASE = "FROM company/base\n"
BIG = bytes(9000)
GIT = {"app/.git/HEAD": b"x", "app/.git/pack": BIG, "app/a": b"a"}
BUILT = {"opt/build/x": BIG, "usr/bin/tool": b"t"}
GONE = {"opt/build/x": WHITEOUT}
INSTALL = "RUN make && make install\n"
CLEAN = "RUN rm -rf /opt/build/*\n"


class Project:
    """A folder with a Dockerfile and the image that it builds."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def write(
        self, dockerfile: str, *layers: Members | None, env: Mapping[str, str] | None = None
    ) -> None:
        """`layers` are what the instructions after FROM store; None for one that makes no layer."""
        builder = ImageBuilder("app:1").layer(
            {"bin/sh": b"sh"}, created_by="/bin/sh -c #(nop) ADD file:0 in / "
        )
        if env:
            builder.settings["Env"] = [f"{name}={value}" for name, value in env.items()]
        steps = parse_dockerfile(dockerfile)[1:]
        for step, members in zip(steps, layers, strict=True):
            text = step.text
            for name, value in (env or {}).items():
                text = text.replace(f"${name}", value)
            if members is None:
                builder.empty(created_by=text)
            elif step.keyword == "RUN":
                builder.layer(members, **buildkit.run(text[len("RUN ") :]))
            else:
                words = words_of(text)
                keyword = step.keyword if words and text.partition(" ")[2].startswith("[") else ""
                told = " ".join([keyword, *words]) if words and keyword else text
                builder.layer(members, created_by=f"{told} # buildkit")
        docker_legacy([builder.build()]).write(self.folder / "app.tar")
        (self.folder / "Dockerfile").write_text(dockerfile)

    def write_final(self, dockerfile: str, *layers: Members | None) -> None:
        """The same for a Dockerfile with several stages, whose last one makes the layers."""
        self.write(BASE + dockerfile.rpartition(BASE)[2], *layers)
        (self.folder / "Dockerfile").write_text(dockerfile)

    def patched(self, tool: str = "git") -> str:
        """The Dockerfile after the patch, which must apply and leave a Dockerfile."""
        out, self.left = self._advise()
        (self.folder / "advice.diff").write_text(out)
        if not out:
            return (self.folder / "Dockerfile").read_text()
        if tool == "git":
            run("git", "-C", self.folder, "apply", "advice.diff")
        else:
            run("patch", "-d", self.folder, "-p1", "-i", "advice.diff")
        text = (self.folder / "Dockerfile").read_text()
        assert parse_dockerfile(text)[0].keyword == "FROM"
        return text

    def _advise(self) -> tuple[str, str]:
        self._capsys.readouterr()
        words = ["advise", "app.tar", "--dockerfile", "Dockerfile", "--diff", "--min-saving", "1kB"]
        assert main(words) == 0
        captured = self._capsys.readouterr()
        return captured.out, captured.err

    @property
    def ignored(self) -> str:
        path = self.folder / ".dockerignore"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Project:
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path, capsys)


@pytest.mark.parametrize("tool", ["git", "patch"])
@pytest.mark.parametrize(
    ("between", "layers"),
    [
        ("COPY app.py /app/\n", [{"app/app.py": b"a"}]),
        ("WORKDIR /app\n", [{"app": File(b"")}]),
        ("USER 1000\n", [None]),
        ("ARG VERSION=1\nENV A=b\n", [None, None]),
        ("USER app\nWORKDIR /srv\nCOPY . .\n", [None, {"srv/x": b""}, {"srv/a": b"a"}]),
    ],
    ids=["copy", "workdir", "user", "arg", "all"],
)
def test_a_removal_moves_up_past_what_does_not_notice(
    project: Project, tool: str, between: str, layers: list[Members | None]
) -> None:
    project.write(BASE + INSTALL + between + CLEAN, BUILT, *layers, GONE)
    assert project.patched(tool) == (
        f"{BASE}{INSTALL.rstrip()} \\\n    && rm -rf /opt/build/*\n{between}"
    )
    assert project.left == ""


def test_a_removal_goes_into_a_here_document(project: Project) -> None:
    install = "RUN <<EOF\nmake\nmake install\nEOF\n"
    project.write(BASE + install + CLEAN, BUILT, GONE)
    assert project.patched() == (f"{BASE}RUN <<EOF\nmake\nmake install\nrm -rf /opt/build/*\nEOF\n")


@pytest.mark.parametrize(
    ("between", "layers", "reason"),
    [
        ("RUN make more\n", [{"usr/bin/more": b"m"}], "RUN at line 3 is in between"),
        (
            "COPY build /opt/build/\n",
            [{"opt/build/own": b"o"}],
            "line 3 puts files there in between",
        ),
        ('SHELL ["/bin/bash", "-c"]\n', [None], "SHELL at line 3 is in between"),
    ],
)
def test_a_removal_stays_where_something_in_between_may_notice(
    project: Project, between: str, layers: list[Members | None], reason: str
) -> None:
    dockerfile = BASE + INSTALL + between + CLEAN
    project.write(dockerfile, BUILT, *layers, GONE)
    assert project.patched() == dockerfile
    assert f"[merge-removal], because {reason}" in project.left


def test_a_removal_stays_if_a_user_of_its_own_runs_it(project: Project) -> None:
    dockerfile = BASE + "USER app\n" + INSTALL + "USER root\n" + CLEAN
    project.write(dockerfile, None, BUILT, None, GONE)
    assert project.patched() == dockerfile
    assert "because USER at line 4 is in between" in project.left


@pytest.mark.parametrize(
    ("copy", "env"),
    [
        ("COPY . /app\n", None),
        ("COPY ./ /app/\n", None),
        ('COPY [".", "/app"]\n', None),
        ("COPY --link \\\n    . \\\n    /app\n", None),
        ("COPY . $APP_HOME\n", {"APP_HOME": "/app"}),
    ],
)
def test_a_git_folder_goes_into_dockerignore(
    project: Project, copy: str, env: Mapping[str, str] | None
) -> None:
    project.write(BASE + copy, GIT, env=env)
    assert project.patched() == BASE + copy
    assert project.ignored == ".git\n"


def test_workdir_and_variables_lead_to_the_path_in_the_context(project: Project) -> None:
    dockerfile = BASE + "ARG ROOT=/app\nENV SUB=src\nWORKDIR $ROOT\nCOPY src $SUB\n"
    files = {"app/src/.git/HEAD": b"x", "app/src/.git/pack": BIG, "app/src/a": b"a"}
    project.write(dockerfile, None, None, {"app/x": b""}, files)
    project.patched()
    assert (project.ignored, project.left) == ("src/.git\n", "")


def test_several_sources_are_told_apart(project: Project) -> None:
    dockerfile = BASE + "COPY package.json src ./app/\n"
    files = {**GIT, "app/package.json": b"{}"}
    project.write(BASE + "WORKDIR /\n" + dockerfile[len(BASE) :], {"x": b""}, files)
    project.patched()
    assert project.ignored == "src/.git\n"


def test_two_folders_into_one_are_not_certain(project: Project) -> None:
    dockerfile = BASE + "COPY one two /app/\n"
    project.write(dockerfile, GIT)
    assert project.patched() == dockerfile
    assert project.ignored == ""
    assert "[dockerignore], because it is not certain what these files are called" in project.left


def test_another_copy_of_other_files_does_not_matter(project: Project) -> None:
    dockerfile = (
        "FROM company/base AS build\nCOPY package.json .github ./\n"
        "RUN --mount=type=bind,source=docs make\n" + BASE + "COPY . /app\n"
    )
    project.write_final(dockerfile, GIT)
    project.patched()
    assert project.ignored == ".git\n"


def test_another_copy_of_the_same_files_does(project: Project) -> None:
    dockerfile = "FROM company/base AS build\nCOPY . .\n" + BASE + "COPY . /app\n"
    project.write_final(dockerfile, GIT)
    assert project.patched() == dockerfile
    assert "[dockerignore], because line 2 may need these files too" in project.left


def test_what_dockerignore_asks_for_stays(project: Project) -> None:
    project.write(BASE + "COPY . /app\n", GIT)
    (project.folder / ".dockerignore").write_text("*\n!.git\n!a\n")
    project.patched()
    assert project.ignored == "*\n!.git\n!a\n"
    assert "because .dockerignore asks for .git" in project.left


def test_a_symbolic_mode_becomes_the_one_that_the_image_has(project: Project) -> None:
    copied = {"run.sh": File(BIG, 0o644)}
    dockerfile = BASE + "COPY run.sh /\nUSER app\nENV A=b\nRUN chmod +x /run.sh\n"
    project.write(dockerfile, copied, None, None, {"run.sh": File(BIG, 0o755)})
    assert project.patched() == BASE + "COPY --chmod=755 run.sh /\nUSER app\nENV A=b\n"


def test_an_owner_goes_to_a_copy_of_several_files_over_several_lines(project: Project) -> None:
    copied = {f"app/{name}": File(BIG) for name in "ab"}
    changed = {f"app/{name}": File(BIG, uid=7, gid=7) for name in "ab"}
    copy = "COPY \\\n    a \\\n    # both\n    b \\\n    /app/\n"
    project.write(BASE + copy + "RUN chown -R 7:7 /app/a /app/b\n", copied, changed)
    assert project.patched() == BASE + copy.replace("COPY", "COPY --chown=7:7")


def test_a_chown_of_a_relative_path_is_not_moved(project: Project) -> None:
    dockerfile = BASE + "RUN make\nWORKDIR /app\nRUN chown -R 7:7 .\n"
    made = {"app/a": File(BIG)}
    project.write(dockerfile, made, {"app/x": b""}, {"app/a": File(BIG, uid=7, gid=7)})
    assert project.patched() == dockerfile
    assert "because line 4 names a path that depends on WORKDIR" in project.left
