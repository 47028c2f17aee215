"""No format and no screen shows a secret of an image without `--show-args`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from layerscope.cli.main import main
from layerscope.image.config import ImageConfig
from layerscope.image.image import Base
from layerscope.image.platform import Platform
from layerscope.report.comparison.renderers import COMPARISON_RENDERERS
from layerscope.report.comparison.table_renderers import TABLE_RENDERERS
from layerscope.report.formats.renderers import RENDERERS
from layerscope.report.formats.secrets import SECRET_RENDERERS
from tests.builder import FORMS, WHITEOUT, BuiltImage, ImageBuilder, buildkit, classic
from tests.tui.compared import PairDriver, browse_pair
from tests.tui.images import Driver, browse

RANDOM = "q7Wd0zKx" + "9mPaT4vB" + "e2NsYc8R" + "h5LfJ1uG"
SECRETS = {
    "a build argument of BuildKit": "plainvalue-5512",
    "a build argument of the classic builder": "two words-7731",
    "a declared build argument": "declared-value-8841",
    "a variable by its name": "hunter2-by-name",
    "a key by its name": "license-4471-key",
    "a DSN": "https-dsn-9917",
    "a password in a URL": "s3cret!in-url",
    "an AWS key": "AKIA" + "Q3EXAMPLE7ZKLMN2",
    "a GitHub token": "ghp_" + "a1B2c3D4" * 4 + "wxyz",
    "a fine-grained GitHub token": "github_pat_" + "11ABCDEFG0" * 3,
    "a GitLab token": "glpat-" + "x9Y8z7W6v5U4t3S2r1Q0",
    "a Slack token": "xoxb-" + "123456789012-abcdefABCDEF",
    "a JWT": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N",
    "a private key": "MIIEvQIBADANBgkqhkiG9w0BAQ",
    "a long random word": RANDOM,
    "a label by its name": "label-secret-3321",
    "a password of a flag": "flag-value-6655",
    "a password of curl": "curl-pass-1212",
    "a header": "header-value-9090",
    "a password for chpasswd": "chpasswd-value-44",
    "a former build argument": "former-arg-7766",
    "a variable of a former history": "former-token-2277",
    "a default of the Dockerfile": "default-of-dockerfile-31",
    "a variable of another stage": "stage-token-9182",
}
S = SECRETS
KEY = f"-----BEGIN PRIVATE KEY-----\n{S['a private key']}\n-----END PRIVATE KEY-----"
FORMER = json.dumps(
    [
        {
            "created_by": f"RUN |2 V=7 FORMER={S['a former build argument']} /bin/sh -c make # buildkit"
        },
        {"created_by": f"ENV OLD_TOKEN={S['a variable of a former history']}"},
    ]
)
DOCKERFILE = f"""\
FROM scratch AS other
ENV STAGE_TOKEN {S["a variable of another stage"]}
FROM scratch
ARG PLAIN="{S["a default of the Dockerfile"]}" \\
    DECLARED={S["a declared build argument"]}
