"""Modules and objects that Go keeps."""

from __future__ import annotations

from layerscope.analysis.advice.caches import cache_rule, mount

RULE = cache_rule("go-cache", "go", ("go",), mount("go"))
