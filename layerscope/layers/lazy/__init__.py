"""Layers with a table of contents (eStargz and zstd:chunked), indexed without reading their contents."""
