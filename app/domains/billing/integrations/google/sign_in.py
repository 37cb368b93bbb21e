"""This application at Google, as the settings have it."""

from __future__ import annotations

from typing import NamedTuple

from app.domains.billing.integrations.calling import Operation
from app.domains.billing.integrations.configured import required
from app.domains.billing.integrations.oauth.grants import Client
from app.settings.config import settings

NAME = "Google"
READ_CALENDARS = "https://www.googleapis.com/auth/calendar.readonly"


class Hosts(NamedTuple):
    """Where the parts of Google are."""

    accounts: str = "https://accounts.google.com"
    oauth: str = "https://oauth2.googleapis.com"
    api: str = "https://www.googleapis.com"


def hosts() -> Hosts:
    """Google's own, or all at the server of the settings."""
    return Hosts(*[settings().google_url] * 3) if settings().google_url else Hosts()


def client() -> Client:
    """The client. Raises `NotConfigured`."""
    required(NAME, "google_client_id", "google_client_secret")
    return Client(
        provider=NAME,
        client_id=settings().google_client_id,
        client_secret=settings().google_client_secret.get_secret_value(),
        authorize_url=f"{hosts().accounts}/o/oauth2/v2/auth",
        token_url=f"{hosts().oauth}/token",
        scopes=(READ_CALENDARS,),
        needed=(READ_CALENDARS,),
        # Only with consent given anew does Google give a refresh token to somebody who was here before.
        extra={"access_type": "offline", "prompt": "consent"},
    )


def revoke(refresh_token: str) -> None:
    """Take the permission back at Google. Raises `ProviderRefused` where it is gone already."""
    operation = Operation(provider=NAME, name="revocation", hiding=(refresh_token,))
    reply = operation.ask("POST", f"{hosts().oauth}/revoke", data={"token": refresh_token})
    if not reply.is_success:
        raise operation.failure(reply, reason=f"HTTP {reply.status}", message=None)
