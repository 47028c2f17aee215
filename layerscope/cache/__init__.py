"""Indexes of layers that were read before, kept in a folder of the user and shared by all runs."""
