"""Short names for instructions in sentences."""

from __future__ import annotations

import pytest

from layerscope.analysis.mentions import short_command


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("RUN set -eux; apt-get update", "RUN apt-get update"),
        ("RUN set -ex && make", "RUN make"),
        ("RUN set -o pipefail; curl x | tar x", "RUN curl x | tar x"),
        ("RUN set -euo pipefail\nmake", "RUN make"),
        ("RUN set -e; set -x; make", "RUN make"),
        ("RUN --mount=type=cache,target=/root/.cache pip install x", "RUN pip install x"),
        ("RUN set -- a b && make", "RUN set -- a b && make"),
        ("RUN settle -e; make", "RUN settle -e; make"),
        ("RUN set -eux", "RUN set -eux"),
        ("RUN set -eux;", "RUN set -eux;"),
        ("COPY set -e; /app", "COPY set -e; /app"),
        ("", ""),
    ],
)
def test_a_short_form_leaves_out_shell_options_and_build_flags(text: str, short: str) -> None:
    assert short_command(text) == short


def test_a_hostile_text_is_shortened_in_linear_time() -> None:
    text = "RUN " + "set -o a" * 50_000 + " --mount=" * 50_000
    assert short_command(text) == text
