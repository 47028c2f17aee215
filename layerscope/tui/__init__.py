"""The terminal browser for images: screens over the objects of an analysis."""
