"""`python -m tests.fuzz.guided TARGET FOLDER [LIBFUZZER OPTIONS...]`: fuzz one target; FOLDER keeps what it learns."""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["layerscope"]):
    from tests.fuzz.guided.targets import TARGETS, feed


def main() -> None:
    name, folder, *options = sys.argv[1:]
    corpus = Path(folder)
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(TARGETS[name].seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    atheris.Setup(
        [sys.argv[0], *options, folder], lambda data: feed(name, data), internal_libfuzzer=True
    )
    atheris.Fuzz()


main()
