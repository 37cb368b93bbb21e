"""OAuth 2.0 with PKCE: the way to a provider and back, codes and refresh tokens for access tokens.

By hand over httpx: google-auth exchanges no codes, and msal brings its own token cache, `requests`, and two
documents to be fetched before the first token, where all that is asked are two forms.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from app.domains.billing.integrations.calling import Operation
from app.domains.billing.integrations.errors import (
    GrantRevoked,
    InteractionRequired,
    NoRefreshToken,
    ProviderRefused,
    ProviderUnavailable,
    ScopeMissing,
)
from app.domains.billing.integrations.reading import code_of, object_of, object_or_none, optional_token, token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.outbound.bounded_http import Reply

#: A token of which it is not said how long it is good is good for this long.
UNKNOWN_LIFE = timedelta(minutes=5)
MAX_LIFE = timedelta(days=366)
#: Codes for what passes.
TRANSIENT_CODES = frozenset({"temporarily_unavailable", "server_error", "slow_down"})
#: Codes for what only the person can go on with, beside `invalid_grant`.
INTERACTION_CODES = frozenset({"interaction_required", "consent_required", "login_required"})
#: Codes for what is wrong with the client, which is the same for all persons.
CLIENT_CODES = frozenset({"invalid_client", "unauthorized_client"})


@dataclass(frozen=True, kw_only=True)
class Client:
    """This application at a provider."""

    provider: str
    client_id: str
    client_secret: str = field(repr=False)
    authorize_url: str
    token_url: str
    #: What is asked for, and what of it there is no use without.
    scopes: tuple[str, ...]
    needed: tuple[str, ...]
    #: What the provider wants to know beside OAuth's own.
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What a provider gave; without a refresh token, the one that was sent stays good."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: datetime


def new_verifier() -> str:
    """A secret of PKCE: whoever has seen the way back alone cannot use its code."""
    return secrets.token_urlsafe(48)


def challenge_of(verifier: str) -> str:
    """What a provider is shown of the secret (S256)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def authorization_url(client: Client, *, redirect_url: str, state: str, verifier: str) -> str:
    """Where a person allows the access."""
    query = {
        "client_id": client.client_id,
        "redirect_uri": redirect_url,
        "response_type": "code",
        "scope": " ".join(client.scopes),
        "state": state,
        "code_challenge": challenge_of(verifier),
        "code_challenge_method": "S256",
        **client.extra,
    }
    return f"{client.authorize_url}?{urlencode(query)}"


def exchange(client: Client, *, code: str, verifier: str, redirect_url: str, now: datetime) -> Grant:
    """What the code of a way back stands for; it can be exchanged once.

    Raises `GrantRevoked` for one that was, `NoRefreshToken` and `ScopeMissing`.
    """
    operation = Operation(
        provider=client.provider, name="code exchange", hiding=(code, verifier, client.client_secret)
    )
    asked = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
    told = _ask(client, operation, {**asked, "redirect_uri": redirect_url})
    _check_scopes(client, told)
    grant = _grant(told, operation=operation, now=now)
    if grant.refresh_token is None:
        raise NoRefreshToken(provider=client.provider)
    return grant


def refresh(client: Client, *, refresh_token: str, now: datetime) -> Grant:
    """A new access token. Raises `GrantRevoked`."""
    operation = Operation(
        provider=client.provider, name="token refresh", hiding=(refresh_token, client.client_secret)
    )
    asked = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return _grant(_ask(client, operation, asked), operation=operation, now=now)


def _ask(client: Client, operation: Operation, form: dict[str, str]) -> dict[str, object]:
    secret = {"client_id": client.client_id, "client_secret": client.client_secret}
    reply = operation.ask("POST", client.token_url, data={**form, **secret})
    if not reply.is_success:
        raise _failure(reply, operation=operation)
    return object_of(reply.body, operation=operation)


def _grant(told: Mapping[str, object], *, operation: Operation, now: datetime) -> Grant:
    if str(told.get("token_type", "")).lower() != "bearer":
        raise operation.malformed("it is not about a bearer token")
    return Grant(
        access_token=token(told, "access_token", operation=operation),
        refresh_token=optional_token(told, "refresh_token", operation=operation),
        expires_at=now + _life(told.get("expires_in")),
    )


def _life(seconds: object) -> timedelta:
    """How long a token is good. An odd answer is not worth the refresh token that came with it."""
    if isinstance(seconds, str) and seconds.isdecimal() and len(seconds) < len(str(10**10)):
        seconds = int(seconds)
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds <= 0:
        return UNKNOWN_LIFE
    return timedelta(seconds=min(seconds, MAX_LIFE.total_seconds()))


def _check_scopes(client: Client, told: Mapping[str, object]) -> None:
    given = told.get("scope")
    if not isinstance(given, str):
        return  # as they were asked for (RFC 6749, section 5.1)
    granted = {scope.lower() for scope in given.split()}
    for scope in client.needed:
        # Microsoft gives them with or without the resource before them.
        if not any(one == scope.lower() or one.endswith(f"/{scope.lower()}") for one in granted):
            raise ScopeMissing(provider=client.provider, scope=scope)


def _failure(reply: Reply, *, operation: Operation) -> Exception:
    told = object_or_none(reply.body, operation=operation)
    reason = code_of(told.get("error")) or f"HTTP {reply.status}"
    said = told.get("error_description")
    judged = operation.failure(reply, reason=reason, message=said)
    sentence = f"{operation.provider} refused the {operation.name}: {reason}"
    detail = f"{sentence} ({operation.excerpt(said) or reply.reason})."
    if reply.status in (HTTPStatus.TOO_MANY_REQUESTS, *range(500, 600)):
        return judged
    if reason in TRANSIENT_CODES:
        return ProviderUnavailable(detail)
    if reason in INTERACTION_CODES:
        return InteractionRequired(detail, reason=reason)
    if reason == "invalid_grant":
        return GrantRevoked(detail, reason=reason)
    if reason in CLIENT_CODES:
        return ProviderRefused(
            f"{sentence}. Set the client's id and secret to what {operation.provider} shows.", reason=reason
        )
    return ProviderRefused(detail, reason=reason)
