"""The cache of layer indexes."""
