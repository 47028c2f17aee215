"""Private keys in binary formats, recognized by their first bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from layerscope.secrets.readers import Found

_PKCS7_DATA: Final = bytes.fromhex("06092a864886f70d010701")
_JAVA: Final = (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce")
_ONE: Final = (1, "whole file")


def _sequence(data: bytes) -> bytes | None:
    """The content of a DER sequence that fills the data; None for anything else."""
    if data[:1] != b"\x30" or len(data) < 4:
        return None
    length, start = data[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(data[2:start], "big") if start <= 6 else -1
    return data[start:] if start + length == len(data) else None


def der_key(data: bytes) -> Found:
    """A private key: PKCS #8 (plain or encrypted), PKCS #1, or SEC 1."""
    body = _sequence(data)
    if body is None:
        return
    pkcs8 = body.startswith(b"\x02\x01\x00\x30") and b"\x06" in body[4:8]
    pkcs1 = body.startswith(b"\x02\x01\x00\x02\x82")
    sec1 = body.startswith(
        (b"\x02\x01\x01\x04\x20", b"\x02\x01\x01\x04\x30", b"\x02\x01\x01\x04\x42")
    )
    encrypted = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05" in body[:20]
    if pkcs8 or pkcs1 or sec1 or encrypted:
        yield _ONE


def pkcs12(data: bytes) -> Found:
    """A PKCS #12 store: version 3 and content of type data. Stores of certificates alone have it, too."""
    body = data[:32]
    if body[:1] == b"\x30" and b"\x02\x01\x03\x30" in body and _PKCS7_DATA in body:
        yield _ONE


def java_keystore(data: bytes) -> Found:
    """A Java keystore that has a private key (entry 1), and not only trusted certificates."""
    if data[:4] in _JAVA and data[4:12].startswith(b"\0\0\0") and b"\0\0\0\x01" in data[12:16]:
        yield _ONE
    elif data[:1] == b"\x30":
        yield from pkcs12(data)


def putty(data: bytes) -> Found:
    if data.startswith(b"PuTTY-User-Key-File-"):
        yield _ONE


def pgp_secret(data: bytes) -> Found:
    """A secret key of OpenPGP (a packet with tag 5), or a file of gpg-agent."""
    if data[:1] in (b"\x94", b"\x95", b"\xc5") or b"private-key" in data[:64]:
        yield _ONE


def keepass(data: bytes) -> Found:
    if data.startswith(b"\x03\xd9\xa2\x9a"):
        yield _ONE


def sqlite(data: bytes) -> Iterator[tuple[int, str]]:
    """A database, such as that of gcloud's credentials."""
    if data.startswith(b"SQLite format 3\0"):
        yield _ONE
