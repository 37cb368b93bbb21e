"""This application at Microsoft's identity platform (v2), as the settings have it."""

from __future__ import annotations

from app.domains.billing.integrations.configured import required
from app.domains.billing.integrations.oauth.grants import Client
from app.settings.config import settings

NAME = "Microsoft"
LOGIN = "https://login.microsoftonline.com"
GRAPH = "https://graph.microsoft.com"
READ_CALENDARS = "Calendars.Read"


def graph() -> str:
    """Where Microsoft Graph is."""
    return f"{settings().microsoft_url or GRAPH}/v1.0"


def client() -> Client:
    """The client. Raises `NotConfigured`."""
    required(NAME, "microsoft_client_id", "microsoft_client_secret")
    endpoint = f"{settings().microsoft_url or LOGIN}/{settings().microsoft_tenant}/oauth2/v2.0"
    return Client(
        provider=NAME,
        client_id=settings().microsoft_client_id,
        client_secret=settings().microsoft_client_secret.get_secret_value(),
        authorize_url=f"{endpoint}/authorize",
        token_url=f"{endpoint}/token",
        # Without the first of them there is no refresh token. It is granted silently.
        scopes=("offline_access", READ_CALENDARS),
        needed=(READ_CALENDARS,),
        extra={"response_mode": "query", "prompt": "select_account"},
    )
