"""Made-up secrets. They are put together at run time, so that no scanner of repositories takes this one for leaking."""

from __future__ import annotations

import base64
import random
import string
from typing import Final

_LETTERS: Final = string.ascii_letters + string.digits


class Maker:
    """Makes secrets from a seed."""

    def __init__(self, seed: int = 1) -> None:
        self.random = random.Random(seed)

    def letters(self, count: int, alphabet: str = _LETTERS) -> str:
        return "".join(self.random.choices(alphabet, k=count))

    def hex(self, count: int) -> str:
        return self.letters(count, "0123456789abcdef")

    def github(self) -> str:
        return "gh" + "p_" + self.letters(36)

    def npm(self) -> str:
        return "np" + "m_" + self.letters(36)

    def aws(self) -> tuple[str, str]:
        return "AK" + "IA" + self.letters(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), self.letters(40)

    def slack(self) -> str:
        digits = self.letters(12, string.digits)
        return "xo" + f"xb-{digits}-{self.letters(12, string.digits)}-{self.letters(24)}"

    def stripe(self) -> str:
        return "sk_" + "live_" + self.letters(24)

    def google(self) -> str:
        return "AI" + "za" + self.letters(35)

    def password(self) -> str:
        return self.letters(20)

    def jwt(self) -> str:
        def part(text: str) -> str:
            return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

        head = part('{"alg":"HS256","typ":"JWT"}')
        return f"{head}.{part('{' + chr(34) + 'sub' + chr(34) + ':' + self.letters(20, string.digits) + '}')}.{self.letters(43)}"

    def pem(self, kind: str = "RSA") -> str:
        """A private key with random content."""
        body = base64.b64encode(self.random.randbytes(1190)).decode()
        lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
        word = f"{kind} PRIVATE KEY" if kind else "PRIVATE KEY"
        return f"-----BEGIN {word}-----\n{lines}\n-----END {word}-----\n"
