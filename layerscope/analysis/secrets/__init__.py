"""Secrets of an image: what its files, its environment, its labels, and its history have."""
