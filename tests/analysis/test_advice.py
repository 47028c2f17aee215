from __future__ import annotations

import pytest

from layerscope.analysis.advice import MOST, Advice, advise
from layerscope.analysis.model import WasteKind
from tests.report.sample import make_analysis, python_app, wasted


def advice_on(
    writer: str,
    waster: str,
    kind: WasteKind,
    *,
    changed: tuple[str, ...] = (),
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


def test_the_biggest_saving_comes_first() -> None:
    sizes = [advice.bytes for advice in advise(python_app())]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 31_000_000
    assert sum(sizes) == python_app().sizes.wasted


def test_no_waste_needs_no_advice() -> None:
    assert advise(make_analysis([("COPY . /", 100)])) == ()


@pytest.mark.parametrize(
    ("waster", "changed", "option"),
    [
        ("RUN chown -R app /app", ("uid",), "--chown=app "),
        ("RUN chown -R app:staff /app", ("gid", "uid"), "--chown=app:staff "),
        ("RUN chmod -R a+rX /app", ("mode",), "--chmod=a+rX "),
        ("RUN chown -R app /app", ("mode", "uid"), "--chown=app --chmod=… "),
        ("RUN chown -R app /app && rm -rf /tmp", ("uid",), "--chown=… "),
        ("RUN chown $USER /app", ("uid",), "--chown=… "),
        ("RUN ./install.sh", ("uid",), "--chown=… "),
    ],
)
def test_a_later_chown_belongs_into_the_copy(
    waster: str, changed: tuple[str, ...], option: str
) -> None:
    advice = advice_on("COPY . /app", waster, "metadata_only", changed=changed)
    assert f"the option {option}" in advice.message


def test_a_later_chown_of_what_a_run_wrote_belongs_into_that_run() -> None:
    advice = advice_on(
        "RUN make install", "RUN chown -R app /app", "metadata_only", changed=("uid",)
    )
    assert advice.message.startswith("change the owner within instruction 0, RUN make install")


def test_times_alone_are_better_left() -> None:
    advice = advice_on("COPY . /app", "RUN touch /app/x", "metadata_only", changed=("mtime",))
    assert "leave 1 file of instruction 0" in advice.message
    assert "the time" in advice.message


def test_lines_are_named_where_they_are_known() -> None:
    advice = advice_on(
        "COPY . /app", "RUN chown app /app", "metadata_only", changed=("uid",), located=True
    )
    assert "COPY . /app (line 1)" in advice.message
    assert "RUN chown app /app (line 2)" in advice.message


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/root/.cache/pip/a", "/root/.cache/pip"),
        ("var/lib/apt/lists/a", "/var/lib/apt"),
        ("/opt/a", None),
    ],
)
def test_caches_can_be_mounted(path: str, target: str | None) -> None:
    message = advice_on(
        "RUN pip install x", "RUN rm -rf /root/.cache", "deleted", path=path
    ).message
    assert message.startswith("delete 1 file within instruction 0, RUN pip install x")
    assert (f"--mount=type=cache,target={target}:" in message) is (target is not None)


def test_what_is_deleted_should_not_be_copied() -> None:
    message = advice_on("COPY . /app", "RUN rm -rf /app/tests", "deleted").message
    assert "keep 1 file out of instruction 0, COPY . /app" in message
    assert ".dockerignore" in message


def test_what_no_one_wrote_is_the_base_images() -> None:
    assert advice_on("layer 0 (no history)", "RUN rm -r /app", "deleted").message.startswith(
        "begin from"
    )


def test_overwriting_and_repeating() -> None:
    assert advice_on("RUN a", "RUN b", "overwritten").message.startswith(
        "merge instruction 1, RUN b"
    )
    assert advice_on("COPY a /", "COPY b /", "overwritten").message.startswith("write 1 file once")
    assert "stored the very same" in advice_on("COPY a /", "COPY a /", "identical_rewrite").message
    assert "twice" in advice_on("RUN a", "RUN b", "duplicate_entry").message


def test_advice_has_an_end() -> None:
    steps = [(f"COPY {n} /", 1000) for n in range(40)]
    waste = [wasted(f"/{n}", 100 + n, n, n + 1) for n in range(39)]
    assert len(advise(make_analysis(steps, waste))) == MOST


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
def test_a_copy_cannot_name_a_user_that_is_made_after_it(
    owner: str, maker: str, moved: bool
) -> None:
    analysis = make_analysis(
        [("COPY . /app", 1000), (maker, 1), (f"RUN chown -R {owner} /app", 500)],
        [wasted("/app/x", 400, 0, 2, "metadata_only", ("uid",))],
    )
    (advice,) = advise(analysis)
    assert advice.message.startswith("move instruction 1") is moved
    assert ("numeric id" in advice.message) is moved
    assert f"--chown={owner}" in advice.message
