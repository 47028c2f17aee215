"""The questions of a fleet's report: each is SQL, and the columns of its answer."""
