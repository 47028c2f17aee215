"""Package databases in an image, read from bytes. Nothing is ever run.

Each module reads one ecosystem: it says which paths it needs (`Database.unit`), and turns their contents into `Installed`
packages with the paths they own. Nothing here knows about layers or trees.
"""
