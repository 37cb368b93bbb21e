"""Firebase Cloud Messaging and Google's sign-in: takes messages, and fails as it is told."""

from __future__ import annotations

import json
import secrets
import threading
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes.smtp import Held

PROJECT = "groundwork-test"
EMAIL = f"push@{PROJECT}.example"
#: Whom an account's assertion is for, wherever its `token_uri` leads.
AUDIENCE = "https://oauth2.googleapis.com/token"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one request gets instead of a yes."""

    status: int
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    #: The message is taken, and nobody is told.
    hangs_up: bool = False


def problem(status: int, name: str, *details: dict[str, Any], **headers: str) -> Answer:
    """An error in the form in which Google gives it."""
    error = {"code": status, "message": f"{name} on demand", "status": name, "details": list(details)}
    return Answer(status=status, body={"error": error}, headers=headers)


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


HANGS_UP = Answer(status=0, hangs_up=True)


@dataclass
class FcmServer:
    """Listens on a free port of loopback from `start` to `close`."""

    #: What was taken, with the token that it was sent with.
    messages: list[dict[str, Any]] = field(default_factory=list)
    #: Answers of the next messages; each is given once.
    answers: list[Answer] = field(default_factory=list)
    #: Answers of the next messages to one address; each is given once.
    answers_to: dict[str, list[Answer]] = field(default_factory=dict)
    sign_in_answers: list[Answer] = field(default_factory=list)
    sign_ins: int = 0
    valid_tokens: set[str] = field(default_factory=set)
    token_seconds: int = 3_600
    held: Held | None = None
    _server: ThreadingHTTPServer | None = None

    def start(self) -> FcmServer:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def close(self) -> None:
        if self.held:
            self.held.released.set()
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    def hold(self) -> Held:
        """Keep the answer to the next message back; the message is taken by then."""
        self.held = Held()
        return self.held

    @property
    def url(self) -> str:
        assert self._server
        return f"http://127.0.0.1:{self._server.server_address[1]}"

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
        if held := self.held:
            self.held = None
            held.reached.set()
            held.released.wait(60)
        name = f"projects/{PROJECT}/messages/{len(self.messages)}"
        return answer or Answer(status=200, body={"name": name})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                if self.path == "/token":
                    self._answer(fake.sign_in(parse_qs(body.decode())))
                elif self.path == f"/v1/projects/{PROJECT}/messages:send":
                    token = self.headers.get("authorization", "").removeprefix("Bearer ")
                    self._answer(fake.take(json.loads(body)["message"], token=token))
                else:
                    self._answer(problem(404, "NOT_FOUND"))

            def _answer(self, answer: Answer) -> None:
                if answer.hangs_up:
                    self.close_connection = True
                    return
                content = json.dumps(answer.body).encode()
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments: Any) -> None:
                """Nothing: a test's output is the test's."""

        return Handler
