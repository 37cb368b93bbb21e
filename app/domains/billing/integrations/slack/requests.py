"""What Slack sends: known to be Slack's by its signature, and the event that is in it."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from app.domains.billing.integrations.configured import required
from app.domains.billing.integrations.facts import Challenge, SlackEvent
from app.domains.billing.integrations.reading import mapping_in
from app.domains.billing.integrations.slack.errors import InvalidSignature, UnusableEvent
from app.domains.billing.integrations.slack.sign_in import NAME
from app.outbound.json_fields import InvalidField, identifier, optional_identifier
from app.settings.config import settings
from app.values.field_errors import InvalidFields
from app.values.strict_json import InvalidJson, parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

SIGNATURE = "X-Slack-Signature"
TIMESTAMP = "X-Slack-Request-Timestamp"
RETRY_NUMBER = "X-Slack-Retry-Num"
RETRY_REASON = "X-Slack-Retry-Reason"
VERSION = "v0"
#: How old a request may be, and how far Slack's clock may be ahead. Source: Slack, verifying requests.
MAX_AGE = timedelta(minutes=5)
MAX_CHALLENGE = 256
_SECONDS = re.compile(r"\d{1,12}", re.ASCII)
_DIGIT = re.compile(r"\d", re.ASCII)
_REASON = re.compile(r"[a-z_]{1,40}")


def check_timestamp(headers: Mapping[str, str], *, now: datetime) -> None:
    """Refuse a request that is not new, for which no body is needed. Raises `InvalidSignature`."""
    told = headers.get(TIMESTAMP.lower(), "")
    if not _SECONDS.fullmatch(told):
        raise InvalidSignature(problem="it does not say when it was sent")
    if abs(now.timestamp() - int(told)) > MAX_AGE.total_seconds():
        raise InvalidSignature(problem="it was not sent within the last five minutes")


def verify(headers: Mapping[str, str], body: bytes, *, now: datetime) -> None:
    """Refuse a request that Slack did not sign just now, as it came. Raises `InvalidSignature`."""
    required(NAME, "slack_signing_secret")
    check_timestamp(headers, now=now)
    secret = settings().slack_signing_secret.get_secret_value()
    given = headers.get(SIGNATURE.lower(), "")
    expected = signature(secret, timestamp=headers[TIMESTAMP.lower()], body=body)
    if not hmac.compare_digest(expected.encode(), given.encode(errors="replace")):
        raise InvalidSignature(problem="its signature is not Slack's")


def signature(secret: str, *, timestamp: str, body: bytes) -> str:
    """How Slack signs."""
    signed = b":".join((VERSION.encode(), timestamp.encode(), body))
    return f"{VERSION}={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def event_of(headers: Mapping[str, str], body: bytes) -> SlackEvent | Challenge:
    """What a verified request says. Raises `UnusableEvent`."""
    told = _object(body)
    if told.get("type") == "url_verification":
        return _challenge(told)
    event = mapping_in(told, "event")
    retry = headers.get(RETRY_NUMBER.lower(), "")
    reason = headers.get(RETRY_REASON.lower(), "")
    try:
        return SlackEvent(
            id=identifier(told, "event_id"),
            type=identifier(event, "type"),
            team_id=identifier(told, "team_id"),
            user_id=_user_id(event),
            happened_at=_happened_at(told.get("event_time")),
            retry=int(retry) if _DIGIT.fullmatch(retry) else 0,
            retry_reason=reason if _REASON.fullmatch(reason) else None,
        )
    except InvalidField as error:
        raise UnusableEvent(problem=str(error).rstrip(".")) from None


def _challenge(told: Mapping[str, Any]) -> Challenge:
    text = told.get("challenge")
    if not isinstance(text, str) or not 0 < len(text) <= MAX_CHALLENGE or not text.isprintable():
        raise UnusableEvent(problem='its member "challenge" is not a short text')
    return Challenge(text=text)


def _object(body: bytes) -> dict[str, Any]:
    try:
        told = parsed(body)
    except (InvalidJson, InvalidFields) as error:
        raise UnusableEvent(problem=str(error).rstrip(".")) from None
    if not isinstance(told, dict):
        raise UnusableEvent(problem="its body is not an object")
    return told


def _user_id(event: Mapping[str, Any]) -> str | None:
    """Events of messages have an id there, those of profiles the whole user."""
    user = event.get("user")
    return identifier(user, "id") if isinstance(user, dict) else optional_identifier(event, "user")


def _happened_at(seconds: object) -> datetime | None:
    """For people to see, and so not worth refusing an event for."""
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 < seconds < 10**10:
        return None
    return datetime.fromtimestamp(seconds, tz=UTC)
