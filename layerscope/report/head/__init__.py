"""Reports of images whose layers were not read, for people."""
