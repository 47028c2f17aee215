"""The lists of the screen of one image."""
