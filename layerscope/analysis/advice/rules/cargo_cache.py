"""Crates and objects that cargo keeps."""

from __future__ import annotations

from layerscope.analysis.advice.caches import cache_rule, mount

RULE = cache_rule("cargo-cache", "cargo", ("cargo",), mount("cargo"))