COPY app /app
RUN fetch --password {S["a password of a flag"]} {S["a build argument of BuildKit"]}
"""


def secretive(tag: str = "app:1", extra: bytes = b"") -> BuiltImage:
    """An image with a secret everywhere that it has text."""
    return (
        ImageBuilder(tag)
        .layer(
            {"bin/sh": b"shell", "tmp/cache": bytes(300_000)},
            created_by="crane flatten sha256:12",
            comment=FORMER,
        )
        .empty(**buildkit.meta(f"ARG DECLARED={S['a declared build argument']}"))
        .empty(**buildkit.meta(f"ENV API_TOKEN={S['a variable by its name']}"))
        .layer({"app": b"program" + extra}, **buildkit.copy("app", "/app"))
        .layer(
            {"tmp/cache": WHITEOUT, "one": b"1"},
            **buildkit.run(
                f"fetch --password {S['a password of a flag']} {S['a build argument of BuildKit']}"
                f" && echo {S['a label by its name']}",
                {"PLAIN": S["a build argument of BuildKit"], "V": "7"},
            ),
        )
        .layer(
            {"two": b"2"},
            **classic.run(
                f"curl -u me:{S['a password of curl']} https://x && curl -H 'Authorization: Bearer {S['a header']}' x"
                f" && echo 'root:{S['a password for chpasswd']}' | chpasswd",
                {"PHRASE": S["a build argument of the classic builder"]},
            ),
        )
        .layer({"three": b"3"}, **buildkit.run(f"use '{KEY}' {S['a long random word']} V=7"))
        .layer({"four": b"4"}, created_by="tool", comment=f"made with {S['a GitLab token']}")
        .configure(
            Env=[
                f"API_TOKEN={S['a variable by its name']}",
                f"LICENSE_KEY={S['a key by its name']}",
                f"SENTRY_DSN={S['a DSN']}",
                f"DATABASE_URL=postgres://me:{S['a password in a URL']}@db/x",
                f"ACCESS={S['an AWS key']}",
                f"OPAQUE={S['a long random word']}",
                f"CERTIFICATE={KEY}",
            ],
            Labels={
                "db.password": S["a label by its name"],
                "note": f"see {S['a JWT']}",
                "hook": S["a Slack token"],
            },
            Cmd=["serve", "--with", S["a variable by its name"]],
            Entrypoint=["run", S["a GitHub token"], S["a fine-grained GitHub token"]],
        )
        .build()
    )


def shown(text: str) -> list[str]:
    """The kinds of secrets that a text reveals, in full or in large part."""
    plain = text.replace("\\u0021", "!").replace("&#33;", "!")
    found = [
        name
        for name, value in SECRETS.items()
        if value in plain or json.dumps(value)[1:-1] in plain
    ]
    return found + ([name for name in ("V=7",) if name in text])


@pytest.fixture
def archive(tmp_path: Path) -> str:
    return str(FORMS["oci-archive"].write([secretive()], tmp_path / "app.tar"))


@pytest.fixture
def pair(archive: str, tmp_path: Path) -> tuple[str, str]:
    return archive, str(
        FORMS["oci-archive"].write([secretive("app:2", b"more")], tmp_path / "b.tar")
    )


@pytest.fixture
def dockerfile(tmp_path: Path) -> Path:
    path = tmp_path / "Dockerfile"
    path.write_text(DOCKERFILE)
    return path


def written(folder: Path, *words: str) -> str:
    """The contents of the file that a command writes."""
    target = folder / "written"
    target.unlink(missing_ok=True)
    assert main([*words, "-q", "-o", str(target)]) in (0, 1)
    return target.read_text()


@pytest.mark.parametrize("name", sorted(RENDERERS))
def test_no_format_of_a_report_shows_a_secret(
    name: str, archive: str, dockerfile: Path, tmp_path: Path
) -> None:
    words = ("report", archive, "--format", name, "--dockerfile", str(dockerfile))
    assert shown(written(tmp_path, *words)) == []
    assert shown(written(tmp_path, *words, "--max-wasted", "1B", "--top", "1000")) == []


@pytest.mark.parametrize("name", sorted(RENDERERS))
def test_no_format_of_a_saved_report_shows_a_secret(
    name: str, archive: str, dockerfile: Path, tmp_path: Path
) -> None:
    saved = tmp_path / "saved.json"
    words = ["report", archive, "--dockerfile", str(dockerfile), "--json", "--files", "-q"]
    assert main([*words, "-o", str(saved)]) == 0
    assert shown(written(tmp_path, "report", str(saved), "--format", name)) == []


@pytest.mark.parametrize(
    "words",
    [
        ("advise",),
        ("advise", "--json"),
        ("packages",),
        ("check", "--max-size", "1B", "--forbid-secrets"),
        ("report", "--head"),
        ("report", "--head", "--json"),
        ("report", "--all-platforms", "--json"),
        *(("secrets", "--format", name) for name in sorted(SECRET_RENDERERS)),
    ],
    ids=" ".join,
)
def test_no_command_shows_a_secret(
    words: tuple[str, ...], archive: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([words[0], archive, *words[1:]]) in (0, 1)
    told = capsys.readouterr()
    assert len(told.out) > 100 or words == ("packages",)
    assert shown(told.out + told.err) == []


@pytest.mark.slow
def test_no_table_of_a_fleet_has_a_secret(pair: tuple[str, str], tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    listed, fleet = tmp_path / "images.txt", tmp_path / "fleet"
    listed.write_text("".join(f"{each}\n" for each in pair))
    assert main(["fleet", "scan", str(listed), "--out", str(fleet), "--workers", "1", "-q"]) == 0
    tables = list(fleet.rglob("*.parquet"))
    assert tables
    rows = [duckdb.sql(f"SELECT * FROM read_parquet('{path}')").fetchall() for path in tables]
    assert "fetch" in str(rows), "the instructions are in a table"
    assert shown(str(rows)) == []


def test_show_args_shows_every_secret(archive: str, tmp_path: Path) -> None:
    text = written(tmp_path, "report", archive, "--json", "--show-args")
    of_dockerfile = {"a default of the Dockerfile", "a variable of another stage"}
    assert set(SECRETS) - set(shown(text)) == of_dockerfile


@pytest.mark.parametrize("name", sorted(COMPARISON_RENDERERS))
def test_no_format_of_a_comparison_shows_a_secret(
    name: str, pair: tuple[str, str], tmp_path: Path
) -> None:
    assert shown(written(tmp_path, "compare", *pair, "--format", name)) == []


@pytest.mark.parametrize("name", sorted(TABLE_RENDERERS))
def test_no_table_of_several_images_shows_a_secret(
    name: str, pair: tuple[str, str], tmp_path: Path
) -> None:
    assert shown(written(tmp_path, "compare", *pair, pair[0], "--format", name)) == []


@pytest.mark.parametrize("saved_with", [(), ("--show-args",)])
def test_a_comparison_with_a_saved_report_shows_no_secret(
    saved_with: tuple[str, ...], pair: tuple[str, str], tmp_path: Path
) -> None:
    saved = tmp_path / "saved.json"
    assert main(["report", pair[0], "--json", "--files", "-q", *saved_with, "-o", str(saved)]) == 0
    for name in COMPARISON_RENDERERS:
        assert shown(written(tmp_path, "compare", str(saved), pair[1], "--format", name)) == []


def test_a_comparison_shows_build_arguments_on_request(
    pair: tuple[str, str], tmp_path: Path
) -> None:
    text = written(tmp_path, "compare", *pair, "--json", "--show-args")
    assert "a build argument of BuildKit" in shown(text)


def test_two_secrets_are_compared_and_not_shown(tmp_path: Path) -> None:
    archives = [
        str(
            FORMS["oci-archive"].write(
                [ImageBuilder("a").layer({"f": b"1"}).configure(Env=[f"TOKEN={value}"]).build()],
                tmp_path / value,
            )
        )
        for value in ("first-secret", "other-secret")
    ]
    text = written(tmp_path, "compare", *archives, "--json")
    (row,) = json.loads(text)["config"]
    assert (row["field"], row["name"], row["a"], row["b"]) == ("env", "TOKEN", "***", "***")


def test_files_shows_no_secret(archive: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["files", archive, "-q"]) == 0
    assert main(["files", archive, "-q", "--json"]) == 0
    assert shown(capsys.readouterr().out) == []


@pytest.mark.slow
def test_no_screen_shows_a_secret(archive: str, dockerfile: Path) -> None:
    seen: list[str] = []

    async def script(driver: Driver) -> None:
        async def look(*keys: str) -> None:
            await driver.press(*keys)
            seen.append(driver.text)

        for key in ("1", "2", "3", "4", "5"):
            await look(key)
        await look("1")
        for _ in range(9):
            await look("down")
            await look("i")
            for _ in range(4):
                await look("pagedown")
            await look("escape")
        for key in ("i", "end", "home", "pagedown", "pagedown", "pagedown"):
            await look(key)

    browse(archive, script, size=(200, 60), dockerfile=dockerfile)
    together = "\n".join(seen)
    assert "API_TOKEN" in together, "the configuration was looked at"
    assert "STAGE_TOKEN" in together, "the Dockerfile was looked at"
    assert shown(together) == []


@pytest.mark.slow
def test_no_screen_of_a_comparison_shows_a_secret(pair: tuple[str, str]) -> None:
    seen: list[str] = []

    async def script(driver: PairDriver) -> None:
        for key in ("1", "2", "3", "4", "5"):
            await driver.press(key)
            for _ in range(8):
                await driver.press("down")
                seen.append(driver.text)

    browse_pair(*pair, script, size=(200, 60))
    assert "fetch" in "\n".join(seen), "the instructions were looked at"
    assert shown("\n".join(seen)) == []


@pytest.mark.parametrize(
    "value", ["3.12.1", "v1.2.3-rc1", "/usr/local/bin", "https://deb.debian.org/debian", "true"]
)
def test_an_ordinary_build_argument_is_hidden_only_behind_its_name(
    value: str, tmp_path: Path
) -> None:
    image = (
        ImageBuilder("app")
        .layer({"f": b"1"}, **buildkit.run(f"get {value}", {"THING": value}))
        .build()
    )
    archive = str(FORMS["oci-archive"].write([image], tmp_path / "app.tar"))
    (row,) = json.loads(written(tmp_path, "report", archive, "--json"))["instructions"]
    assert row["text"] == f"RUN get {value}"
    assert row["created_by"] == f"RUN |1 THING=*** /bin/sh -c get {value} # buildkit"


NO_CONFIG = ImageConfig(platform=Platform("linux", "amd64"), created=None, diff_ids=(), history=())


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        ("BASE=corp.example:5000/python:3.12-slim", "corp.example:5000/python:3.12-slim@sha256:ab"),
        ("BASE=python:3.12-slim", "docker.io/library/python:3.12-slim@sha256:ab"),
        ("REGISTRY=corp.example:5000", "corp.example:5000/python:3.12-slim"),
        ("TAG=2026-11-26_nightly.x", "corp/base:2026-11-26_nightly.x"),
    ],
)
def test_the_name_of_the_base_image_is_not_masked_for_a_build_argument(
    argument: str, name: str
) -> None:
    from layerscope.analysis.masked import Masks

    text = f"ARG {argument}\nFROM x"
    masks = Masks.of(NO_CONFIG, (), [text], Base(layers=1, name=name, evidence="provenance"))
    assert masks.text(name) == name
    assert masks.dockerfile(text) == f"ARG {argument.partition('=')[0]}=***\nFROM x"


def test_a_secret_in_the_name_of_the_base_image_is_masked() -> None:
    from layerscope.analysis.masked import Masks

    base = Base(layers=1, name="corp.example/hunter2secret:1", evidence="provenance")
    masks = Masks.of(NO_CONFIG, (), ["ARG TOKEN=hunter2secret\nFROM x"], base)
    assert masks.text(str(base.name)) == "corp.example/***:1"
    other = Masks.of(NO_CONFIG, (), ["ARG THING=example/hunter2#secret\nFROM x"], base)
    assert other.text("RUN get example/hunter2#secret") == "RUN get ***"


def test_masking_a_dockerfile_keeps_its_lines() -> None:
    from layerscope.analysis.masked import Masks

    text = f"FROM a\nARG A=1 \\\n  # comment\n  B='x y'\nENV KEY '{KEY}'\nENV  TOKEN  abc def\nRUN make\n"
    hidden = Masks().dockerfile(text)
    assert len(hidden.splitlines()) == len(text.splitlines())
    assert hidden.splitlines()[1:4] == ["ARG A=*** \\", "  # comment", "  B=***"]
    assert hidden.splitlines()[-2:] == ["ENV  TOKEN  ***", "RUN make"]


def _alike(number: int) -> tuple[list[tuple[str, str]], str]:
    return [("TOKEN", f"same-start-{n:06}") for n in range(number)], "same-start-x " * number


def test_values_with_a_common_prefix_are_not_tried_one_by_one() -> None:
    """The common prefix is masked wherever it occurs."""
    from layerscope.analysis.masked import Masks

    settings, text = _alike(20_000)
    masks = Masks(settings=settings)
    assert max(map(len, masks._values.values())) <= 16
    assert "same" not in masks.text(text)
