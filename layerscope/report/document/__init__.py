"""The report document: built from an analysis, typed once, written as JSON."""
