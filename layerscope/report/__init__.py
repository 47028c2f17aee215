"""The report document of an analysis, its JSON Schema, and a renderer for each format."""
