"""Artifacts that Maven keeps in its local repository."""

from __future__ import annotations

from layerscope.analysis.advice.caches import cache_rule, mount

RULE = cache_rule("maven-cache", "maven", ("maven",), mount("maven"))
