"""Secrets of an image: in its files, deleted ones first, and in its configuration."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from layerscope.analysis.model import Analysis
from layerscope.analysis.reading import read
from layerscope.analysis.secrets.facts import SecretFinding, Secrets
from layerscope.analysis.secrets.texts import find_in_texts
from layerscope.cache.shelf import Shelf
from layerscope.limits import Limits
from layerscope.options import ReadOptions, SecretScope
from tests.builder import FORMS, WHITEOUT, BuiltImage, ImageBuilder, buildkit, oci
from tests.cli.images import write
from tests.secrets.tokens import Maker

make = Maker(2)
TOKEN, OLD_TOKEN, NPM, KEY = make.github(), make.github(), make.npm(), make.pem("OPENSSH")
PASSWORD, SLACK = make.password(), make.slack()


def leaky() -> BuiltImage:
    """An image with a secret in every place."""
    return (
        ImageBuilder("app:1")
        .configure(Env=["PATH=/bin", f"GITHUB_TOKEN={TOKEN}"], Labels={"key": SLACK})
        .layer(
            {
                "root/.ssh/id_ed25519": KEY.encode(),
                "app/settings.py": f"x = 1\ntoken = '{TOKEN}'\n".encode(),
                "etc/app.conf": f"[db]\nurl = postgres://app:{PASSWORD}@db/x\n".encode(),
                "usr/share/doc/x/examples/key.pem": KEY.encode(),
            },
            **buildkit.copy(".", "/"),
        )
        .empty(**buildkit.meta(f"ENV GITHUB_TOKEN={OLD_TOKEN}"))
        .empty(**buildkit.meta(f"ENV GITHUB_TOKEN={TOKEN}"))
        .layer(
            {"root/.ssh": WHITEOUT, "root/.npmrc": f"//r/:_authToken={NPM}\n".encode()},
            **buildkit.run("rm -rf /root/.ssh", {"NPM_TOKEN": NPM}),
        )
        .layer({"root/.npmrc": b"registry=https://r\n"}, **buildkit.run("npm logout"))
        .build()
    )


def analysis_of(
    image: BuiltImage, path: Path, form: str = "docker-legacy", scope: SecretScope = "all"
) -> Analysis:
    return read(write(image, path / "app.tar", form), ReadOptions(cache=False, secrets=scope))


def found(analysis: Analysis) -> Secrets:
    assert analysis.facts.secrets is not None
    return analysis.facts.secrets


def place(finding: SecretFinding) -> tuple[str, str, str, bool]:
    where = finding.name or "" if finding.path is None else finding.path.decode()
    return finding.rule, finding.where, where, finding.deleted


EXPECTED = [
    ("github-pat", "history", "", True),
    ("private-key", "file", "root/.ssh/id_ed25519", True),
    ("npm-access-token", "file", "root/.npmrc", True),
    ("npmrc-token", "file", "root/.npmrc", True),
    ("github-pat", "env", "GITHUB_TOKEN", False),
    ("npm-access-token", "history", "NPM_TOKEN", False),
    ("slack-bot-token", "label", "key", False),
    ("github-pat", "file", "app/settings.py", False),
    ("private-key", "file", "usr/share/doc/x/examples/key.pem", False),
]


def test_deleted_secrets_come_first_and_those_in_doubt_last(tmp_path: Path) -> None:
    with analysis_of(leaky(), tmp_path) as analysis:
        assert [place(each) for each in found(analysis).findings] == EXPECTED
        assert (found(analysis).found, found(analysis).doubtful) == (8, 1)
        assert not found(analysis).findings[-1].sure


@pytest.mark.parametrize("form", sorted(FORMS))
def test_every_source_gives_the_same_findings(tmp_path: Path, form: str) -> None:
    with analysis_of(leaky(), tmp_path, form) as analysis:
        assert [place(each) for each in found(analysis).findings] == EXPECTED


def test_without_reading_all_files_those_with_known_names_are_searched(tmp_path: Path) -> None:
    with analysis_of(leaky(), tmp_path, scope="known") as analysis:
        places = [place(each) for each in found(analysis).findings]
    assert places == [each for each in EXPECTED if each[2] != "app/settings.py"]


def test_no_secrets_means_no_search(tmp_path: Path) -> None:
    with analysis_of(leaky(), tmp_path, scope="off") as analysis:
        assert analysis.facts.secrets is None


def test_no_value_is_in_what_is_found(tmp_path: Path) -> None:
    with analysis_of(leaky(), tmp_path) as analysis:
        text = repr(found(analysis)) + repr(
            [each and each.index.secrets for each in analysis.indexes]
        )
    for secret in (TOKEN, OLD_TOKEN, NPM, PASSWORD, KEY[60:100]):
        assert secret not in text


@pytest.mark.parametrize("first", ["known", "all"])
def test_what_was_read_before_never_changes_what_is_found(
    tmp_path: Path, first: SecretScope
) -> None:
    reference = str(tmp_path / "app.tar")
    oci([leaky()], "gzip").write(tmp_path / "app.tar")
    shelf = Shelf()
    fresh: dict[SecretScope, Secrets] = {}
    for scope in ("known", "all"):
        with read(reference, ReadOptions(cache=False, secrets=scope)) as analysis:
            fresh[scope] = found(analysis)
    second: SecretScope = "all" if first == "known" else "known"
    for scope in (first, second, first):
        with read(reference, ReadOptions(secrets=scope), shelf=shelf) as analysis:
            assert found(analysis) == fresh[scope]


def test_a_file_over_the_bound_is_named_as_not_searched(tmp_path: Path) -> None:
    text = f"{TOKEN}\n".encode() + b"a\n" * 1000
    image = ImageBuilder("app:1").layer({"a.sql": text, "b.sql": TOKEN.encode()}).build()
    for form in ("docker-legacy", "oci-archive"):
        options = ReadOptions(cache=False, secrets="all", limits=Limits(secret_file_bytes=1000))
        with read(write(image, tmp_path / f"{form}.tar", form), options) as analysis:
            secrets = found(analysis)
        assert [each.path for each in secrets.findings] == [b"b.sql"]
        assert [(each.path, each.reason) for each in secrets.gaps] == [(b"a.sql", "too-large")]
        assert not secrets.complete


def test_an_image_without_secrets_has_none(tmp_path: Path) -> None:
    image = ImageBuilder("app:1").layer({"etc/hosts": b"localhost\n"}).build()
    with analysis_of(image, tmp_path) as analysis:
        assert found(analysis).findings == ()
        assert found(analysis).complete
        assert found(analysis).files == 1


@pytest.mark.slow
def test_a_history_of_many_variables_takes_linear_time(tmp_path: Path) -> None:
    def seconds(number: int) -> float:
        image = ImageBuilder("app:1").layer({"a": b"x"})
        names = [f"API_TOKEN_{each}={make.letters(20)}" for each in range(number)]
        for each in names:
            image.empty(**buildkit.meta(f"ENV {each}"))
        image.configure(Env=names)
        with analysis_of(image.build(), tmp_path) as analysis:
            facts = analysis.facts
            start = time.process_time()
            rows = list(find_in_texts(facts.config, analysis.image.instructions))
        assert len(rows) == number
        assert all(row.where == "env" and row.instruction is not None for row in rows)
        return time.process_time() - start

    few = seconds(500)
    assert seconds(2000) < 12 * few + 0.5


def test_the_old_form_of_env_names_its_instruction(tmp_path: Path) -> None:
    value = make.github()
    image = (
        ImageBuilder("app:1")
        .layer({"a": b"x"})
        .empty(created_by=f"/bin/sh -c #(nop)  ENV DB_PASSWORD {value}")
        .configure(Env=[f"DB_PASSWORD={value}"])
        .build()
    )
    with analysis_of(image, tmp_path) as analysis:
        rows = found(analysis).findings
    assert [(row.rule, row.where, row.instruction) for row in rows] == [("github-pat", "env", 1)]
