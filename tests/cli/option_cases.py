"""For every option of every command, a run in which it makes a difference, or is refused by name.

A case is a pair: the arguments of a run, and the option with its value. Names of files are those that
`tests.cli.option_world` writes.
"""

from __future__ import annotations

from typing import Final, NamedTuple

Words = tuple[str, ...]


class Case(NamedTuple):
    """The arguments of a run without the option, the option, and what an error about it says besides its name."""

    base: Words
    option: Words
    says: str = ""


FLEET_IMAGE, FLEET_BASE = "FLEET-APP", "FLEET-BASE"
"""Stand for the references of two images in the folder `fleet`."""
READING: Final[dict[str, tuple[str, Words]]] = {
    "--platform": ("oci.tar", ("--platform", "linux/riscv64")),
    "--tag": ("oci.tar", ("--tag", "no:such")),
    "--limit": ("oci.tar", ("--limit", "layers=1")),
    "--pull": ("docker:missing:1", ("--pull",)),
    "--insecure": ("REGISTRY", ("--insecure",)),
    "--token-server": ("SECURED", ("--token-server", "REALM")),
    "--via": ("docker:app:1", ("--via", "store")),
    "--no-cache": ("oci.tar", ("--no-cache",)),
    "--lazy": ("lazy.tar", ("--lazy",)),
    "--quiet": ("CACHELESS", ("-q",)),
}
"""How any image is read: the image with which each option makes a difference."""
REPORTING: Final[dict[str, Case]] = {
    "--json": Case(("app.tar",), ("--json",)),
    "--format": Case(("app.tar",), ("--format", "csv")),
    "--output": Case(("app.tar",), ("-o", "out.md")),
    "--force": Case(("app.tar", "-o", "link.json"), ("--force",)),
    "--top": Case(("app.tar", "--json"), ("--top", "0")),
    "--files": Case(("app.tar", "--json"), ("--files",)),
    "--show-args": Case(("app.tar", "--json"), ("--show-args",)),
    "--verify": Case(("flipped.tar",), ("--verify",)),
    "--no-verify": Case(("flipped-gzip.tar",), ("--no-verify",)),
    "--head": Case(("oci.tar", "--json"), ("--head",)),
    "--packages": Case(("app.tar", "--json", "--no-packages"), ("--packages",)),
    "--no-packages": Case(("app.tar", "--json"), ("--no-packages",)),
    "--dead-weight": Case(("app.tar", "--json", "--no-dead-weight"), ("--dead-weight",)),
    "--no-dead-weight": Case(("app.tar", "--json"), ("--no-dead-weight",)),
    "--no-advice": Case(("app.tar", "--json"), ("--no-advice", "write-once")),
    "--min-saving": Case(("app.tar", "--json"), ("--min-saving", "1GB")),
    "--duplicates": Case(("app.tar", "--json", "--no-duplicates"), ("--duplicates",)),
    "--no-duplicates": Case(("app.tar", "--json"), ("--no-duplicates",)),
    "--min-duplicate": Case(("app.tar", "--json"), ("--min-duplicate", "1000")),
    "--secrets": Case(("app.tar", "--json"), ("--secrets",)),
    "--no-secrets": Case(("app.tar", "--json"), ("--no-secrets",)),
    "--dockerfile": Case(("app.tar", "--json"), ("--dockerfile", "Dockerfile")),
}
"""What to write."""
RULES: Final[dict[str, Case]] = {
    "--config": Case(("app.tar",), ("--config", "tight.toml")),
    "--max-size": Case(("app.tar",), ("--max-size", "1")),
    "--max-own-size": Case(("app.tar", "--base", "base.tar"), ("--max-own-size", "1")),
    "--max-compressed-size": Case(("oci.tar",), ("--max-compressed-size", "1")),
    "--max-compressed-growth": Case(
        ("oci.tar", "--baseline", "base-oci.tar"), ("--max-compressed-growth", "1")
    ),
    "--max-compressed-drift": Case(
        ("oci.tar",), ("--max-compressed-drift", "1", "--anchor", "base-oci.tar")
    ),
    "--max-tar-size": Case(("app.tar",), ("--max-tar-size", "1")),
    "--max-wasted": Case(("app.tar",), ("--max-wasted", "1")),
    "--max-wasted-percent": Case(("app.tar",), ("--max-wasted-percent", "1")),
    "--min-efficiency": Case(("app.tar",), ("--min-efficiency", "0.99")),
    "--max-own-wasted": Case(("app.tar", "--base", "base.tar"), ("--max-own-wasted", "1")),
    "--max-dead-weight": Case(("app.tar",), ("--max-dead-weight", "1")),
    "--max-duplicates": Case(("app.tar",), ("--max-duplicates", "1")),
    "--max-layers": Case(("app.tar",), ("--max-layers", "1")),
    "--max-layer-size": Case(("app.tar",), ("--max-layer-size", "1")),
    "--max-growth": Case(("app.tar", "--baseline", "base.tar"), ("--max-growth", "1")),
    "--max-drift": Case(("app.tar",), ("--max-drift", "1", "--anchor", "base.tar")),
    "--forbid-secrets": Case(("app.tar",), ("--forbid-secrets",)),
    "--min-change": Case(
        ("app.tar", "--max-growth", "1", "--baseline", "base.tar"), ("--min-change", "1GB")
    ),
    "--baseline": Case(
        ("app.tar", "--max-growth", "1", "--allow-missing-baseline"), ("--baseline", "base.tar")
    ),
    "--anchor": Case(
        ("app.tar", "--max-drift", "1", "--allow-missing-baseline"), ("--anchor", "base.tar")
    ),
    "--allow-missing-baseline": Case(
        ("app.tar", "--max-growth", "1", "--baseline", "none.json"), ("--allow-missing-baseline",)
    ),
    "--require-baseline": Case(
        ("app.tar", "--max-growth", "1", "--allow-missing-baseline"),
        ("--require-baseline",),
        says="has no baseline",
    ),
    "--default-baseline": Case(
        ("app.tar", "--max-growth", "1", "--allow-missing-baseline"),
        ("--default-baseline", "base.tar"),
    ),
    "--base": Case(("app.tar", "--max-own-size", "1MB"), ("--base", "base.tar")),
    "--ci-config": Case(("app.tar",), ("--ci-config", "dive.yaml")),
    "--lowestEfficiency": Case(("app.tar",), ("--lowestEfficiency", "0.99")),
    "--highestWastedBytes": Case(("app.tar",), ("--highestWastedBytes", "1")),
    "--highestUserWastedPercent": Case(("app.tar",), ("--highestUserWastedPercent", "0.01")),
    "--dive-compatible": Case(("app.tar", "--json"), ("--dive-compatible",)),
}
"""What to judge by."""
OWN: Final[dict[str, dict[str, Case]]] = {
    "": {"--version": Case((), ("--version",))},
    "report": {"--all-platforms": Case(("oci.tar",), ("--all-platforms",))},
    "check": {
        "--init": Case(("app.tar",), ("--init",)),
        "--update": Case(("app.tar", "--config", "tight.toml"), ("--update", "max_size")),
        "--headroom": Case(("app.tar", "--init"), ("--headroom", "50")),
        "--today": Case(("app.tar", "--config", "until.toml"), ("--today", "2031-01-01")),
    },
    "compare": {
        "--path": Case(("base.tar", "app.tar"), ("--path", "/etc/**")),
        "--depth": Case(("base.tar", "app.tar"), ("--depth", "0")),
        "--top": Case(("base.tar", "app.tar", "--json"), ("--top", "0")),
        "--tui": Case(("base.tar", "app.tar"), ("--tui",)),
        "--exit-code": Case(("base.tar", "app.tar"), ("--exit-code",)),
        "--json": Case(("base.tar", "app.tar"), ("--json",)),
        "--format": Case(("base.tar", "app.tar"), ("--format", "csv")),
        "--output": Case(("base.tar", "app.tar"), ("-o", "out.md")),
        "--force": Case(("base.tar", "app.tar", "-o", "link.json"), ("--force",)),
        "--show-args": Case(("base.tar", "app.tar", "--json"), ("--show-args",)),
        "--verify": Case(("base.tar", "flipped.tar"), ("--verify",)),
        "--no-verify": Case(("base.tar", "flipped-gzip.tar"), ("--no-verify",)),
        "--head": Case(("base.tar", "oci.tar", "--json"), ("--head",)),
        "--packages": Case(("base.tar", "app.tar", "--json", "--no-packages"), ("--packages",)),
        "--dead-weight": Case(
            ("base.tar", "app.tar", "--json", "--no-dead-weight"), ("--dead-weight",)
        ),
        "--no-dead-weight": Case(("base.tar", "app.tar", "--json"), ("--no-dead-weight",)),
        "--no-packages": Case(("base.tar", "app.tar", "--json"), ("--no-packages",)),
        "--duplicates": Case(
            ("base.tar", "app.tar", "--json", "--no-duplicates"), ("--duplicates",)
        ),
        "--no-duplicates": Case(("base.tar", "app.tar", "--json"), ("--no-duplicates",)),
        "--min-duplicate": Case(("base.tar", "app.tar", "--json"), ("--min-duplicate", "1000")),
        "--secrets": Case(("base.tar", "leak.tar", "--json"), ("--secrets",)),
        "--no-secrets": Case(("base.tar", "app.tar", "--json"), ("--no-secrets",)),
    },
    "files": {
        "--live": Case(("app.tar",), ("--live",)),
        "--deleted": Case(("app.tar",), ("--deleted",)),
        "--layer": Case(("app.tar",), ("--layer", "0")),
        "--sort": Case(("app.tar",), ("--sort", "size")),
        "--json": Case(("app.tar",), ("--json",)),
        "--dockerfile": Case(("app.tar", "--json"), ("--dockerfile", "Dockerfile")),
    },
    "packages": {
        "--top": Case(("app.tar",), ("--top", "1")),
        "--json": Case(("app.tar",), ("--json",)),
        "--dockerfile": Case(("app.tar",), ("--dockerfile", "Dockerfile")),
    },
    "advise": {
        "--diff": Case(("app.tar", "--dockerfile", "Dockerfile"), ("--diff",)),
        "--json": Case(("app.tar",), ("--json",)),
        "--no-advice": Case(("app.tar",), ("--no-advice", "write-once")),
        "--min-saving": Case(("app.tar",), ("--min-saving", "1GB")),
        "--dockerfile": Case(("app.tar",), ("--dockerfile", "Dockerfile")),
    },
    "secrets": {
        "--json": Case(("app.tar",), ("--json",)),
        "--format": Case(("app.tar",), ("--format", "csv")),
        "--output": Case(("app.tar",), ("-o", "out.sarif")),
        "--force": Case(("app.tar", "-o", "link.json"), ("--force",)),
        "--no-fail": Case(("app.tar",), ("--no-fail",)),
        "--dockerfile": Case(("app.tar",), ("--dockerfile", "Dockerfile")),
    },
    "extract": {
        "--output": Case(("app.tar", "/etc/hosts"), ("-o", "out")),
        "--layer": Case(("app.tar", "/app/model", "-o", "out"), ("--layer", "1")),
        "--force": Case(("app.tar", "/etc/hosts", "-o", "taken"), ("--force",)),
    },
    "export": {
        "--output": Case(("docker:app:1",), ("-o", "out.tar")),
        "--force": Case(("docker:app:1", "-o", "app.tar"), ("--force",)),
        "--platform": Case(("docker:app:1", "-o", "out.tar"), ("--platform", "linux/riscv64")),
        "--pull": Case(("docker:missing:1", "-o", "out.tar"), ("--pull",)),
        "--quiet": Case(("docker:app:1", "-o", "out.tar"), ("--quiet",)),
    },
    "serve": {
        "--host": Case(("app.tar",), ("--host", "127.0.0.2")),
        "--port": Case(("app.tar",), ("--port", "8001")),
        "--public-url": Case(("app.tar",), ("--public-url", "https://example.org")),
        "--dockerfile": Case(("app.tar",), ("--dockerfile", "Dockerfile")),
    },
    "cache info": {"--json": Case((), ("--json",))},
    "fleet scan": {
        "--out": Case(("nowhere",), ("--out", "new")),
        "--scheduler": Case(
            ("nowhere", "--out", "new", "--workers", "1"), ("--scheduler", "tcp://127.0.0.1:1")
        ),
        "--workers": Case(
            ("nowhere", "--out", "new", "--scheduler", "tcp://127.0.0.1:1"), ("--workers", "1")
        ),
        "--requests": Case(("nowhere", "--out", "new"), ("--requests", "0")),
        "--newer-than": Case(("layouts", "--out", "new"), ("--newer-than", "1h")),
        "--tag": Case(("nowhere", "--out", "new"), ("--tag", "v*")),
        "--platform": Case(("layouts", "--out", "new"), ("--platform", "linux/riscv64")),
        "--insecure": Case(("CATALOG", "--out", "new"), ("--insecure",)),
        "--token-server": Case(("LISTED", "--out", "new"), ("--token-server", "REALM")),
        "--limit": Case(("layouts", "--out", "new"), ("--limit", "layers=1")),
        "--quiet": Case(("layouts", "--out", "new"), ("-q",)),
    },
    "fleet report": {
        "--json": Case(("fleet",), ("--json",)),
        "--format": Case(("fleet",), ("--format", "markdown")),
        "--output": Case(("fleet",), ("-o", "out.md")),
        "--force": Case(("fleet", "-o", "link.json"), ("--force",)),
        "--top": Case(("fleet", "--json"), ("--top", "1")),
    },
    "fleet pull": {
        "--have": Case(("fleet", FLEET_IMAGE), ("--have", FLEET_IMAGE)),
        "--json": Case(("fleet", FLEET_IMAGE), ("--json",)),
    },
    "fleet rebase": {"--json": Case(("fleet", FLEET_BASE, FLEET_IMAGE), ("--json",))},
    "fleet browse": {
        "--insecure": Case(("fleet",), ("--insecure",)),
        "--token-server": Case(("fleet",), ("--token-server", "REALM")),
        "--limit": Case(("fleet",), ("--limit", "layers=1")),
    },
    "fleet query": {
        "--json": Case(("fleet", "SELECT 1 AS one"), ("--json",)),
        "--csv": Case(("fleet", "SELECT 1 AS one"), ("--csv",)),
    },
    "plugin install": {"--folder": Case((), ("--folder", "plugins"))},
    "plugin uninstall": {"--folder": Case((), ("--folder", "plugins"))},
}
"""The options that only one command has, or that need other arguments there."""
NEEDED: Final[dict[str, tuple[Words, Words]]] = {
    "IMAGE": ((), ()),
    "report": ((), ()),
    "check": ((), ("--max-layers", "99")),
    "compare": (("base.tar",), ()),
    "files": ((), ()),
    "packages": ((), ()),
    "advise": ((), ()),
    "secrets": ((), ()),
    "extract": ((), ("/etc/hosts", "-o", "out")),
    "serve": ((), ()),
}
"""The commands that read an image: what else each needs, before and after the image."""


