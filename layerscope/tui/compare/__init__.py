"""The screens that compare two images."""
