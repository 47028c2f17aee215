"""The browser of an image in a terminal: screens over the objects of an analysis."""
