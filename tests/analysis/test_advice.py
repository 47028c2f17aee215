from __future__ import annotations

import re
from dataclasses import replace

import pytest

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.advise import MOST, RULES, advise
from layerscope.analysis.model import ChangedField, WasteKind
from layerscope.image.image import Base
from layerscope.image.instruction import Location
from layerscope.options import AdviceOptions
from tests.report.sample import based, make_analysis, python_app, wasted, with_facts


def advice_on(
    writer: str,
    waster: str,
    kind: WasteKind,
    *,
    changed: tuple[ChangedField, ...] = (),
    path: str = "/app/x",
    located: bool = False,
) -> Advice:
    analysis = make_analysis(
        [(writer, 1000), (waster, 500)], [wasted(path, 400, 0, 1, kind, changed)], located=located
    )
    (advice,) = advise(analysis)
    assert (advice.bytes, advice.files, advice.kind) == (400, 1, kind)
    assert (advice.written_by, advice.wasted_by) == (0, 1)
    return advice


def test_the_largest_saving_comes_first() -> None:
    app = replace(python_app(), advising=AdviceOptions(min_saving=0))
    sizes = [advice.bytes or 0 for advice in advise(app)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 31_000_000
    assert sum(sizes) == app.sizes.wasted


@pytest.mark.parametrize(
    ("content", "wanted", "mentioned"),
    [
        (1_000_000_000, None, 1_000_000),
        (10_000_000, None, 100_000),
        (10_000_000, 5, 5),
        (10_000_000, 0, 1),
    ],
)
def test_a_small_saving_is_not_mentioned(content: int, wanted: int | None, mentioned: int) -> None:
    for size, number in ((mentioned, 1), (mentioned - 1, 0)):
        analysis = make_analysis(
            [("RUN a", content - 1), ("RUN b", 1)], [wasted("/a", size, 0, 1)] if size else []
        )
        analysis = replace(analysis, advising=AdviceOptions(min_saving=wanted))
        assert len(advise(analysis)) == number


def test_a_rule_can_be_switched_off() -> None:
    analysis = make_analysis(
        [("RUN pip install x", 1000), ("RUN rm -r /root", 1)],
        [wasted("/root/.cache/pip/x", 400, 0, 1), wasted("/a", 300, 0, 1, "overwritten")],
    )
    assert [advice.rule for advice in advise(analysis)] == ["cache-mount", "write-once"]
    off = AdviceOptions(off=frozenset({"cache-mount", "write-once"}))
    found = advise(replace(analysis, advising=off))
    assert [(each.rule, each.bytes) for each in found] == [("merge-removal", 400)]


def test_ids_of_rules_are_unique_and_in_kebab_case() -> None:
    ids = [rule.id for rule in RULES]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[a-z]+(-[a-z]+)*", each) for each in ids)


def test_no_waste_needs_no_advice() -> None:
    assert advise(make_analysis([("COPY . /", 100)])) == ()


@pytest.mark.parametrize(
    ("waster", "changed", "option", "dropped"),
    [
        ("RUN chown -R app /app", ("uid",), "--chown=app", True),
        ("RUN chown -R app:staff /app", ("gid", "uid"), "--chown=app:staff", True),
        ("RUN chown -R :staff /app", ("gid",), "--chown=0:staff", True),
        ("RUN chown -R app: /app", ("uid",), "--chown=app", True),
        ("RUN chown -R app.staff /app", ("gid", "uid"), "--chown", True),
        ("RUN set -ex; chown -R app /app", ("uid",), "--chown=app", True),
        ("RUN chmod -R a+rX /app", ("mode",), "--chmod=a+rX", True),
        ("RUN chown -R app /app", ("mode", "uid"), "--chown=app --chmod", True),
        ("RUN chown -R app /app && rm -rf /tmp", ("uid",), "--chown", False),
        ("RUN chown $USER /app", ("uid",), "--chown", False),
        ("RUN ./install.sh", ("uid",), "--chown", False),
    ],
)
def test_a_copy_can_set_what_a_later_chown_changes(
    waster: str, changed: tuple[ChangedField, ...], option: str, dropped: bool
) -> None:
    message = advice_on(
        "COPY . /app", waster, "metadata_only", changed=changed, located=True
    ).message
    assert message.startswith(f"Line 1: use COPY {option} and ")
    assert ("and drop RUN ch" in message) is dropped
    assert message.endswith(", line 2. Saves 400 B.")


def test_a_later_chown_of_a_runs_files_belongs_in_that_run() -> None:
    advice = advice_on(
        "RUN make install", "RUN chown -R app /app", "metadata_only", changed=("uid",), located=True
    )
    assert advice.message == (
        "Line 1: set the owner in the same RUN and drop RUN chown, line 2. Saves 400 B."
    )


def test_changed_times_should_be_left_alone() -> None:
    advice = advice_on(
        "COPY . /app", "RUN touch /app/x", "metadata_only", changed=("mtime",), located=True
    )
    assert advice.message == (
        "Line 2: don't change the time of /app/x, written by COPY, line 1. Saves 400 B."
    )


def test_instructions_without_lines_are_named_by_number() -> None:
    advice = advice_on(
        "COPY . /app",
        "RUN chown -R www-data:www-data /app /srv /var/lib",
        "metadata_only",
        changed=("uid",),
    )
    assert advice.message == (
        "Instruction 0: use COPY --chown=www-data:www-data and drop "
        "instruction 1 (RUN chown -R www-data:www-data /app /sr…). Saves 400 B."
    )


def test_advice_is_one_line_for_hostile_text() -> None:
    hostile = "RUN " + "x\n" * 5_000
    message = advice_on(hostile, hostile, "deleted", path="/app/" + "y" * 5_000).message
    assert "\n" not in message
    assert len(message) < 200


def on_base(
    writer: str, waster: str, kind: WasteKind, changed: tuple[ChangedField, ...] = ()
) -> str:
    analysis = with_facts(
        make_analysis(
            [(writer, 1000), (waster, 500)],
            [wasted("/app/x", 400, 0, 1, kind, changed)],
            located=True,
        ),
        base=Base(layers=1, name=None, evidence="history"),
    )
    (advice,) = advise(analysis)
    return advice.message


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        ("deleted", "use a base image without /app/x"),
        ("overwritten", "use a newer base image"),
        ("metadata_only", "don't change the owner of /app/x, written by instruction 0 (COPY . /)"),
    ],
)
def test_advice_never_edits_the_base_image(kind: WasteKind, remedy: str) -> None:
    message = on_base("COPY . /", "RUN chown app /app/x", kind, ("uid",))
    assert message.startswith(f"Line 2: {remedy}")


