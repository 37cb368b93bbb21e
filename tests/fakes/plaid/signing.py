"""Signs webhooks as Plaid does, and forges them in the ways that must not pass."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm

#: The order of the curve P-256.
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
HEADER = "Plaid-Verification"


@dataclass
class SigningKey:
    """A key of Plaid's; `expired_at` (Unix time) ends it."""

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    expired_at: int | None = None

    def as_jwk(self) -> dict[str, Any]:
        """As /webhook_verification_key/get tells it."""
        public = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        told = {"kid": self.id, "alg": "ES256", "use": "sig", "created_at": 1_600_000_000}
        return {**public, **told, "expired_at": self.expired_at}


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A webhook as it goes over the wire."""

    token: str
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        return {HEADER: self.token, "Content-Type": "application/json"}


def webhook(kind: str, code: str, **members: Any) -> bytes:
    """The body of a webhook."""
    # Plaid's bodies are indented: only their bytes as they came have the hash that was signed.
    return json.dumps({"webhook_type": kind, "webhook_code": code, **members}, indent=2).encode()


def sign(
    body: bytes, *, key: SigningKey, issued_at: float | None = None, key_id: str | None = None
) -> Signed:
    """Sign `body` with `key`, now or as if at another time or by another name."""
    claims = {
        "iat": int(time.time()) if issued_at is None else issued_at,
        "request_body_sha256": hashlib.sha256(body).hexdigest(),
    }
    token = jwt.encode(claims, key.private, algorithm="ES256", headers={"kid": key_id or key.id})
    return Signed(token=token, body=body)


def claims_of(signed: Signed) -> dict[str, Any]:
    """What a token says, unverified."""
    return dict(jwt.decode(signed.token, options={"verify_signature": False}))


def unsigned(body: bytes, *, key: SigningKey) -> Signed:
    """A token with the algorithm "none"."""
    claims = claims_of(sign(body, key=key))
    return Signed(token=jwt.encode(claims, "", algorithm="none", headers={"kid": key.id}), body=body)


def signed_by_public_key(body: bytes, *, key: SigningKey) -> Signed:
    """A token signed by HS256 with what everybody knows: the public key."""
    claims = claims_of(sign(body, key=key))
    public = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": "HS256", "kid": key.id, "typ": "JWT"}
    # By hand: PyJWT would not lend itself to this.
    signed = ".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
    mac = hmac.new(public, signed.encode(), hashlib.sha256).digest()
    return Signed(token=f"{signed}.{_encoded(mac)}", body=body)


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def mirrored(signed: Signed) -> Signed:
    """The same token with the other signature that is as good: (r, n - s) for (r, s)."""
    head, _, signature = signed.token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    other = ORDER - int.from_bytes(raw[32:], "big")
    again = _encoded(raw[:32] + other.to_bytes(32, "big"))
    return Signed(token=f"{head}.{again}", body=signed.body)


def send(signed: Signed, *, url: str) -> int:
    """Post a webhook as Plaid does; the status of the answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=10)
    connection.request("POST", parts.path, body=signed.body, headers=signed.headers)
    status = connection.getresponse().status
    connection.close()
    return status
