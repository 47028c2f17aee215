"""The lists on the screen of one image."""
