"""Layers and instructions side by side, and several images on one host."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import layerscope
from layerscope.analysis.comparison.alignment import Step, align, normal_text
from layerscope.analysis.comparison.compare import compare
from layerscope.analysis.comparison.layers import LayerComparison
from layerscope.analysis.comparison.side import Side
from layerscope.analysis.comparison.table import Table, tabulate
from layerscope.analysis.masks import mask_text, mask_value
from layerscope.secrets.words import looks_secret
from tests.builder import FORMS, BuiltImage, ImageBuilder

steps = st.builds(
    Step,
    st.sampled_from(["1", "2", "3", "4", None]),
    st.sampled_from(["RUN a b c", "RUN a b d", "COPY . /a", "COPY x /a", "ENV A=1"]),
    st.sampled_from(["RUN", "COPY"]),
)


def text(*texts: str) -> list[Step]:
    return [Step(None, each, each.split()[0]) for each in texts]


@given(a=st.lists(steps, max_size=8), b=st.lists(steps, max_size=8))
def test_an_alignment_keeps_both_orders_and_mirrors(a: list[Step], b: list[Step]) -> None:
    pairs = align(a, b)
    assert [i for i, _ in pairs if i is not None] == list(range(len(a)))
    assert [j for _, j in pairs if j is not None] == list(range(len(b)))
    matched = {(i, j) for i, j in pairs if i is not None and j is not None}
    assert {(j, i) for j, i in align(b, a) if None not in (i, j)} == {(j, i) for i, j in matched}
    assert align(a, a) == [(i, i) for i in range(len(a))]


def test_equal_steps_match_before_similar_ones() -> None:
    a = text("RUN install x y z", "RUN build one two three")
    b = text("RUN install x y q", "RUN install x y z", "RUN build one two four")
    assert align(a, b) == [(None, 0), (0, 1), (1, 2)]


def test_words_that_all_instructions_share_do_not_make_them_similar() -> None:
    boiler = "RUN apt-get update && apt-get install -y --no-install-recommends {} && rm -rf /var/lib/apt/lists/*"
    a = text(*(boiler.format(name) for name in ("curl wget", "gcc make", "git")))
    b = text(*(boiler.format(name) for name in ("curl tzdata", "vim")))
    assert align(a, b)[0] == (0, 0)
    assert (2, 1) not in align(a, b)


def test_copies_to_the_same_destination_match() -> None:
    assert align(text("COPY dir:… /app"), text("COPY . /app")) == [(0, 0)]
    assert align(text("COPY dir:… /app"), text("COPY . /srv")) == [(0, None), (None, 0)]


def test_checksums_in_instructions_are_ignored() -> None:
    assert normal_text("ADD file:6cf03a6b981b… /") == normal_text(f"ADD file:{'c' * 64}  /")


@pytest.mark.parametrize("count", [300, 1024, 3000])
def test_long_sequences_align_completely(count: int) -> None:
    a = text(*(f"RUN step {n}" for n in range(count)))
    b = text(*(f"RUN step {n}" for n in range(1, count) if n % 7))
    matched = [(i, j) for i, j in align(a, b) if i is not None and j is not None]
    assert len(matched) == len(b)
    assert all(a[i].text == b[j].text for i, j in matched)


def image(*layers: str, tag: str = "test:1") -> BuiltImage:
    """An image with a layer and an instruction for each letter."""
    builder = ImageBuilder(tag)
    for name in layers:
        builder.layer({name: name.encode() * 100}, f"/bin/sh -c make {name}")
    return builder.build()


def compared(folder: Path, a: BuiltImage, b: BuiltImage) -> LayerComparison:
    first, second = (
        FORMS["oci-archive"].write([a], folder / "a"),
        FORMS["oci-archive"].write([b], folder / "b"),
    )
    with layerscope.load(first) as one, layerscope.load(second) as two:
        return compare(Side.of(layerscope.analyze(one)), Side.of(layerscope.analyze(two))).layers


def rows(layers: LayerComparison) -> list[tuple[str, int | None, int | None]]:
    return [
        (row.status, row.a.index if row.a else None, row.b.index if row.b else None)
        for row in layers.rows
    ]


def test_layers_shared_out_of_order_are_not_pulled_again(tmp_path: Path) -> None:
    found = compared(tmp_path, image("a", "b", "c"), image("a", "c", "b", "d"))
    assert found.shared == 1
    assert len(found.out_of_order) == 1
    assert sum(row.status == "same" for row in found.rows) == 2
    needed, chained = found.transfer.needed, found.transfer.chained
    assert needed.layers == (3,)
    assert chained.layers == (1, 2, 3)
    assert needed.compressed is not None
    assert chained.compressed is not None
    assert needed.compressed < chained.compressed


def test_an_inserted_layer_breaks_the_cache_there(tmp_path: Path) -> None:
    found = compared(tmp_path, image("a", "b", "c"), image("a", "x", "b", "c"))
    assert rows(found) == [("same", 0, 0), ("only_b", None, 1), ("same", 1, 2), ("same", 2, 3)]
    assert found.shared == 1
    assert found.cache_break is not None
    assert (found.cache_break.reason, found.cache_break.layers) == ("instruction", (1, 2, 3))
    assert found.transfer.needed.layers == (1,)


def test_a_repeated_layer_is_pulled_once(tmp_path: Path) -> None:
    found = compared(tmp_path, image("a"), image("a", "b", "c", "b"))
    assert found.transfer.needed.layers == (1, 2)
    assert found.transfer.needed.tar == sum(
        (row.b.sizes.tar or 0) for row in found.rows if row.b is not None and row.b.index in (1, 2)
    )


def test_an_image_that_extends_the_other_adds_instructions(tmp_path: Path) -> None:
    longer = compared(tmp_path, image("a"), image("a", "b"))
    assert longer.cache_break is not None
    assert longer.cache_break.reason == "added"
    shorter = compared(tmp_path, image("a", "b"), image("a"))
    assert shorter.cache_break is None
    assert shorter.transfer.needed.layers == ()


def test_a_changed_setting_breaks_the_cache(tmp_path: Path) -> None:
    def build(value: str) -> BuiltImage:
        return (
            ImageBuilder("test:1")
            .layer({"base": b"base"}, "/bin/sh -c base")
            .empty(f"/bin/sh -c #(nop)  ENV VERSION={value}")
            .layer({"out": value.encode()}, "/bin/sh -c make")
            .build()
        )

    found = compared(tmp_path, build("1"), build("2")).cache_break
    assert found is not None
    assert found.b is not None
    assert (found.b.instruction.index, found.reason) == (1, "instruction")


def test_images_without_history_are_aligned_by_content(tmp_path: Path) -> None:
    def build(*names: str) -> BuiltImage:
        builder = ImageBuilder("test:1")
        for name in names:
            builder.layer({name: name.encode() * 100}, history=False)
        return builder.without_history().build()

    found = compared(tmp_path, build("a", "b", "c"), build("a", "c"))
    assert rows(found) == [("same", 0, 0), ("only_a", 1, None), ("same", 2, 1)]


@pytest.mark.parametrize("later", ["COPY /out /app", "COPY /other /app"])
def test_flags_that_only_the_dockerfile_of_one_side_shows_do_not_differ(
    later: str, tmp_path: Path
) -> None:
    text = "FROM base AS b\nRUN make\nFROM scratch\nCOPY --from=b --link /out /app\n"
    Path(tmp_path, "Dockerfile").write_text(text)
    one, other = (
        FORMS["oci-archive"].write(
            [ImageBuilder("test:1").layer({"app": b"x"}, f"{step} # buildkit").build()],
            tmp_path / name,
        )
        for name, step in (("a.tar", "COPY /out /app"), ("b.tar", later))
    )
    with (
        layerscope.load(one, dockerfile=str(tmp_path / "Dockerfile")) as a,
        layerscope.load(other) as b,
    ):
        sides = [Side.of(layerscope.analyze(each)) for each in (a, b)]
        found = compare(*sides)
        back = compare(*reversed(sides))
    assert sides[0].instructions[0].instruction.text == "COPY --from=b --link /out /app"
    assert found.differs == back.differs == (later != "COPY /out /app")


@pytest.mark.parametrize(
    ("tag", "name"),
    [("app:1", "app:1"), ("corp/app", "corp/app"), ("1", "{} (1)"), ("latest", "{} (latest)")],
)
def test_a_tag_without_a_repository_does_not_name_an_image(
    tag: str, name: str, tmp_path: Path
) -> None:
    path = FORMS["oci-archive"].write([image("RUN a", tag=tag)], tmp_path / "x.tar")
    with layerscope.load(path) as opened:
        assert layerscope.analyze(opened).facts.name == name.format(path)


def table(folder: Path, *images: BuiltImage, form: str = "oci-archive") -> Table:
    sides = []
    for number, built in enumerate(images):
        with layerscope.load(FORMS[form].write([built], folder / f"{number}")) as opened:
            sides.append(Side.of(layerscope.analyze(opened)))
    return tabulate(sides)


def test_each_layer_counts_once_for_several_images_on_one_host(tmp_path: Path) -> None:
    found = table(tmp_path, image("a", "b"), image("a", "c", "c"), image("d", tag="test:2"))
    assert [(row.shared.layers, row.unique.layers) for row in found.rows] == [
        (1, 1),
        (1, 1),
        (0, 1),
    ]
    assert found.total.layers == 4
    for key in ("compressed", "tar", "content"):
        unique = sum(getattr(row.unique, key) for row in found.rows)
        assert getattr(found.total, key) == unique + getattr(found.rows[0].shared, key)
    for row in found.rows:
        assert row.side.sizes.compressed == row.shared.compressed + row.unique.compressed  # type: ignore[operator]


def test_plain_tars_have_no_compressed_size(tmp_path: Path) -> None:
    found = table(tmp_path, image("a", "b"), image("a", "c"), image("a"), form="docker-legacy")
    assert found.total.compressed is None
    assert found.total.tar == sum(
        (layer.sizes.tar or 0)
        for layer in (*found.rows[0].side.layers, found.rows[1].side.layers[1])
    )


@pytest.mark.parametrize(
    "name",
    [
        "API_TOKEN",
        "db.password",
        "dbPassword",
        "MYSQL_PWD",
        "DB_PASS",
        "AWS_SECRET_ACCESS_KEY",
        "apiKey",
        "--password",
    ],
)
def test_a_secret_name_is_recognized(name: str) -> None:
    assert looks_secret(name)
    assert mask_value(name, "hunter2") == "***"


@pytest.mark.parametrize(
    "name",
    [
        "GPG_KEY",
        "PATH",
        "PWD",
        "COMPASS",
        "TOKENIZERS_PARALLELISM",
        "PYTHON_GET_PIP_SHA256",
        "MONKEY",
    ],
)
def test_an_ordinary_name_is_not_a_secret(name: str) -> None:
    assert not looks_secret(name)
    assert mask_value(name, "value") == "value"


@pytest.mark.parametrize(
    ("shown", "hidden"),
    [
        ("curl https://me:hunter2@host/x", "curl https://me:***@host/x"),
        ("tool --password=hunter2 --user=me", "tool --password=*** --user=me"),
        ("ENV API_TOKEN='a b' X=1", "ENV API_TOKEN=*** X=1"),
        ("login " + "ghp_" + "a" * 36, "login ***"),
        ("echo TOKEN=$TOKEN", "echo TOKEN=$TOKEN"),
        ("key AKIA" + "A" * 16, "key ***"),
    ],
)
def test_secrets_in_text_are_masked(shown: str, hidden: str) -> None:
    assert mask_text(shown) == hidden
    assert mask_text(hidden) == hidden


@given(st.text(max_size=200))
def test_masking_again_changes_nothing(shown: str) -> None:
    assert mask_text(mask_text(shown)) == mask_text(shown)
