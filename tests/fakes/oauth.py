"""Signs people in as OAuth 2.0 servers do (RFC 6749, RFC 7636): codes, access tokens, refresh tokens."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.fakes.http_server import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

CLIENT_ID, CLIENT_SECRET = "fake-client-id", "fake-client-secret"


class Rotation(Enum):
    """What becomes of a refresh token that is used."""

    KEPT = auto()  # as Google does: it stays, and the answer has none
    REPLACED = auto()  # as Microsoft does: the answer has another, and the old one stays good
    USED_UP = auto()  # the answer has another, and the old one is void at once


@dataclass
class OAuthServer:
    """Who may use the rest of a fake."""

    #: What access tokens and refresh tokens begin with.
    prefix: str
    rotation: Rotation
    scope: str
    token_seconds: Any = 3_600
    #: Whether the next people who come get a refresh token.
    gives_refresh_token: bool = True
    #: For each code: the challenge and the way back that belong to it.
    codes: dict[str, tuple[str, str]] = field(default_factory=dict)
    refresh_tokens: set[str] = field(default_factory=set)
    #: When each access token ends, in seconds.
    access_tokens: dict[str, float] = field(default_factory=dict)

    def authorize(self, query: Mapping[str, str]) -> Answer:
        """Send a person back who allows everything."""
        wanted = {"client_id": CLIENT_ID, "response_type": "code", "code_challenge_method": "S256"}
        if any(query.get(name) != value for name, value in wanted.items()) or not query.get("state"):
            return Answer(status=400, body={"error": "invalid_request"})
        code = f"4/0A{secrets.token_urlsafe(24)}"
        self.codes[code] = query["code_challenge"], query["redirect_uri"]
        back = urlencode({"code": code, "state": query["state"]})
        return Answer(status=302, headers={"Location": f"{query['redirect_uri']}?{back}"})

    def token(self, form: Mapping[str, str]) -> Answer:
        """The answer of the token endpoint."""
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return problem(401, "invalid_client")
        if form.get("grant_type") == "authorization_code":
            return self._exchange(form)
        if form.get("grant_type") == "refresh_token":
            return self._refresh(form.get("refresh_token", ""))
        return problem(400, "unsupported_grant_type")

    def sign_in(self) -> tuple[str, str]:
        """An access token and a refresh token of somebody who came before."""
        return self._new_access_token(), self._new_refresh_token()

    def accepts(self, headers: Mapping[str, str]) -> bool:
        """Whether a request has an access token that is good."""
        token = headers.get("authorization", "").removeprefix("Bearer ")
        return self.access_tokens.get(token, 0) > time.monotonic()

    def expire(self) -> None:
        """End all access tokens now."""
        self.access_tokens.clear()

    def revoke(self) -> None:
        """Take back what people have allowed."""
        self.access_tokens.clear()
        self.refresh_tokens.clear()

    def _exchange(self, form: Mapping[str, str]) -> Answer:
        challenge, redirect_url = self.codes.pop(form.get("code", ""), ("", ""))
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != challenge:
            return problem(400, "invalid_grant")
        if form.get("redirect_uri") != redirect_url:
            return problem(400, "redirect_uri_mismatch")
        return self._granted(self._new_refresh_token() if self.gives_refresh_token else None)

    def _refresh(self, token: str) -> Answer:
        if token not in self.refresh_tokens:
            return problem(400, "invalid_grant", f"Token {token} has been expired or revoked.")
        if self.rotation is Rotation.KEPT:
            return self._granted(None)
        if self.rotation is Rotation.USED_UP:
            self.refresh_tokens.discard(token)
        return self._granted(self._new_refresh_token())

    def _granted(self, refresh_token: str | None) -> Answer:
        told: dict[str, Any] = {
            "access_token": self._new_access_token(),
            "expires_in": self.token_seconds,
            "scope": self.scope,
            "token_type": "Bearer",
        }
        if refresh_token is not None:
            told["refresh_token"] = refresh_token
        return Answer(status=200, body=told)

    def _new_access_token(self) -> str:
        token = f"{self.prefix}{secrets.token_urlsafe(24)}"
        seconds = self.token_seconds if isinstance(self.token_seconds, int) else 3_600
        self.access_tokens[token] = time.monotonic() + seconds
        return token

    def _new_refresh_token(self) -> str:
        token = f"1//0g{secrets.token_urlsafe(24)}"
        self.refresh_tokens.add(token)
        return token


def problem(status: int, code: str, description: str = "as the test wanted") -> Answer:
    """What the token endpoint says no with."""
    return Answer(status=status, body={"error": code, "error_description": description})
