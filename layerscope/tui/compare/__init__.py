"""The screens of two images."""
