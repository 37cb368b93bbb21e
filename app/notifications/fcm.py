"""Push messages by Firebase Cloud Messaging (HTTP v1); an address is a registration token."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx

from app.config import settings
from app.deliveries.errors import NotSent, OutcomeUnknown, Refused
from app.notifications import fcm_token
from app.notifications.push import DeviceGone
from app.retry_after import pause_asked_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TIMEOUT = httpx.Timeout(20, connect=5)
#: The field that a violation names when the registration token itself is what is wrong.
TOKEN_FIELD = "message.token"  # noqa: S105 (a field's name)


def send(*, address: str, message: Mapping[str, Any]) -> str:
    """Send to one device; gives Google's name for the message."""
    account = fcm_token.service_account()
    with httpx.Client(timeout=TIMEOUT) as client:
        answer = _post(client, account, address=address, message=message)
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            # A token can end early; a fresh one that is refused as well is the account's fault.
            fcm_token.forget()
            answer = _post(client, account, address=address, message=message)
    if answer.is_success:
        return str(answer.json()["name"])
    raise _failure(answer)


def _post(
    client: httpx.Client,
    account: fcm_token.ServiceAccount,
    *,
    address: str,
    message: Mapping[str, Any],
) -> httpx.Response:
    token = fcm_token.access_token(client, account)
    body = {
        "token": address,
        "notification": {"title": message["title"], "body": message["body"]},
        "data": {"notification_id": message["notification_id"]},
    }
    try:
        return client.post(
            f"{settings().fcm_url}/v1/projects/{account.project_id}/messages:send",
            headers={"Authorization": f"Bearer {token}"},
            json={"message": body},
        )
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
        raise NotSent(f"Firebase cannot be reached at {settings().fcm_url}: {error}") from error
    except httpx.TransportError as error:
        raise OutcomeUnknown(f"Firebase did not answer: {error!r}") from error


def _failure(answer: httpx.Response) -> Exception:
    problem = _problem(answer)
    said = f"Firebase answered {answer.status_code}: {problem.get('message') or answer.reason_phrase}"
    if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS or answer.is_server_error:
        return NotSent(said, after=pause_asked_for(answer.headers.get("retry-after", "")))
    if _is_gone(answer.status_code, problem):
        return DeviceGone(said)
    return Refused(said)


def _problem(answer: httpx.Response) -> dict[str, Any]:
    with suppress(ValueError, AttributeError):
        return dict(answer.json().get("error") or {})
    return {}


def _is_gone(status: int, problem: Mapping[str, Any]) -> bool:
    """Whether the device is unknown, or its token cannot be one; a bad message is not the device's fault."""
    codes = {detail.get("errorCode") for detail in problem.get("details", ())}
    if status == HTTPStatus.NOT_FOUND:
        return "UNREGISTERED" in codes
    fields = set(_violated(problem))
    return "INVALID_ARGUMENT" in codes | {problem.get("status")} and fields <= {TOKEN_FIELD}


def _violated(problem: Mapping[str, Any]) -> Iterator[str]:
    for detail in problem.get("details", ()):
        for violation in detail.get("fieldViolations", ()):
            yield str(violation.get("field"))
