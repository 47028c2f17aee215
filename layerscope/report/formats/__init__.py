"""One renderer a file, and the list of them."""
