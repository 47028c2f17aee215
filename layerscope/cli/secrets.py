"""`layerscope secrets IMAGE`: what should never be in a layer."""

from __future__ import annotations

from dataclasses import replace

import click

from layerscope.cli.confine import confine
from layerscope.cli.examine import Choice, opened
from layerscope.cli.exits import Exit
from layerscope.cli.options import content_options, gathered, image_argument
from layerscope.cli.outputs import check_apart, write_outputs
from layerscope.cli.writing import Writing, force_option, json_option, outputs_option
from layerscope.report.formats.secrets import SECRET_RENDERERS


@click.command("secrets", short_help="List the secrets in an image; exit 1 when there is one.")
@image_argument
@json_option
@click.option(
    "--format",
    "format_name",
    type=click.Choice(list(SECRET_RENDERERS)),
    help="Format of standard output, or of -o PATH.",
)
@outputs_option
@force_option
@click.option("--no-fail", is_flag=True, help="Exit with 0 even if a secret is found.")
@content_options
@gathered("writing", ("as_json", "format_name", "outputs", "force"), Writing)
def command(choice: Choice, writing: Writing, no_fail: bool) -> int:
    """List the private keys, tokens, and passwords in the layers of IMAGE, its environment, its labels, and its history.

    Those in deleted files come first: nobody sees them, but they ship. The secrets themselves are never shown. Exits with
    1 if one is found, or if something was not searched; findings in doubt, such as the keys of test suites, don't count.

    \b
    layerscope secrets app.tar
    layerscope secrets docker:app --json
    layerscope secrets registry:app -o sarif=secrets.sarif -o markdown=summary.md
    """
    from layerscope.report.document.builder import build
    from layerscope.report.document.head import is_head
    from layerscope.secrets.search import require

    outputs = writing.targets(formats=SECRET_RENDERERS)
    check_apart(outputs, (choice.reference, choice.options.dockerfile))
    require()
    confine(
        (choice.reference,),
        files=(choice.options.dockerfile,),
        outputs=outputs,
        pull=choice.options.pull,
        cache=choice.options.cache,
    )
    options = replace(
        choice.options,
        secrets="all",
        packages=False,
        dead_weight=False,
        duplicates=False,
    )
    with opened(replace(choice, options=options)) as (analysis, _):
        document = build(analysis)
    assert not is_head(document)
    write_outputs(outputs, document, rows=None, force=writing.force, formats=SECRET_RENDERERS)
    summary = document["secrets"]
    found = summary["found"] or summary["not_searched"]
    return Exit.BUDGET if found and not no_fail else Exit.OK
