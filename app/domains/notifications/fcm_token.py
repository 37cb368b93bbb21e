"""Signing in at Google as the service account that sends push messages."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
from google.auth import transport
from google.auth.credentials import TokenState
from google.auth.exceptions import MalformedError, RefreshError, TransportError
from google.oauth2.service_account import Credentials

from app.logs.masking import excerpt
from app.outbound.deliveries.errors import NotSent, Refused
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"


class BadCredentials(Refused):
    """Raised when the service account cannot be used."""

    code = "bad_fcm_credentials"

    def __init__(self, *, problem: str) -> None:
        super().__init__(
            f"The service account of GROUNDWORK_FCM_CREDENTIALS cannot be used: {problem}. Put the JSON "
            "there that Google gives for a key of the account."
        )


def service_account() -> Credentials:
    """The account of the settings, with the token it has in this process. Raises `BadCredentials`."""
    return _account(settings().fcm_credentials.get_secret_value())


def access_token(client: httpx.Client, account: Credentials) -> str:
    """A token to send with, kept until shortly before it ends. Raises `NotSent` or `BadCredentials`."""
    if account.token_state is not TokenState.FRESH:
        _sign_in(client, account)
    return str(account.token)


def forget(account: Credentials) -> None:
    """Sign in anew before the next message."""
    account.token = None


@lru_cache(maxsize=1)
def _account(credentials: str) -> Credentials:
    try:
        account: Credentials = Credentials.from_service_account_info(json.loads(credentials), scopes=[SCOPE])
        account.sign_bytes(b"")  # a key of another kind than RSA can be read, and signs nothing
    except MalformedError as error:
        raise BadCredentials(problem=str(error).rstrip(".")) from None
    except (ValueError, TypeError):
        # Without what is wrong with it: that may show the key.
        raise BadCredentials(problem="private_key is no RSA key in PEM") from None
    return account


def _sign_in(client: httpx.Client, account: Credentials) -> None:
    try:
        account.refresh(_HttpxRequest(client))
    except TransportError as error:
        raise NotSent(f"Google's sign-in {excerpt(error)}") from None
    except RefreshError as error:
        refusal = f"Google's sign-in said {excerpt(error.args[0])}"
        raise (NotSent(refusal) if error.retryable else BadCredentials(problem=refusal)) from None
    except (ValueError, TypeError, OverflowError):
        raise NotSent("Google's sign-in answered with something that holds no token.") from None


class _Answer(NamedTuple):
    """What google-auth reads of an answer."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class _HttpxRequest(transport.Request):
    """Carries google-auth's requests by an httpx client, within that client's time limits.

    A server that is busy is an error here and not an answer, or google-auth would sleep and ask again, which
    is for the job's own retries to do.
    """

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002 (the client's holds)
        **_more: Any,
    ) -> _Answer:
        try:
            answer = self._client.request(method, url, content=body, headers=headers)
        except httpx.TransportError as error:
            raise TransportError(f"cannot be reached at {url}: {error!r}") from None
        if answer.status_code in transport.DEFAULT_RETRYABLE_STATUS_CODES or answer.is_server_error:
            raise TransportError(f"answered {answer.status_code}.")
        return _Answer(answer.status_code, answer.headers, answer.content)
