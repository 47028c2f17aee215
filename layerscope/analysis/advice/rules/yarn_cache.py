"""Archives that yarn keeps."""

from __future__ import annotations

from layerscope.analysis.advice.caches import cache_rule, clean_up

RULE = cache_rule("yarn-cache", "yarn", ("yarn",), clean_up("yarn", "yarn cache clean"))
