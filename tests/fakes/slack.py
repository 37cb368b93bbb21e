"""Slack's sign-in, Web API and signed events for one workspace, failing on demand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from tests.fakes.http_server import Answer, ApiFake, Request
from tests.fakes.oauth import CLIENT_ID, CLIENT_SECRET

if TYPE_CHECKING:
    from collections.abc import Mapping

SIGNING_SECRET = "fake-signing-secret-0123456789"
TEAM, TEAM_NAME, BOT = "T0123", "Analytical Engines", "U0BOT"
AUTHORIZE, ACCESS = "/oauth/v2/authorize", "/api/oauth.v2.access"
PROFILE, USER, TEST = "/api/users.profile.get", "/api/users.info", "/api/auth.test"
POST, REVOKE = "/api/chat.postMessage", "/api/auth.revoke"


def no(error: str, **members: Any) -> Answer:
    """What Slack says no with: an answer of success."""
    return Answer(status=200, body={"ok": False, "error": error, **members})


def busy(*, retry_after: str) -> Answer:
    """The answer to too many."""
    return Answer(
        status=429, body={"ok": False, "error": "ratelimited"}, headers={"Retry-After": retry_after}
    )


def arguments(request: Request) -> dict[str, Any]:
    """What a method is called with: Slack takes that behind the path, as a form, and as JSON."""
    is_json = request.headers.get("content-type", "").startswith("application/json")
    return request.query | (request.json if is_json else request.form)


def basic_credentials(request: Request) -> dict[str, str]:
    """The client as HTTP's own scheme names it, which Slack takes in place of the form."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme != "Basic":
        return {}
    client_id, _, secret = base64.b64decode(encoded).decode().partition(":")
    return {"client_id": client_id, "client_secret": secret}


@dataclass
class SlackServer(ApiFake):
    """A workspace; `profiles` by the ids of its members."""

    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    #: For each code, the way back that belongs to it.
    codes: dict[str, str] = field(default_factory=dict)
    #: What was posted.
    messages: list[dict[str, Any]] = field(default_factory=list)

    def sign_in(self) -> str:
        """The token of a workspace that took the application in before."""
        token = f"xoxb-{secrets.token_hex(16)}"
        self.tokens.add(token)
        return token

    def set_status(self, user_id: str, text: str, *, emoji: str = "", expiration: int = 0) -> None:
        """Somebody says what they are doing."""
        status = {"status_text": text, "status_emoji": emoji, "status_expiration": expiration}
        self.profiles[user_id] = {"real_name": user_id.title(), **status}

    def true_answer(self, request: Request) -> Answer:
        if request.place == AUTHORIZE:
            return self._authorize(request.query)
        if request.place == ACCESS:
            return self._access({**basic_credentials(request), **request.form})
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not token:
            return no("not_authed")
        if token not in self.tokens:
            return no("invalid_auth")
        if request.place == TEST:
            whom = {"user_id": BOT, "user": "groundwork", "team_id": TEAM, "team": TEAM_NAME}
            return Answer(status=200, body={"ok": True, "url": f"{self.url}/", **whom})
        if request.place == REVOKE:
            self.tokens.discard(token)
            return Answer(status=200, body={"ok": True, "revoked": True})
        if request.place == POST:
            return self._post(request)
        return self._member(request)

    def _member(self, request: Request) -> Answer:
        id_ = arguments(request).get("user", "")
        profile = self.profiles.get(id_)
        if profile is None:
            return no("user_not_found")
        if request.place == PROFILE:
            return Answer(status=200, body={"ok": True, "profile": profile})
        user = {"id": id_, "name": id_.lower(), "deleted": False, "is_bot": False, "tz": "Europe/Berlin"}
        return Answer(status=200, body={"ok": True, "user": {**user, "profile": profile}})

    def _post(self, request: Request) -> Answer:
        message = arguments(request)
        if message["channel"] not in self.profiles:
            return no("channel_not_found")
        self.messages.append(message)
        self.wait_while_held()
        ts = f"{len(self.messages)}.000100"
        return Answer(status=200, body={"ok": True, "channel": f"D{message['channel']}", "ts": ts})

    def _authorize(self, query: Mapping[str, str]) -> Answer:
        if query.get("client_id") != CLIENT_ID or not query.get("state"):
            return Answer(status=400, body=b"invalid_client_id")
        code = secrets.token_hex(16)
        self.codes[code] = query["redirect_uri"]
        back = urlencode({"code": code, "state": query["state"]})
        return Answer(status=302, headers={"Location": f"{query['redirect_uri']}?{back}"})

    def _access(self, form: Mapping[str, str]) -> Answer:
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return no("bad_client_secret")
        redirect_url = self.codes.pop(form.get("code", ""), None)
        if redirect_url is None:
            return no("invalid_code")
        if form.get("redirect_uri") != redirect_url:
            return no("bad_redirect_uri")
        told = {
            "ok": True,
            "access_token": self.sign_in(),
            "token_type": "bot",
            "scope": "users:read,users.profile:read,chat:write",
            "bot_user_id": BOT,
            "team": {"id": TEAM, "name": TEAM_NAME},
            "authed_user": {"id": "U0ADA"},
        }
        return Answer(status=200, body=told)


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A request of Slack as it goes over the wire."""

    headers: dict[str, str]
    body: bytes


def event(kind: str, *, event_id: str = "Ev0001", **members: Any) -> bytes:
    """The body of an event."""
    told = {"type": "event_callback", "team_id": TEAM, "api_app_id": "A1", "event_id": event_id}
    return json.dumps({**told, "event_time": int(time.time()), "event": {"type": kind, **members}}).encode()


def sign(body: bytes, *, secret: str = SIGNING_SECRET, at: float | None = None, **headers: str) -> Signed:
    """Sign as Slack does, now or as if at another time."""
    timestamp = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), b":".join((b"v0", timestamp.encode(), body)), hashlib.sha256)
    signed = {"x-slack-request-timestamp": timestamp, "x-slack-signature": f"v0={digest.hexdigest()}"}
    more = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return Signed(headers={"content-type": "application/json", **signed, **more}, body=body)


def send(signed: Signed, *, url: str) -> int:
    """Post a request as Slack does; the status of the answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=10)
    connection.request("POST", parts.path, body=signed.body, headers=signed.headers)
    status = connection.getresponse().status
    connection.close()
    return status
