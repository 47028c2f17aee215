"""The report document of an analysis, its JSON Schema, and one renderer a format."""
