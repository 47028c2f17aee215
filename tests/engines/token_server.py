"""A token server for Debian's `docker-registry` (distribution spec, token authentication): JWTs that its certificate signs."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

ISSUER = "layerscope tests"
SERVICE = "tests"
_KID_BYTES = 30


@dataclass
class TokenServer:
    """A context manager. `user` and a password may do everything; nobody gets only what `anonymous` allows.

    `lifetime` is how many seconds a token lives, and `asked` has the scopes and the user of each request.
    """

    user: tuple[str, str]
    anonymous: frozenset[str] = frozenset()
    lifetime: int = 300
    host: str = "127.0.0.1"
    asked: list[tuple[str, str]] = field(default_factory=list)
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1()), repr=False
    )

    def __enter__(self) -> Self:
        bound = type("Bound", (_Handler,), {"tokens": self})
        self._server = ThreadingHTTPServer((self.host, 0), bound)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def netloc(self) -> str:
        return f"{self.host}:{self._server.server_address[1]}"

    @property
    def realm(self) -> str:
        return f"http://{self.netloc}/token"

    def config(self, folder: Path) -> dict[str, Any]:
        """The registry's `auth` section; its certificate is written to `folder`."""
        bundle = folder / "tokens.pem"
        bundle.write_bytes(self._certificate())
        return {
            "token": {
                "realm": self.realm,
                "service": SERVICE,
                "issuer": ISSUER,
                "rootcertbundle": str(bundle),
            }
        }

    def _certificate(self) -> bytes:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ISSUER)])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(self.key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM)

    def token(self, user: str, scopes: list[str]) -> str:
        """A token that grants what the user may do of the scopes."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "sub": user,
            "aud": SERVICE,
            "exp": now + self.lifetime,
            "nbf": now - 10,
            "iat": now,
            "jti": uuid.uuid4().hex,
            "access": [each for scope in scopes if (each := self._granted(user, scope))],
        }
        head = {"typ": "JWT", "alg": "ES256", "kid": self._kid()}
        text = ".".join(_base64(json.dumps(part).encode()) for part in (head, claims))
        r, s = decode_dss_signature(self.key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{text}.{_base64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def _granted(self, user: str, scope: str) -> dict[str, Any] | None:
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        allowed = actions.split(",") if user else ["pull"] if name in self.anonymous else []
        return {"type": kind, "name": name, "actions": allowed} if allowed else None

    def _kid(self) -> str:
        """The name of the key as github.com/docker/libtrust makes it."""
        public = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        text = base64.b32encode(hashlib.sha256(public).digest()[:_KID_BYTES]).decode()
        return ":".join(text[at : at + 4] for at in range(0, len(text), 4))


class _Handler(BaseHTTPRequestHandler):
    tokens: TokenServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        self._answer(query.get("scope", []), query.get("service", [""])[0])

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        form = parse_qs(body)
        given = form.get("username", [""])[0], form.get("password", [""])[0]
        scopes = [part for text in form.get("scope", []) for part in text.split()]
        self._answer(scopes, form.get("service", [""])[0], given)

    def _answer(
        self, scopes: list[str], service: str, given: tuple[str, str] | None = None
    ) -> None:
        name, password = given or self._basic()
        self.tokens.asked.append((" ".join(scopes), name))
        if service != SERVICE or (name and (name, password) != self.tokens.user):
            self._send(401, {"details": "no"})
            return
        token = self.tokens.token(name, scopes)
        self._send(200, {"token": token, "access_token": token})

    def _basic(self) -> tuple[str, str]:
        kind, _, value = (self.headers.get("Authorization") or "").partition(" ")
        if kind.lower() != "basic":
            return "", ""
        name, _, password = base64.b64decode(value).decode().partition(":")
        return name, password

    def _send(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
