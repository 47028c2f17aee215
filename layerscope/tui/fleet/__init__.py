"""The browser of a fleet: a table of images, each of which opens in the browser of one image."""
