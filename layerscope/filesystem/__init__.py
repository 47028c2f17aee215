"""The filesystem that the layers build: one tree in which every name knows its whole past."""
