"""`layerscope secrets IMAGE`: what should never be in a layer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TextIO

import click

from layerscope.cli.confine import confine_image
from layerscope.cli.examine import Choice, opened
from layerscope.cli.exits import Exit
from layerscope.cli.options import content_options, image_argument
from layerscope.cli.streams import write_stdout

if TYPE_CHECKING:
    from layerscope.report.document.secret_types import FindingRow, SecretsRow


MOST_DOUBTFUL = 20
"""The most findings in doubt that the text lists."""


@click.command("secrets", short_help="List the secrets in an image; exit 1 when there is one.")
@image_argument
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--no-fail", is_flag=True, help="Exit with 0 even if a secret is found.")
@content_options
def command(choice: Choice, as_json: bool, no_fail: bool) -> int:
    """List the private keys, tokens, and passwords in the layers of IMAGE, its environment, its labels, and its history.

    Those in deleted files come first: nobody sees them, but they ship. The secrets themselves are never shown. Exits with
    1 if one is found, or if something was not searched; findings in doubt, such as the keys of test suites, don't count.

    \b
    layerscope secrets app.tar
    layerscope secrets docker:app --json
    """
    from layerscope.report.document.secret_rows import finding_rows, secrets_row
    from layerscope.secrets.search import require

    require()
    choice = replace(choice, options=replace(choice.options, secrets="all", packages=False))
    confine_image(choice)
    with opened(choice) as (analysis, _):
        secrets = analysis.facts.secrets
        assert secrets is not None
        summary = secrets_row(secrets)
        rows = finding_rows(secrets.findings, analysis.instructions)
    if as_json:
        shown = {"findings": rows, "secrets": summary}
        write_stdout(lambda out: out.write(json.dumps(shown, indent=1, sort_keys=True) + "\n"))
    else:
        write_stdout(lambda out: _write_text(out, summary, rows))
    found = summary["found"] or summary["not_searched"]
    return Exit.BUDGET if found and not no_fail else Exit.OK


def _write_text(out: TextIO, summary: SecretsRow, rows: Sequence[FindingRow]) -> None:
    from layerscope.report.parts.secret_words import gap_sentence
    from layerscope.report.sections.secrets import deleted_first, secrets_sentence

    deleted, live, doubtful = deleted_first(rows)
    for head, part in (
        ("deleted, but still in a layer", deleted),
        ("in the image", live),
        ("in doubt", doubtful),
    ):
        if part:
            out.write(f"{head}:\n")
            shown = part[:MOST_DOUBTFUL] if part is doubtful else part
            _write_rows(out, shown)
            if len(part) > len(shown):
                out.write(f"  and {len(part) - len(shown):,} more in doubt; --json lists them\n\n")
    listed = len(rows)
    total = summary["found"] + summary["doubtful"]
    if total > listed:
        out.write(f"and {total - listed:,} more\n\n")
    out.writelines(f"not searched: {gap_sentence(gap)}\n" for gap in summary["gaps"])
    if summary["not_searched"] > len(summary["gaps"]):
        out.write(f"not searched: {summary['not_searched'] - len(summary['gaps']):,} more\n")
    out.write(f"{secrets_sentence(summary)}\n")


def _write_rows(out: TextIO, rows: Sequence[FindingRow]) -> None:
    from layerscope.report.parts.secret_words import finding_cause, finding_place
    from layerscope.report.words import one_line

    width = max(len(row["rule"]) for row in rows)
    for row in rows:
        cause = finding_cause(row)
        parts = [row["rule"].ljust(width), finding_place(row), cause, row.get("reason", "")]
        out.write(
            "  "
            + "  ".join(one_line(part) if part != parts[0] else part for part in parts if part)
            + "\n"
        )
    out.write("\n")
