"""The browser's screens and what they do."""
