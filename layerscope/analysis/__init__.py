"""Pure functions over an image and its filesystem: sizes, waste, attribution, advice, budget."""
