"""This application at Slack, as the settings have it, and what the way back from there stands for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from app.domains.billing.integrations.calling import Operation
from app.domains.billing.integrations.configured import required
from app.domains.billing.integrations.facts import SlackTeam
from app.domains.billing.integrations.reading import mapping_in, object_of, token
from app.domains.billing.integrations.slack.error_mapping import raise_for
from app.outbound.json_fields import InvalidField, identifier, text
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

NAME = "Slack"
SCOPES = ("users:read", "users.profile:read", "chat:write")


@dataclass(frozen=True, kw_only=True)
class SlackGrant:
    """A workspace that took the application in; its token has no end."""

    access_token: str = field(repr=False)
    team: SlackTeam


def base() -> str:
    """Where Slack is."""
    return settings().slack_url or "https://slack.com"


def authorization_url(*, redirect_url: str, state: str) -> str:
    """Where a person takes the application into a workspace. Raises `NotConfigured`."""
    required(NAME, "slack_client_id", "slack_client_secret")
    query = {
        "client_id": settings().slack_client_id,
        "scope": ",".join(SCOPES),
        "redirect_uri": redirect_url,
        "state": state,
    }
    return f"{base()}/oauth/v2/authorize?{urlencode(query)}"


def exchange(*, code: str, redirect_url: str) -> SlackGrant:
    """What the code of a way back stands for; it can be exchanged once. Raises `GrantRevoked`."""
    required(NAME, "slack_client_id", "slack_client_secret")
    secret = settings().slack_client_secret.get_secret_value()
    operation = Operation(provider=NAME, name="oauth.v2.access", hiding=(code, secret))
    form = {"client_id": settings().slack_client_id, "client_secret": secret, "code": code}
    reply = operation.ask(
        "POST", f"{base()}/api/oauth.v2.access", data={**form, "redirect_uri": redirect_url}
    )
    told = object_of(reply.body, operation=operation) if reply.is_success else {}
    raise_for(reply, told, operation=operation)
    return SlackGrant(
        access_token=token(told, "access_token", operation=operation), team=_team(told, operation)
    )


def _team(told: Mapping[str, Any], operation: Operation) -> SlackTeam:
    team, person = mapping_in(told, "team"), mapping_in(told, "authed_user")
    try:
        return SlackTeam(
            id=identifier(person, "id"),
            name="",
            team_id=identifier(team, "id"),
            team_name=text(team, "name") or "",
        )
    except InvalidField as error:
        raise operation.malformed(str(error)) from None
