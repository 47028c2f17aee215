"""The filesystem that the layers build: one tree in which every path keeps its whole history."""
