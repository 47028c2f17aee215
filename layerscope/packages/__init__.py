"""The package databases that an image holds, read from bytes and never run.

Each module reads one ecosystem: it says which paths it wants (`Database.unit`), and turns their contents into
`Installed` packages with the paths they own. Nothing here knows of layers or trees.
"""
