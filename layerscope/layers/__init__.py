"""One layer: compression, digests, and the strict tar index."""
