"""Indexes of layers that were read before, kept in a folder of the user's and shared by all runs."""