SANDBOXED: Final[dict[str, Words]] = {
    **{command: (*before, "app.tar", *after) for command, (before, after) in NEEDED.items()},
    "export": ("docker:app:1", "-o", "out.tar"),
    "fleet scan": ("nowhere", "--out", "new"),
    "fleet report": ("fleet",),
    "fleet pull": ("fleet", FLEET_IMAGE),
    "fleet rebase": ("fleet", FLEET_BASE, FLEET_IMAGE),
    "fleet query": ("fleet", "SELECT 1 AS one"),
}
"""The commands that restrict their process, which they refuse here, where it isn't their own."""


def _cases() -> dict[tuple[str, str], Case]:
    found: dict[tuple[str, str], Case] = {}
    for command, (before, after) in NEEDED.items():
        for name, (image, option) in READING.items():
            if name != "--lazy" or command not in ("advise", "secrets"):
                found[command, name] = Case((*before, image, *after), option)
    for command in ("IMAGE", "report", "check"):
        after = NEEDED[command][1]
        for name, case in {**REPORTING, **RULES}.items():
            base = case.base if name == "--max-layers" else (*case.base, *after)
            found[command, name] = case._replace(base=base)
    for command, words in SANDBOXED.items():
        found[command, "--sandbox"] = Case(words, ("--sandbox",))
        found[command, "--no-sandbox"] = Case((*words, "--sandbox"), ("--no-sandbox",))
    for command, cases in OWN.items():
        for name, case in cases.items():
            found[command, name] = case
    return found


CASES: Final = _cases()
