"""The report of an image for all platforms of its index."""
