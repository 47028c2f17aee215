"""Many images at once: read on a cluster, kept as tables, and asked by SQL. Needs the extra `fleet`."""
