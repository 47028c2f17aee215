"""Saved reports, read back strictly."""
