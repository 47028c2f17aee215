"""Syntax highlighting in its own process, with a timeout for texts crafted to make a pattern run forever.

runs = highlight("main.py", "import os")
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

MOST: Final = 1 << 17
"""The most characters to highlight."""
PATIENCE: Final = 3.0
"""Seconds to wait before leaving the text plain."""

Runs = list[tuple[str, str]]


def highlight(name: str, text: str) -> Runs | None:
    """Runs of text and style; None if the language is unknown or it took too long."""
    if len(text) > MOST:
        return None
    package = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([package, *(entry for entry in sys.path if entry)])
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "layerscope.tui.highlight"],
            input=json.dumps([name, text]).encode(),
            capture_output=True,
            timeout=PATIENCE,
            env={**os.environ, "PYTHONPATH": path},
            check=True,
        )
        runs = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return [(str(part), str(style)) for part, style in runs] if runs else None


def styles_of(name: str, text: str) -> Runs:
    """Highlight with Pygments."""
    from pygments.lexers import get_lexer_for_filename, guess_lexer
    from pygments.token import Comment, Keyword, Name, Number, Operator, String, _TokenType
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_for_filename(name, text, stripnl=False, ensurenl=False)
    except ClassNotFound:
        if not text.startswith("#!"):
            return []
        try:
            lexer = guess_lexer(text[:2000], stripnl=False, ensurenl=False)
        except ClassNotFound:
            return []

    def style(token: _TokenType) -> str:
        for kind, word in (
            (Comment, "comment"),
            (Keyword, "keyword"),
            (String, "string"),
            (Number, "numeral"),
            (Name.Function, "defined"),
            (Name.Class, "defined"),
            (Name.Tag, "keyword"),
            (Name.Attribute, "defined"),
            (Operator.Word, "keyword"),
        ):
            if token in kind:
                return word
        return ""

    runs: Runs = []
    for token, part in lexer.get_tokens(text):
        name_ = style(token)
        if runs and runs[-1][1] == name_:
            runs[-1] = (runs[-1][0] + part, name_)
        else:
            runs.append((part, name_))
    return runs


def main() -> None:
    """Read a name and a text from standard input, and write the runs."""
    name, text = json.loads(sys.stdin.buffer.read())
    sys.stdout.write(json.dumps(styles_of(name, text)))


if __name__ == "__main__":
    main()
