"""The filter language that narrows a list of files. The browser and `layerscope files` share it."""
