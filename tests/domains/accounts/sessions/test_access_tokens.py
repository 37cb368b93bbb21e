"""An access token is ours, unchanged and in time, or it is none."""

from __future__ import annotations

import base64
import json
import secrets
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from app.db.encryption import signing_keys
from app.domains.accounts.sessions.access_tokens import (
    ALGORITHM,
    AUDIENCE,
    ISSUER,
    LEEWAY,
    PURPOSE,
    issue,
    lifetime,
    read,
)
from app.settings.config import settings
from app.tokens.callers import ExpiredToken, InvalidToken
from tests.api_client import anonymous
from tests.domains.accounts.people import ME, add_person, sign_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine


def claims(**changed: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "1",
        "sid": "s",
        "jti": "j",
        "iat": now,
        "exp": now + lifetime(),
    }
    return {name: value for name, value in (good | changed).items() if value is not None}


def signed(*, key: bytes | None = None, algorithm: str = ALGORITHM, **changed: Any) -> str:
    return jwt.encode(claims(**changed), key or signing_keys(PURPOSE)[0], algorithm=algorithm)


def without(name: str) -> str:
    return jwt.encode(claims(**{name: None}), signing_keys(PURPOSE)[0], algorithm=ALGORITHM)


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_what_was_issued_is_read(configure: Callable[..., None]) -> None:
    configure()
    found = read(issue(user_id=7, session_id="abc"))
    assert found.session_id == "abc"
    assert abs(found.expires_at - datetime.now(UTC) - lifetime()) < timedelta(seconds=60)


def ago(span: timedelta) -> datetime:
    return datetime.now(UTC) - span


WRONG: dict[str, Callable[[], str]] = {
    "alg none": lambda: f"{part({'alg': 'none'})}.{signed().split('.')[1]}.",
    "alg None with our signature": lambda: ".".join([part({"alg": "None"}), *signed().split(".")[1:]]),
    "another alg": lambda: signed(algorithm="HS384", key=secrets.token_bytes(64)),
    "another key": lambda: signed(key=secrets.token_bytes(32)),
    "the secret key itself": lambda: signed(key=settings().secret_key.get_secret_value().encode()),
    "the key of another purpose": lambda: signed(key=signing_keys("CSRF tokens")[0]),
    "no signature": lambda: signed().rpartition(".")[0] + ".",
    "other claims under the signature": lambda: ".".join(
        [signed().split(".")[0], part({"sub": "1"}), signed().split(".")[2]]
    ),
    "another issuer": lambda: signed(iss="https://elsewhere.example.org"),
    "another audience": lambda: signed(aud="another"),
    "a list of audiences without ours": lambda: signed(aud=["another", "third"]),
    "made in the future": lambda: signed(iat=ago(-2 * LEEWAY), exp=ago(-2 * LEEWAY) + lifetime()),
    "good until the far future": lambda: signed(exp=datetime(9999, 12, 31, tzinfo=UTC)),
    "good for ever": lambda: signed(exp=10**30),
    "not yet good": lambda: signed(nbf=ago(-timedelta(hours=1))),
    "a session that is no text": lambda: signed(sid=["s"]),
    "a number that is none": lambda: signed(exp="soon"),
    "no JSON": lambda: f"{part({'alg': 'HS256'})}.eA.eA",
    "garbage": lambda: "a.b.c",
    "dots": lambda: "..",
} | {f"without {name}": partial(without, name) for name in ("iss", "aud", "sub", "sid", "iat", "exp", "jti")}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_not_ours_or_was_changed_is_refused(configure: Callable[..., None], wrong: str) -> None:
    configure()
    with pytest.raises(InvalidToken):
        read(WRONG[wrong]())


def test_what_has_expired_is_said_to_have(configure: Callable[..., None]) -> None:
    configure()
    with pytest.raises(ExpiredToken, match="expired at"):
        read(signed(iat=ago(lifetime()), exp=ago(timedelta(seconds=1))))


def test_another_secret_key_takes_over_while_tokens_are_out(configure: Callable[..., None]) -> None:
    old, new = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    configure(secret_key=old)
    before = issue(user_id=1, session_id="s")
    configure(secret_key=new, other_secret_keys=old)
    assert read(before).session_id == "s"
    after = issue(user_id=1, session_id="t")
    configure(secret_key=new, other_secret_keys="")
    assert read(after).session_id == "t"
    with pytest.raises(InvalidToken):
        read(before)


@pytest.mark.databases("sqlite")
def test_the_api_refuses_them_alike(database: Engine) -> None:
    add_person()
    assert sign_in(anonymous()).status_code == 200
    wrong = [make() for make in WRONG.values()]
    for token in [*wrong, "x" * 5_000, f"{'a' * 500}.{'b' * 500}.{'c' * 500}"]:
        answer = anonymous().get(ME, headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    expired = signed(iat=ago(lifetime()), exp=ago(timedelta(seconds=1)))
    answer = anonymous().get(ME, headers={"Authorization": f"Bearer {expired}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "expired_token")
    unknown = anonymous().get(ME, headers={"Authorization": f"Bearer {signed()}"})
    assert (unknown.status_code, unknown.json()["code"]) == (401, "invalid_token"), "its session is nobody's"
