"""One file per renderer, and the list of renderers."""
