"""Advice on live files: what it measures, and that no byte counts twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.advise import RULES, advise
from layerscope.analysis.model import Analysis
from layerscope.image.image import Base
from layerscope.options import AdviceOptions
from layerscope.packages.recommends import only_recommended
from tests.analysis.images import analysed
from tests.builder import File, Hardlink, ImageBuilder
from tests.builder.dialects import buildkit
from tests.builder.image import Members

Step = tuple[str, Members]


def image(*steps: Step, form: str = "docker-legacy", compression: str = "none") -> Analysis:
    """An image with a RUN, COPY, or another instruction for each layer."""
    builder = ImageBuilder("app:1")
    for text, members in steps:
        keyword, _, rest = text.partition(" ")
        made = buildkit.run(rest) if keyword == "RUN" else {"created_by": f"{text} # buildkit"}
        builder.layer(members, **made)
    return analysed(builder.build(), form, compression)


def found(analysis: Analysis, *off: str) -> dict[str, Advice]:
    told = AdviceOptions(off=frozenset(off), min_saving=1)
    return {each.rule: each for each in advise(replace(analysis, advising=told))}


def with_base(analysis: Analysis, layers: int, name: str | None = None) -> Analysis:
    base = Base(layers=layers, name=name, evidence="image")
    return replace(analysis, facts=replace(analysis.facts, base=base))


LISTS = {"var/lib/apt/lists/x_Packages": bytes(5000)}
CACHES = [
    ("apt-cache", "RUN apt-get update", LISTS, "add `&& rm -rf /var/lib/apt/lists/*`"),
    (
        "apt-cache",
        "RUN apt-get install -y a",
        {"var/cache/apt/archives/a.deb": bytes(5000), **LISTS},
        "add `&& apt-get clean && rm -rf /var/lib/apt/lists/*`",
    ),
    ("apk-cache", "RUN apk add a", {"var/cache/apk/a.apk": bytes(5000)}, "apk add --no-cache"),
    (
        "apk-cache",
        "RUN apk update",
        {"var/cache/apk/APKINDEX.tar.gz": bytes(5000)},
        "add `&& rm -rf /var/cache/apk/*`",
    ),
    (
        "dnf-cache",
        "RUN microdnf install a",
        {"var/cache/yum/x.solv": bytes(5000)},
        "add `&& microdnf clean all`",
    ),
    ("pip-cache", "RUN pip install a", {"root/.cache/pip/a": bytes(5000)}, "--no-cache-dir"),
    ("uv-cache", "RUN uv sync", {"root/.cache/uv/a": bytes(5000)}, "--no-cache"),
    (
        "conda-cache",
        "RUN conda install a",
        {"opt/conda/pkgs/a.conda": bytes(5000), "opt/conda/conda-meta/history": b"x"},
        "conda clean -afy",
    ),
    (
        "npm-cache",
        "RUN npm ci",
        {"root/.npm/_cacache/content-v2/a": bytes(5000)},
        "npm cache clean --force",
    ),
    (
        "yarn-cache",
        "RUN yarn",
        {"usr/local/share/.cache/yarn/v6/a": bytes(5000)},
        "yarn cache clean",
    ),
    (
        "pnpm-store",
        "RUN pnpm i",
        {"root/.local/share/pnpm/store/v3/a": bytes(5000)},
        "rm -rf /root/.local/share/pnpm/store`",
    ),
    (
        "go-cache",
        "RUN go build",
        {"go/pkg/mod/a": bytes(3000), "root/.cache/go-build/0/a": bytes(2000)},
        "--mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build ",
    ),
    (
        "cargo-cache",
        "RUN cargo build",
        {"usr/local/cargo/registry/cache/a": bytes(5000)},
        "target=/usr/local/cargo/registry ",
    ),
    (
        "maven-cache",
        "RUN mvn package",
        {"root/.m2/repository/a.jar": bytes(5000)},
        "target=/root/.m2/repository ",
    ),
    (
        "gradle-cache",
        "RUN gradle build",
        {"root/.gradle/caches/a": bytes(5000)},
        "target=/root/.gradle/caches ",
    ),
]


@pytest.mark.parametrize(("rule", "text", "files", "remedy"), CACHES)
def test_a_cache_that_stays_is_named_with_its_fix(
    rule: str, text: str, files: dict[str, bytes], remedy: str
) -> None:
    advice = found(image(("RUN a", {"bin/a": bytes(100)}), (text, files)))[rule]
    size = sum(len(data) for data in files.values() if len(data) > 1)
    assert remedy in advice.message
    assert (advice.bytes, advice.instruction, advice.written_by) == (size, 1, 1)
    assert (advice.kind, advice.wasted_by, advice.compressed) == (None, None, None)


def test_lists_that_a_later_step_needs_are_deleted_after_it() -> None:
    analysis = image(
        ("RUN apt-get update", LISTS), ("RUN apt-get install -y a", {"usr/bin/a": b"a"})
    )
    advice = found(analysis)["apt-cache"]
    assert "merge instruction 1 (RUN apt-get install -y a) into this RUN" in advice.message
    assert advice.edits == ()


def test_a_cached_file_that_is_linked_elsewhere_would_not_go() -> None:
    files = {
        "root/.cache/uv/a": bytes(5000),
        "root/.cache/uv/b": bytes(700),
        "usr/lib/a": Hardlink("root/.cache/uv/a"),
    }
    assert found(image(("RUN uv sync", files)))["uv-cache"].bytes == 700


def test_what_a_pull_saves_is_known_where_layers_are_compressed() -> None:
    step = ("RUN pip install a", {"root/.cache/pip/a": bytes(range(256)) * 100, "x": b"x"})
    analysis = image(step, form="oci-archive", compression="gzip")
    advice = found(analysis)["pip-cache"]
    assert advice.compressed is not None
    assert 256 <= advice.compressed < (analysis.sizes.compressed or 0)


def test_files_of_the_base_image_are_left_alone() -> None:
    steps = (("RUN apt-get update", LISTS), ("RUN pip install a", {"root/.cache/pip/a": b"12345"}))
    assert set(found(image(*steps))) == {"apt-cache", "pip-cache"}
    assert set(found(with_base(image(*steps), 1))) == {"pip-cache"}
    assert set(found(with_base(image(*steps), 2))) == set()


def stanza(name: str, *more: str) -> str:
    lines = [f"Package: {name}", "Status: install ok installed", "Architecture: all", "Version: 1"]
    return "\n".join([*lines, *more]) + "\n\n"


def states(*names: str) -> bytes:
    return "".join(
        f"Package: {name}\nArchitecture: all\nAuto-Installed: 1\n\n" for name in names
    ).encode()


STATUS = (
    stanza("asked", "Depends: needed (>= 1), a | virtual", "Recommends: wanted:any, absent")
    + stanza("needed")
    + stanza("provider", "Provides: virtual (= 1)")
    + stanza("wanted", "Depends: below")
    + stanza("below")
    + stanza("orphan")
    + stanza("core", "Essential: yes")
    + stanza("chosen")
).encode()


def test_only_what_a_recommendation_pulled_in_counts() -> None:
    automatic = states("needed", "provider", "wanted", "below", "orphan", "core")
    assert only_recommended(STATUS, automatic) == {"wanted", "below"}


def test_what_is_needed_and_recommended_is_needed() -> None:
    status = (
        stanza("a", "Recommends: b") + stanza("c", "Depends: b") + stanza("b", "Recommends: a")
    ).encode()
    assert only_recommended(status, states("b")) == frozenset()


def test_packages_that_are_only_recommended_count_with_their_live_files() -> None:
    files: dict[str, bytes] = {
        "var/lib/dpkg/status": STATUS,
        "var/lib/apt/extended_states": states("needed", "provider", "wanted", "below", "orphan"),
        "var/lib/dpkg/info/wanted.list": b"/usr/lib/wanted\n/usr/share/doc/wanted/manual\n",
        "var/lib/dpkg/info/asked.list": b"/usr/bin/asked\n",
        "usr/lib/wanted": bytes(4000),
        "usr/share/doc/wanted/manual": bytes(3000),
        "usr/bin/asked": bytes(2000),
    }
    listed = len(files["var/lib/dpkg/info/wanted.list"])
    advice = found(image(("RUN apt-get install -y asked", files)))
    assert advice["no-install-recommends"].bytes == 7000 + listed
    assert "because 1 package came along" in advice["no-install-recommends"].message
    assert "docs" not in advice
    assert (
        found(image(("RUN apt-get install -y asked", files)), "no-install-recommends")["docs"].bytes
        == 3000
    )
    flag = "RUN apt-get install -y --no-install-recommends asked"
    assert "no-install-recommends" not in found(image((flag, files)))


def test_no_byte_counts_twice() -> None:
    same = bytes(range(250)) * 40
    analysis = image(
        ("RUN make", {"usr/include/a.h": same, "usr/share/doc/a/manual": same, "opt/a": same}),
        ("COPY . /app", {"app/.git/HEAD": b"x", "app/.git/objects/a": same, "app/b": same}),
        ("RUN pip install b", {"root/.cache/pip/b": same, "usr/share/man/man1/b.1": same}),
    )
    advice = found(analysis)
    assert {"build-tools", "docs", "dockerignore", "duplicates", "pip-cache"} <= set(advice)
    assert advice["duplicates"].bytes == len(same)
    told = replace(analysis, advising=AdviceOptions(min_saving=1))
    assert sum(each.bytes or 0 for each in advise(told)) <= analysis.sizes.live


def test_a_copy_of_the_context_should_leave_out_git() -> None:
    files = {"app/.git/HEAD": b"x", "app/.git/objects/a": bytes(900), "app/main.py": b"main"}
    advice = found(image(("COPY . /app", files)))["dockerignore"]
    assert advice.message.startswith("Instruction 0: put .git into .dockerignore, because COPY")
    assert advice.bytes == 901
    (edit,) = advice.edits
    assert getattr(edit, "lines", None) == (".git",)


def test_git_counts_for_the_copy_even_if_a_later_step_stores_it_again() -> None:
    head, pack = b"x" * 500, bytes(900)
    analysis = image(
        ("COPY . /app", {"app/.git/HEAD": File(head), "app/.git/objects/a": File(pack)}),
        (
            "RUN chown -R 1:1 /app",
            {"app/.git/HEAD": File(head, uid=1), "app/.git/objects/a": File(pack, uid=1)},
        ),
    )
    advice = found(analysis)
    assert (advice["dockerignore"].bytes, advice["dockerignore"].instruction) == (1400, 0)
    assert advice["copy-chown"].bytes == 1400


def test_dependencies_that_a_copy_replaces_belong_into_dockerignore() -> None:
    own, copied = bytes(900), bytes(800)
    analysis = image(
        ("RUN npm ci", {"app/node_modules/a/index.js": own}),
        ("COPY . /app", {"app/node_modules/a/index.js": copied, "app/main.js": b"main"}),
    )
    advice = found(analysis)["dockerignore"]
    assert "put node_modules into .dockerignore, because instruction 0" in advice.message
    assert (advice.bytes, advice.instruction) == (900, 1)


def test_build_output_that_a_run_makes_again_belongs_into_dockerignore() -> None:
    analysis = image(
        ("COPY . /app", {"app/dist/main.js": bytes(900), "app/main.ts": b"main"}),
        ("RUN npm run build", {"app/dist/main.js": bytes(901)}),
    )
    advice = found(analysis)["dockerignore"]
    assert "put dist into .dockerignore, because instruction 1" in advice.message
    assert advice.bytes == 900


def test_a_smaller_base_saves_what_was_measured_and_nothing_that_other_advice_counts() -> None:
    steps = (
        ("ADD root.tar /", {"usr/lib/a": bytes(9000), "b": bytes(1000)}),
        ("RUN a", {"c": b"c"}),
    )
    analysis = with_base(image(*steps), 1, "python:3.8")
    unknown = found(analysis)["slim-base"]
    assert unknown.bytes is None
    assert "try FROM python:3.8-slim" in unknown.message
    told = AdviceOptions(min_saving=1, measured=(("python:3.8-slim", 4000),))
    (advice,) = advise(replace(analysis, advising=told))
    assert (advice.rule, advice.bytes) == ("slim-base", 6000)
    told = AdviceOptions(min_saving=1, measured=(("python:3.8-slim", 40_000),))
    assert advise(replace(analysis, advising=told)) == ()


@pytest.mark.parametrize(
    "name", ["python:3.8-slim", "python:alpine", "own/python:3.8", "unknown:1", None]
)
def test_a_base_without_a_smaller_variant_is_left_alone(name: str | None) -> None:
    analysis = with_base(image(("RUN a", {"a": b"a"}), ("RUN b", {"b": b"b"})), 1, name)
    assert "slim-base" not in found(analysis)


def test_advice_without_bytes_comes_last() -> None:
    steps: list[Step] = [(f"RUN echo {n}", {f"etc/{n}": b"x"}) for n in range(5)]
    analysis = image(*steps, ("RUN pip install a", {"root/.cache/pip/a": bytes(900_000)}))
    assert [(each.rule, each.bytes) for each in advise(analysis)] == [
        ("pip-cache", 900_000),
        ("small-layers", None),
    ]


def test_every_rule_gets_an_image_without_files() -> None:
    analysis = image(("RUN a", {}))
    for rule in RULES:
        others = {each.id for each in RULES} - {rule.id}
        assert found(analysis, *others) == {}


@pytest.mark.parametrize(
    ("add", "told"),
    [
        ("ADD rootfs.tar.xz /", False),
        ("ADD https://example.com/x.git /", False),
        ("ADD file:0123456789abcdef /", False),
        ("ADD . /app", True),
        ("COPY dir:0123456789abcdef /app", True),
    ],
)
def test_what_add_fetches_or_unpacks_is_not_in_the_build_context(add: str, told: bool) -> None:
    files = {"app/__pycache__/a.cpython-311.pyc": bytes(9_000), "app/a.py": b"a"}
    assert ("dockerignore" in found(image((add, files)))) is told
