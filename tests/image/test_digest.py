"""A parsed digest is safe to use in paths."""

from __future__ import annotations

import hashlib

import pytest

from layerscope.errors import FormatError
from layerscope.image.digest import Digest

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256",
        "sha256:",
        "sha256:../../etc/passwd",
        f"sha256:{HEX[:-1]}",
        f"sha256:{HEX}0",
        f"sha256:{HEX.upper()}",
        f"sha256:{HEX}\n",
        f"SHA256:{HEX}",
        f"md5:{HEX[:32]}",
        f"sha512:{HEX}",
        f" sha256:{HEX}",
        "sha256:" + "٠" * 64,
        f"sha256/{HEX}",
    ],
)
def test_text_that_is_not_a_digest_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match=r"^manifests\[0\]: .* is not a digest$"):
        Digest.parse(text, "manifests[0]")


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_a_digest_reads_back_from_its_text(algorithm: str) -> None:
    digest = Digest.of(b"layer", algorithm)
    assert digest.hex == hashlib.new(algorithm, b"layer").hexdigest()
    assert Digest.parse(str(digest)) == digest


def test_a_digest_is_the_same_if_hashed_in_pieces() -> None:
    digest = Digest.of(b"layer")
    hasher = digest.hasher()
    hasher.update(b"lay")
    hasher.update(b"er")
    assert hasher.hexdigest() == digest.hex
