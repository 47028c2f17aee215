"""The report document: built from an analysis, typed in one place, written as JSON."""
