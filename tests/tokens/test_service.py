"""Tokens: made once, stored as a hash, scoped, ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from app.db.sessions import reading, transaction
from app.tokens.callers import ExpiredToken, InvalidToken, require
from app.tokens.models import Token
from app.tokens.scope import UnknownScope, known_scopes
from app.tokens.service import (
    InvalidTokenRequest,
    NewToken,
    TokenNameTaken,
    TokenNotFound,
    authenticate,
    create_token,
    list_tokens,
    revoke_token,
    touch,
)

pytestmark = pytest.mark.usefixtures("database")


def made(name: str = "nightly", *scopes: str, expires_in: timedelta | None = None) -> NewToken:
    with transaction() as session:
        return create_token(session, name=name, scopes=scopes or ("jobs:read",), expires_in=expires_in)


def stored(token_id: str) -> Token:
    with reading() as session:
        return session.get_one(Token, token_id)


def test_a_token_tells_who_calls_and_what_they_may() -> None:
    token = made("nightly", "jobs:read", "metrics:read")
    with reading() as session:
        caller = authenticate(session, secret=token.secret)
    assert (caller.token_id, caller.name) == (token.id, "nightly")
    assert caller.may("jobs:read")
    assert not caller.may("jobs:write")


def test_a_star_covers_scopes_of_domains_to_come() -> None:
    token = made("admin", "*")
    with reading() as session:
        assert authenticate(session, secret=token.secret).may("invented:tomorrow")


def test_the_secret_is_neither_stored_nor_shown() -> None:
    token = made()
    secret = token.secret.split("_", maxsplit=2)[2]
    assert secret not in str(vars(stored(token.id)))
    assert token.secret not in repr(token)


def test_two_secrets_have_nothing_in_common_but_their_form() -> None:
    one, other = (made(name).secret for name in ("one", "other"))
    assert one[:3] == other[:3] == "gw_"
    assert len(set(one[3:])) > 10
    assert one != other


@pytest.mark.parametrize(
    "change", [lambda s: s[:-1] + ("a" if s[-1] != "a" else "b"), lambda s: s + "a", str.upper]
)
def test_a_changed_secret_is_refused(change: object) -> None:
    assert callable(change)
    token = made()
    with reading() as session, pytest.raises(InvalidToken):
        authenticate(session, secret=change(token.secret))


def test_unknown_and_revoked_tokens_are_refused_alike() -> None:
    token = made()
    with transaction() as session:
        revoke_token(session, name_or_id="nightly")
    messages = set()
    for secret in (token.secret, "gw_000000000000_" + "x" * 43, "nonsense", ""):
        with reading() as session, pytest.raises(InvalidToken) as refused:
            authenticate(session, secret=secret)
        messages.add(str(refused.value))
    assert len(messages) == 1


def test_an_expired_token_says_so_to_its_holder_only() -> None:
    token = made(expires_in=timedelta(hours=1))
    with transaction() as session:
        past = datetime.now(UTC) - timedelta(seconds=1)
        session.execute(update(Token).where(Token.id == token.id).values(expires_at=past))
    with reading() as session:
        with pytest.raises(ExpiredToken):
            authenticate(session, secret=token.secret)
        with pytest.raises(InvalidToken):
            authenticate(session, secret=token.secret[:-1] + "~")


def test_a_revoked_tokens_name_is_free_again_and_its_row_stays() -> None:
    first = made()
    with pytest.raises(TokenNameTaken, match="nightly"):
        made()
    with transaction() as session:
        revoke_token(session, name_or_id=first.id)
    second = made()
    with reading() as session:
        assert {token.id for token in list_tokens(session)} == {first.id, second.id}


def test_a_token_cannot_be_revoked_twice() -> None:
    made()
    with transaction() as session:
        revoke_token(session, name_or_id="nightly")
    with transaction() as session, pytest.raises(TokenNotFound, match="nightly"):
        revoke_token(session, name_or_id="nightly")


def test_a_misspelt_scope_is_told_the_nearest() -> None:
    with pytest.raises(UnknownScope, match='Did you mean "jobs:read"'):
        made("nightly", "job:read")
    with pytest.raises(UnknownScope, match='Did you mean "jobs:write"'):
        require("jobs:wrote")


@pytest.mark.parametrize("name", ["", " ", "a b", "-a", "x" * 65, "a\nb", "ü"])
def test_a_name_that_would_spoil_a_log_line_is_refused(name: str) -> None:
    with pytest.raises(InvalidTokenRequest, match="name"):
        made(name)


@pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(seconds=-1), timedelta(days=10_000)])
def test_a_lifetime_must_lie_ahead_and_within_reason(lifetime: timedelta) -> None:
    with pytest.raises(InvalidTokenRequest, match="expire"):
        made(expires_in=lifetime)


def test_a_token_without_scopes_is_refused() -> None:
    with transaction() as session, pytest.raises(InvalidTokenRequest, match="no scope"):
        create_token(session, name="nightly", scopes=[])


def test_every_scope_says_what_it_allows() -> None:
    scopes = known_scopes()
    assert {"*", "jobs:read", "jobs:write", "jobs:retry", "metrics:read"} <= set(scopes)
    assert all(scopes.values())


def test_the_last_use_is_written_down_once_a_minute() -> None:
    token = made()
    assert stored(token.id).last_used_at is None
    uses = []
    for _ in range(2):
        with transaction() as session:
            touch(session, token_id=token.id)
        uses.append(stored(token.id).last_used_at)
    assert uses[0] == uses[1] is not None
