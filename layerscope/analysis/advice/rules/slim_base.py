"""A base image that has a smaller variant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.rule import Rule
from layerscope.analysis.model import Facts
from layerscope.patterns import pattern
from layerscope.units import format_size

_VARIANTS: Final = {
    **dict.fromkeys(("debian", "node", "perl", "python", "ruby", "rust"), "slim"),
    **dict.fromkeys(
        ("caddy", "golang", "haproxy", "httpd", "memcached", "nginx", "php", "postgres", "redis"),
        "alpine",
    ),
}
_NAME: Final = pattern(
    r"(?:docker\.io/)?(?:library/)?([a-z]+)(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,100}))?(?:@\S+)?"
)
_SMALL: Final = pattern(r"slim|alpine|distroless|scratch|minimal|busybox")


def smaller_variant(facts: Facts) -> tuple[str, str] | None:
    """The base image, and its smaller variant; None if there is no base or no variant is known."""
    base = facts.base
    match = None if base is None or base.name is None else _NAME.fullmatch(base.name)
    if match is None or match[1] not in _VARIANTS or _SMALL.search(match[2] or ""):
        return None
    name, tag, variant = match[1], match[2] or "latest", _VARIANTS[match[1]]
    smaller = variant if tag == "latest" else f"{tag}-{variant}"
    if smaller == "slim" and name == "debian":
        smaller = "stable-slim"
    return f"{name}:{tag}", f"{name}:{smaller}"


def _find(case: Case) -> Iterator[Advice]:
    found = smaller_variant(case.analysis.facts)
    if found is None:
        return
    name, smaller = found
    saving = _saving(case, smaller)
    if saving is not None and saving < case.least:
        return
    text = f"FROM {name}: try FROM {smaller}"
    ending = f", and see what it lacks and saves with layerscope compare {name} {smaller}." + (
        "" if saving is None else f" Saves {format_size(saving)}."
    )
    yield Advice(rule=RULE.id, message=text + ending, bytes=saving)


def _saving(case: Case, smaller: str) -> int | None:
    """What the smaller image saves, at most what the base image stores that no other advice removes."""
    content = dict(case.analysis.advising.measured).get(smaller)
    if content is None:
        return None
    layers = case.analysis.layers[: case.base_layers]
    stored = sum(layer.sizes.content for layer in layers)
    return max(0, min(stored - content, stored - case.claimed_of_base))


RULE = Rule("slim-base", "A base image with a smaller variant", _find)
