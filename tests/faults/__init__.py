"""Runs of the command line in which something goes wrong at a random moment: `python -m tests.faults`."""
