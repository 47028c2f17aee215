"""The first step of action.yml: checks the inputs and names the caches.

Outputs: `key` of the image, `kept` and `baseline` (the folder and the file that keep the default branch's report), `cache` (the
start of its cache key), `keep` (whether this run's report becomes the baseline), `packages` and `program` (where `install` puts
them), and `lock` (the digest of the pinned packages). Paths come from RUNNER_TEMP: in a job with a container, the expression
`runner.temp` names a folder of the host.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import inputs

TRUSTED = ("push", "schedule", "workflow_dispatch")
"""Events that build what is on the default branch. Others can name the branch and still build a stranger's code."""
LOCK = Path(__file__).with_name("requirements.txt")


def default_branch() -> str:
    """The name of the default branch. A scheduled run has none in its event, and always runs there."""
    if os.environ.get("GITHUB_EVENT_NAME") == "schedule":
        return os.environ.get("GITHUB_REF", "").removeprefix("refs/heads/")
    return os.environ.get("DEFAULT_BRANCH", "")


def main() -> int:
    if os.environ.get("RUNNER_OS") == "Windows":
        raise inputs.InputError(
            "layerscope needs a runner with Linux or macOS; set runs-on: ubuntu-latest"
        )
    for name in ("gate", "summary", "annotations", "comment", "require-baseline"):
        inputs.switch(name, default=False)
    keeps = inputs.switch("keep-baseline", default=True)
    inputs.split_options(inputs.variable("options"))
    key = inputs.image_key()
    kept = os.path.join(inputs.temporary(), "layerscope-baseline", key)
    branch = default_branch()
    on_default = (
        bool(branch)
        and os.environ.get("GITHUB_REF") == f"refs/heads/{branch}"
        and os.environ.get("GITHUB_EVENT_NAME") in TRUSTED
    )
    inputs.set_outputs(
        key=key,
        kept=kept,
        baseline=os.path.join(kept, "report.json"),
        packages=os.path.join(inputs.temporary(), "layerscope-pip"),
        program=os.path.join(inputs.temporary(), "layerscope-venv", "bin", "layerscope"),
        cache=f"layerscope-baseline-1-{key}-{inputs.slug(branch)}-" if keeps and branch else "",
        keep="true" if keeps and on_default else "false",
        lock=hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16],
    )
    return 0


if __name__ == "__main__":
    sys.exit(inputs.run(main))
