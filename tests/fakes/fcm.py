"""Firebase Cloud Messaging and Google's sign-in: takes messages, and fails as it is told."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes.http_server import Answer, HttpFake, Request

PROJECT = "groundwork-test"
EMAIL = f"push@{PROJECT}.example"
#: Whom an account's assertion is for, wherever its `token_uri` leads.
AUDIENCE = "https://oauth2.googleapis.com/token"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"


def problem(status: int, name: str, *details: dict[str, Any], **headers: str) -> Answer:
    """An error in the form in which Google gives it."""
    error = {"code": status, "message": f"{name} on demand", "status": name, "details": list(details)}
    named = {header.replace("_", "-"): value for header, value in headers.items()}
    return Answer(status=status, body={"error": error}, headers=named)


def unregistered() -> Answer:
    """The answer for a device that is gone."""
    return problem(404, "NOT_FOUND", {"@type": FCM_ERROR, "errorCode": "UNREGISTERED"})


def invalid(field_name: str) -> Answer:
    """The answer for a message of which a field cannot be."""
    return problem(
        400,
        "INVALID_ARGUMENT",
        {"@type": BAD_REQUEST, "fieldViolations": [{"field": field_name, "description": "is not valid"}]},
        {"@type": FCM_ERROR, "errorCode": "INVALID_ARGUMENT"},
    )


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


@dataclass
class FcmServer(HttpFake):
    """Google, as far as push messages need it."""

    #: What was taken, with the token that it was sent with.
    messages: list[dict[str, Any]] = field(default_factory=list)
    #: Answers of the next messages to one address; each is given once.
    answers_to: dict[str, list[Answer]] = field(default_factory=dict)
    sign_in_answers: list[Answer] = field(default_factory=list)
    sign_ins: int = 0
    valid_tokens: set[str] = field(default_factory=set)
    token_seconds: int = 3_600

    def credentials(self, **changes: str | None) -> str:
        """The JSON of a service account that may send here; what is None is left out."""
        pem = _key().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        account = {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": secrets.token_hex(8),
            "private_key": pem.decode(),
            "client_email": EMAIL,
            "token_uri": f"{self.url}/token",
        }
        changed = (account | changes).items()
        return json.dumps({name: value for name, value in changed if value is not None})

    def answer(self, request: Request) -> Answer:
        if request.path == "/token":
            return self.sign_in(parse_qs(request.body.decode()))
        if request.path != f"/v1/projects/{PROJECT}/messages:send":
            return problem(404, "NOT_FOUND")
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        return self.take(request.json["message"], token=token)

    def sign_in(self, form: dict[str, list[str]]) -> Answer:
        """A token for whoever proves to be the account."""
        self.sign_ins += 1
        if self.sign_in_answers:
            return self.sign_in_answers.pop(0)
        try:
            claims = jwt.decode(
                form["assertion"][0],
                _key().public_key(),
                algorithms=["RS256"],
                audience=AUDIENCE,
                issuer=EMAIL,
                options={"require": ["exp", "iat"]},
            )
        except (jwt.InvalidTokenError, KeyError):
            return Answer(status=400, body={"error": "invalid_grant"})
        if form.get("grant_type") != [GRANT] or claims["scope"] != SCOPE:
            return Answer(status=400, body={"error": "invalid_scope"})
        token = secrets.token_hex(8)
        self.valid_tokens.add(token)
        return Answer(
            status=200,
            body={"access_token": token, "expires_in": self.token_seconds, "token_type": "Bearer"},
        )

    def take(self, message: dict[str, Any], *, token: str) -> Answer:
        """The answer to a message."""
        if token not in self.valid_tokens:
            return problem(401, "UNAUTHENTICATED")
        waiting = self.answers_to.get(message["token"]) or self.answers
        answer = waiting.pop(0) if waiting else None
        if answer is not None and not answer.hangs_up:
            return answer
        self.messages.append(message)
        self.wait_while_held()
        name = f"projects/{PROJECT}/messages/{len(self.messages)}"
        return answer or Answer(status=200, body={"name": name})
