"""Comparisons as documents, and their renderers."""
