"""Archives that npm keeps."""

from __future__ import annotations

from layerscope.analysis.advice.caches import cache_rule, clean_up

RULE = cache_rule("npm-cache", "npm", ("npm",), clean_up("npm", "npm cache clean --force"))
