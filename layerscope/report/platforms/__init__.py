"""The report of an image for all platforms in its index."""
