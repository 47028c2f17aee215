"""The filter language: what a person types to narrow a list of files. The browser and `layerscope files` share it."""
