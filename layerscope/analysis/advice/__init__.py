"""Advice on what to change in a build: one rule per file, each with a page in docs/advice and a proof in tests/proofs."""
