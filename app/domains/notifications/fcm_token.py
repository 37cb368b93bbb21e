"""Signing in at Google as the service account that sends push messages."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import NamedTuple

import httpx
import jwt
from pydantic import BaseModel, SecretStr, ValidationError

from app.logs.masking import told
from app.outbound.deliveries.errors import NotSent, Refused
from app.settings.config import settings

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
#: The longest that Google signs in for.
ASSERTED_FOR = timedelta(hours=1)
#: A token that ends within this is not used any more.
MARGIN = timedelta(minutes=1)


class ServiceAccount(BaseModel):
    """What is used of the JSON file that Google gives for a service account."""

    client_email: str
    private_key: SecretStr
    private_key_id: str
    project_id: str
    token_uri: str


class BadCredentials(Refused):
    """Raised when the service account cannot be used."""

    code = "bad_fcm_credentials"

    def __init__(self, *, problem: str) -> None:
        super().__init__(
            f"The service account of GROUNDWORK_FCM_CREDENTIALS cannot be used: {problem}. Put the JSON "
            "there that Google gives for a key of the account."
        )


class _Token(NamedTuple):
    account: str
    value: str
    ends: float


_cached: _Token | None = None


def service_account() -> ServiceAccount:
    """The account of the settings. Raises `BadCredentials`."""
    try:
        return ServiceAccount.model_validate_json(settings().fcm_credentials.get_secret_value())
    except ValidationError as error:
        # Only where it is wrong: what stands there may be the key.
        places = {".".join(str(part) for part in one["loc"]) or "it is no JSON" for one in error.errors()}
        raise BadCredentials(problem=f"look at {', '.join(sorted(places))}") from None


def access_token(client: httpx.Client, account: ServiceAccount) -> str:
    """A token to send with, kept by this process until it ends."""
    global _cached
    usable = _cached is not None and _cached.account == account.private_key_id
    if not usable or _cached is None or _cached.ends <= time.monotonic() + MARGIN.total_seconds():
        _cached = _sign_in(client, account)
    return _cached.value


def forget() -> None:
    """Sign in anew before the next message."""
    global _cached
    _cached = None


def _sign_in(client: httpx.Client, account: ServiceAccount) -> _Token:
    try:
        answer = client.post(account.token_uri, data={"grant_type": GRANT, "assertion": _assertion(account)})
    except httpx.TransportError as error:
        raise NotSent(
            f"Google's sign-in cannot be reached at {account.token_uri}: {told(repr(error))}"
        ) from None
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.is_server_error:
        raise NotSent(f"Google's sign-in answered {answer.status_code}.")
    if not answer.is_success:
        raise BadCredentials(problem=f"Google's sign-in answered {answer.status_code} {told(answer.text)}")
    given = answer.json()
    return _Token(
        account.private_key_id, str(given["access_token"]), time.monotonic() + float(given["expires_in"])
    )


def _assertion(account: ServiceAccount) -> str:
    now = int(time.time())
    claims = {
        "iss": account.client_email,
        "scope": SCOPE,
        "aud": account.token_uri,
        "iat": now,
        "exp": now + int(ASSERTED_FOR.total_seconds()),
    }
    key = account.private_key.get_secret_value()
    try:
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": account.private_key_id})
    except (ValueError, jwt.InvalidKeyError):
        raise BadCredentials(problem="private_key is no RSA key in PEM") from None
