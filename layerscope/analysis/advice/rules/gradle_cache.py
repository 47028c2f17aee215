"""Artifacts and distributions that Gradle keeps."""

from __future__ import annotations

from layerscope.analysis.advice.caches import cache_rule, mount

RULE = cache_rule("gradle-cache", "gradle", ("gradle",), mount("gradle"))
