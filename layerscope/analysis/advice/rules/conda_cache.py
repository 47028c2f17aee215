"""Packages that conda keeps after it links them."""

from __future__ import annotations

from layerscope.analysis.advice.caches import cache_rule, clean_up

RULE = cache_rule("conda-cache", "conda", ("conda",), clean_up("conda", "conda clean -afy"))
