"""Finds secrets in bytes: private keys, tokens, and passwords. It knows nothing of images and layers.

Nothing here keeps or prints a secret. What comes out is the rule, the line, and why a finding may be none; only `values`
returns the secrets, for those who mask them.
"""
