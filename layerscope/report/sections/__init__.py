"""What the formats say about one subject of the report, one subject per file: its sentence, text, Markdown, and CSV rows."""
