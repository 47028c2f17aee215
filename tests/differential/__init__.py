"""The scanner against other readers of tar, and the tree against what unpacks layers: `python -m tests.differential`."""
