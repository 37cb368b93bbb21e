"""The port to Slack's Web API. Every call takes a turn, ends in time, and fails in one of few ways.

By hand over httpx: slack-sdk follows redirects and reads answers of any length for any time, and what is
called are four methods.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from app.domains.billing.integrations.calling import Operation
from app.domains.billing.integrations.reading import object_of
from app.domains.billing.integrations.slack import parsers
from app.domains.billing.integrations.slack.error_mapping import raise_for
from app.domains.billing.integrations.slack.sign_in import NAME, base
from app.outbound.deliveries import turns
from app.outbound.json_fields import InvalidField

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from app.domains.billing.integrations.facts import SlackStatus, SlackTeam, SlackUser

T = TypeVar("T")

#: What Slack takes of a workspace for each method. Source: Slack, rate limits; the tiers of the methods.
PER_MINUTE = {"auth.test": 100, "auth.revoke": 50, "users.info": 100, "users.profile.get": 100}


def take_turn(method: str, team_id: str) -> None:
    """Take a turn of a method in a workspace; nothing may be uncommitted. Raises `NotYourTurn`."""
    turns.take(f"slack-{team_id}-{method}", per_minute=PER_MINUTE[method])


@dataclass(frozen=True, kw_only=True)
class Slack:
    """A workspace; `turn` is called before each request, with the method and the workspace.

    Raises `GrantRevoked`, `ScopeMissing`, `RateLimited`, `ProviderUnavailable` and `ProviderRefused`.
    """

    team_id: str
    turn: Callable[[str, str], None] = take_turn

    def account(self, access_token: str) -> SlackTeam:
        """Whom the token stands for: the cheapest call there is."""
        return self._call("auth.test", access_token, parsers.team)

    def status(self, access_token: str, *, user_id: str) -> SlackStatus:
        """What somebody's profile says that they are doing."""
        return self._call("users.profile.get", access_token, parsers.status, user=user_id)

    def user(self, access_token: str, *, user_id: str) -> SlackUser:
        """A member of the workspace."""
        return self._call("users.info", access_token, parsers.user, user=user_id)

    def revoke(self, access_token: str) -> None:
        """Take the permission back."""
        self._call("auth.revoke", access_token, lambda _told: None)

    def _call(
        self, method: str, access_token: str, read: Callable[[Mapping[str, Any]], T], **params: str
    ) -> T:
        self.turn(method, self.team_id)
        operation = Operation(provider=NAME, name=method, hiding=(access_token,))
        reply = operation.ask_as(access_token, f"{base()}/api/{method}", params=params)
        told = object_of(reply.body, operation=operation) if reply.is_success else {}
        raise_for(reply, told, operation=operation)
        try:
            return read(told)
        except InvalidField as error:
            raise operation.malformed(str(error)) from None