def test_advice_does_not_name_the_from_line_that_several_instructions_share() -> None:
    analysis = make_analysis(
        [("COPY . /app", 1000), ("RUN rm -rf /app", 500)], [wasted("/app/x", 400, 0, 1)]
    )
    shared = tuple(
        replace(each, instruction=replace(each.instruction, location=Location("Dockerfile", 1, 1)))
        for each in analysis.instructions
    )
    (advice,) = advise(with_facts(analysis, instructions=shared))
    assert advice.message.startswith("Instruction 0: ")
    assert "in instruction 1." in advice.message


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/root/.cache/pip/a", "/root/.cache/pip"),
        ("var/lib/apt/lists/a", "/var/lib/apt"),
        ("/opt/a", None),
    ],
)
def test_a_deleted_package_cache_should_be_mounted(path: str, target: str | None) -> None:
    message = advice_on(
        "RUN pip install x", "RUN rm -rf /root/.cache", "deleted", path=path, located=True
    ).message
    if target is None:
        assert message == "Line 1: delete /opt/a in the same RUN, not in line 2. Saves 400 B."
    else:
        assert message == (
            f"Line 1: use RUN --mount=type=cache,target={target} "
            "instead of deleting the cache in line 2. Saves 400 B."
        )


@pytest.mark.parametrize(
    ("writer", "waster", "remedy"),
    [
        (
            "COPY . /app",
            "RUN rm -rf /app/x",
            "keep /app/x out of COPY with .dockerignore instead of deleting it in line 2",
        ),
        (
            "COPY a.deb /app",
            "RUN dpkg -i /app/x && rm /app/x",
            "mount /app/x with RUN --mount=type=bind where you need it instead of copying it and deleting it in line 2",
        ),
        (
            "COPY --from=build /app /app",
            "RUN rm -rf /app/x",
            "delete /app/x in build before COPY takes it, not in line 2",
        ),
        (
            "ADD app.tar /app",
            "RUN rm -rf /app/x",
            "keep /app/x out of ADD's source instead of deleting it in line 2",
        ),
    ],
)
def test_deleted_files_should_not_be_copied(writer: str, waster: str, remedy: str) -> None:
    message = advice_on(writer, waster, "deleted", located=True).message
    assert message == f"Line 1: {remedy}. Saves 400 B."


