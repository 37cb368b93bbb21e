"""Tokens stay good while several processes use them, and none loses what another has got."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from app.domains.billing.integrations.errors import AccessTokenRefused, GrantRevoked, TokensReplaced
from app.domains.billing.integrations.google import sign_in
from app.domains.billing.integrations.google.client import GoogleCalendar
from app.domains.billing.integrations.oauth import grants
from app.domains.billing.integrations.oauth.refreshing import Access, Tokens
from tests.domains.billing.integrations.sides import no_turn
from tests.fakes.google import PRIMARY, TOKEN, problem
from tests.fakes.oauth import Rotation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.domains.billing.integrations.oauth.grants import Grant
    from tests.fakes.google import GoogleServer


@dataclass
class Row:
    """Tokens in memory, for all threads of a test; as the database does, it lets one refresh at a time."""

    tokens: Tokens
    _refreshing: threading.Lock = field(default_factory=threading.Lock)
    #: Whether a process that was held up for long comes in all the same.
    lease_has_ended: bool = False

    def read(self) -> Tokens:
        return self.tokens

    @contextmanager
    def alone(self) -> Iterator[Tokens]:
        if self.lease_has_ended:
            yield self.tokens
            return
        if not self._refreshing.acquire(blocking=False):
            raise TokensReplaced(integration_id=1)
        try:
            yield self.tokens
        finally:
            self._refreshing.release()

    def replace(self, old: Tokens, grant: Grant) -> Tokens:
        if self.tokens.generation == old.generation:
            self.tokens = Tokens(
                access_token=grant.access_token,
                refresh_token=grant.refresh_token or old.refresh_token,
                expires_at=grant.expires_at,
                generation=old.generation + 1,
            )
        return self.tokens


def now() -> datetime:
    return datetime.now(UTC)


def row_of(server: GoogleServer, *, seconds: float = 3_600) -> Row:
    access, refresh = server.oauth.sign_in()
    return Row(
        Tokens(
            access_token=access,
            refresh_token=refresh,
            expires_at=now() + timedelta(seconds=seconds),
            generation=1,
        )
    )


def access_of(row: Row) -> Access:
    def refresh(refresh_token: str) -> Grant:
        return grants.refresh(sign_in.client(), refresh_token=refresh_token, now=now())

    return Access(store=row, refresh=refresh, now=now)


def whose(row: Row) -> str:
    return access_of(row).call(GoogleCalendar(turn=no_turn).account).id


def test_a_token_that_is_good_is_used(google: GoogleServer) -> None:
    assert whose(row_of(google)) == "ada@example.org"
    assert google.count(TOKEN) == 0


def test_a_token_about_to_end_is_refreshed_before_it_is_used(google: GoogleServer) -> None:
    row = row_of(google, seconds=60)
    assert whose(row)
    assert (google.count(TOKEN), google.count(PRIMARY), row.tokens.generation) == (1, 1, 2)


def test_a_token_that_ended_early_is_refreshed_once(google: GoogleServer) -> None:
    row = row_of(google)
    google.oauth.expire()
    assert whose(row)
    assert (google.count(TOKEN), google.count(PRIMARY)) == (1, 2)


def test_a_new_token_that_is_refused_as_well_is_not_refreshed_again(google: GoogleServer) -> None:
    google.plan(PRIMARY, *[problem(401, "authError")] * 5)
    with pytest.raises(AccessTokenRefused):
        whose(row_of(google))
    assert (google.count(TOKEN), google.count(PRIMARY)) == (1, 2)


def test_a_refresh_token_that_is_replaced_is_kept_in_place_of_the_old_one(google: GoogleServer) -> None:
    google.oauth.rotation = Rotation.USED_UP
    row = row_of(google)
    for _ in range(3):
        google.oauth.expire()
        assert whose(row)
    assert google.oauth.refresh_tokens == {row.tokens.refresh_token}


def test_one_that_is_not_replaced_stays(google: GoogleServer) -> None:
    row = row_of(google)
    before = row.tokens.refresh_token
    google.oauth.expire()
    whose(row)
    assert row.tokens.refresh_token == before


def test_a_permission_that_is_gone_is_told_as_such(google: GoogleServer) -> None:
    row = row_of(google)
    google.oauth.revoke()
    with pytest.raises(GrantRevoked, match="invalid_grant"):
        whose(row)
    assert row.tokens.generation == 1


def test_tokens_that_another_process_got_meanwhile_are_used(google: GoogleServer) -> None:
    google.oauth.rotation = Rotation.USED_UP
    row = row_of(google)

    def other_process() -> None:
        google.oauth.expire()
        access_of(row).renewed(row.tokens)

    google.plan(PRIMARY, other_process)
    assert whose(row)
    assert (google.count(TOKEN), row.tokens.generation) == (1, 2)


def test_a_refresh_token_that_another_process_used_up_at_that_moment_is_no_lost_permission(
    google: GoogleServer,
) -> None:
    google.oauth.rotation = Rotation.USED_UP
    row = row_of(google)
    row.lease_has_ended = True
    google.oauth.expire()
    # The other one is first, although this one was before it at the door.
    google.plan(TOKEN, lambda: access_of(row).renewed(row.tokens))
    assert whose(row)
    assert (google.count(TOKEN), row.tokens.generation) == (2, 2)
    assert google.oauth.refresh_tokens == {row.tokens.refresh_token}


def test_an_answer_that_comes_late_does_not_take_the_place_of_a_newer_one(google: GoogleServer) -> None:
    google.oauth.rotation = Rotation.REPLACED
    row = row_of(google)
    row.lease_has_ended = True
    stale = row.tokens
    google.plan(TOKEN, lambda: access_of(row).renewed(stale))
    used = access_of(row).renewed(stale)
    assert row.tokens.generation == 2
    assert used == row.tokens


def test_many_at_once_refresh_once(google: GoogleServer) -> None:
    google.oauth.rotation = Rotation.USED_UP
    row = row_of(google)
    google.oauth.expire()
    together, told = threading.Barrier(8), []

    def use() -> None:
        together.wait()
        try:
            told.append(whose(row))
        except TokensReplaced:
            told.append("later")

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(told), google.count(TOKEN), row.tokens.generation) == (8, 1, 2)
    assert set(told) <= {"ada@example.org", "later"}


def test_tokens_do_not_show() -> None:
    tokens = Tokens(access_token="ya29.secret", refresh_token="1//0secret", expires_at=now(), generation=1)
    assert "secret" not in repr(tokens)
