"""Push messages by Firebase Cloud Messaging (HTTP v1); an address is a registration token."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx

from app.domains.notifications import fcm_token
from app.domains.notifications.push import DeviceGone
from app.logs.masking import excerpt
from app.outbound.deliveries.errors import NotSent, OutcomeUnknown, Refused
from app.outbound.retry_after import pause_asked_for
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from google.oauth2.service_account import Credentials

    from app.outbound.deliveries.outcome import HandOver

TIMEOUT = httpx.Timeout(20, connect=5)
#: The field that a violation names when the registration token itself is what is wrong.
TOKEN_FIELD = "message.token"  # noqa: S105 (a field's name)


def send(*, address: str, message: Mapping[str, Any], handover: HandOver) -> str:
    """Send to one device; gives Google's name for the message."""
    account = fcm_token.service_account()
    with httpx.Client(timeout=TIMEOUT) as client:
        answer = _post(client, account, address=address, message=message, handover=handover)
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            # A token can end early; a fresh one that is refused as well is the account's fault.
            fcm_token.forget(account)
            handover.take_back()
            answer = _post(client, account, address=address, message=message, handover=handover)
    if answer.is_success:
        return _name(answer)
    raise _failure(answer, address=address)


def _name(answer: httpx.Response) -> str:
    """Google's name for a message that it took, whatever else it says."""
    with suppress(ValueError, AttributeError):
        return str(answer.json().get("name") or "")
    return ""


def _post(
    client: httpx.Client,
    account: Credentials,
    *,
    address: str,
    message: Mapping[str, Any],
    handover: HandOver,
) -> httpx.Response:
    token = fcm_token.access_token(client, account)
    body = {
        "token": address,
        "notification": {"title": message["title"], "body": message["body"]},
        "data": {"notification_id": message["notification_id"]},
    }
    request = client.build_request(
        "POST",
        f"{settings().fcm_url}/v1/projects/{account.project_id}/messages:send",
        headers={"Authorization": f"Bearer {token}"},
        json={"message": body},
    )
    handover.begin()
    try:
        return client.send(request)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
        raise NotSent(f"Firebase cannot be reached at {settings().fcm_url}: {excerpt(error)}") from None
    except httpx.TransportError as error:
        raise OutcomeUnknown(f"Firebase did not answer: {excerpt(repr(error))}") from None


def _failure(answer: httpx.Response, *, address: str) -> Exception:
    problem = _problem(answer)
    message = excerpt(problem.get("message") or answer.reason_phrase, hiding=[address])
    said = f"Firebase answered {answer.status_code}: {message}"
    if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS or answer.is_server_error:
        return NotSent(said, after=pause_asked_for(answer.headers.get("retry-after", "")))
    if _is_gone(answer.status_code, problem):
        return DeviceGone(said)
    return Refused(said)


def _problem(answer: httpx.Response) -> dict[str, Any]:
    """What Google says is wrong; nothing where that is not said as it should be."""
    with suppress(ValueError, TypeError, AttributeError):
        problem = dict(answer.json().get("error") or {})
        return problem | {"details": _objects(problem.get("details"))}
    return {}


def _objects(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _is_gone(status: int, problem: Mapping[str, Any]) -> bool:
    """Whether the device is unknown, or its token cannot be one; a bad message is not the device's fault."""
    codes = {detail.get("errorCode") for detail in problem.get("details", ())}
    if status == HTTPStatus.NOT_FOUND:
        return "UNREGISTERED" in codes
    fields = set(_violated(problem))
    return "INVALID_ARGUMENT" in codes | {problem.get("status")} and fields <= {TOKEN_FIELD}


def _violated(problem: Mapping[str, Any]) -> Iterator[str]:
    for detail in problem.get("details", ()):
        for violation in _objects(detail.get("fieldViolations")):
            yield str(violation.get("field"))