def test_deleted_files_of_an_unnamed_base_need_another_base() -> None:
    message = advice_on("layer 0 (no history)", "RUN rm -r /app", "deleted").message
    assert message.startswith("Instruction 1: use a base image without /app/x")


def test_files_are_named_by_their_common_directory() -> None:
    waste = [wasted(f"/srv/app/{n}", 10, 0, 1) for n in range(3)]
    (advice,) = advise(make_analysis([("RUN a", 100), ("RUN b", 1)], waste))
    assert "delete 3 files in /srv/app in the same RUN" in advice.message
    waste = [wasted("/srv/a", 10, 0, 1), wasted("/opt/b", 10, 0, 1)]
    (advice,) = advise(make_analysis([("RUN a", 100), ("RUN b", 1)], waste))
    assert "delete 2 files in the same RUN" in advice.message


def test_files_written_twice_should_be_written_once() -> None:
    def message(writer: str, waster: str, kind: WasteKind) -> str:
        return advice_on(writer, waster, kind, located=True).message

    assert message("RUN a", "RUN b", "overwritten") == (
        "Line 1: merge RUN b, line 2, into this RUN, because it replaces /app/x. Saves 400 B."
    )
    assert message("COPY a /", "COPY b /", "overwritten") == (
        "Line 1: leave out /app/x, which COPY, line 2, replaces. Saves 400 B."
    )
    assert message("COPY a /", "COPY c /", "identical_rewrite") == (
        "Line 2: leave out /app/x, which COPY, line 1, already stores. Saves 400 B."
    )
    assert "because it stores /app/x twice" in message("RUN a", "RUN b", "duplicate_entry")


def test_the_pieces_of_advice_are_limited() -> None:
    steps = [(f"COPY {n} /", 1000) for n in range(MOST + 20)]
    waste = [wasted(f"/{n}", 100 + n, n, n + 1) for n in range(MOST + 19)]
    analysis = replace(make_analysis(steps, waste), advising=AdviceOptions(min_saving=0))
    assert len(advise(analysis)) == MOST


@pytest.mark.parametrize(
    ("owner", "maker", "moved"),
    [
        ("app", "RUN useradd -m app", True),
        ("app:app", "RUN groupadd app && useradd -g app app", True),
        ("1000:1000", "RUN useradd -m app", False),
        ("www-data", "RUN useradd -m app", False),
        ("app", "RUN echo app", False),
    ],
)
def test_a_copy_cannot_name_a_user_that_is_created_later(
    owner: str, maker: str, moved: bool
) -> None:
    analysis = make_analysis(
        [("COPY . /app", 1000), (maker, 1), (f"RUN chown -R {owner} /app", 500)],
        [wasted("/app/x", 400, 0, 2, "metadata_only", ("uid",))],
    )
    (advice,) = advise(analysis)
    assert ("below instruction 1 (RUN" in advice.message) is moved
    assert ("numeric id" in advice.message) is moved
    assert f"use COPY --chown={owner} and drop" in advice.message


def test_nobody_is_told_to_change_the_base_image() -> None:
    """Only the base image's own Dockerfile can."""
    steps = [("ADD a /", 1_000_000), ("RUN b", 900_000), ("RUN c", 1_000_000)]
    waste = [
        wasted("/a", 700_000, 0, 1, "overwritten"),
        wasted("/b", 200_000, 1, 2),
        wasted("/c", 100_000, 0, 2, "overwritten"),
    ]
    analysis = make_analysis(steps, waste)
    assert {advice.instruction for advice in advise(analysis)} == {0, 1}
    known = based(analysis, layers=2, name="corp:1")
    assert [(advice.rule, advice.instruction) for advice in advise(known)] == [
        ("base-waste", 2),
        ("base-waste", 2),
    ]
    off = replace(known, advising=AdviceOptions(off=frozenset(["base-waste"])))
    assert advise(off) == ()


@pytest.mark.parametrize(
    ("path", "rules"),
    [
        ("/var/lib/dpkg/status", []),
        ("/var/log/dpkg.log", []),
        ("/lib/apk/db/installed", []),
        ("/etc/ld.so.cache", []),
        ("/usr/lib/libssl.so", ["base-waste"]),
    ],
)
def test_no_base_image_helps_with_what_every_installation_replaces(
    path: str, rules: list[str]
) -> None:
    steps = [("ADD a /", 1_000_000), ("RUN apt-get install b", 900_000)]
    analysis = make_analysis(steps, [wasted(path, 500_000, 0, 1, "overwritten")])
    assert [advice.rule for advice in advise(based(analysis, layers=1, name="corp"))] == rules
