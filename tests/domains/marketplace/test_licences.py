"""Licences: what is good for what, on how many devices, and who guesses."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from app.db.sessions import reading, transaction
from app.domains.marketplace.licences import checking, issuing
from app.domains.marketplace.licences.errors import (
    LicenceNotFound,
    TooManyDevices,
    TooManyGuesses,
    UnknownKey,
    UnusableLicence,
)
from app.domains.marketplace.licences.guesses import FREE, MAX_REMEMBERED, SECONDS_EACH, Guesses
from app.domains.marketplace.licences.models import LicenceActivation
from app.logs.masking import without_secrets
from tests.domains.marketplace.market import NOW, add_model, add_tier, licences, pay, place
from tests.domains.marketplace.test_orders import at_once
from tests.domains.notifications.people import add_user

pytestmark = pytest.mark.usefixtures("database")


def buy(**tier: object) -> str:
    """A licence; its key."""
    pay(place(add_user(), add_tier(add_model(), **tier)))
    return licences()[-1].key


def activate(key: str, device: str = "laptop", **more: object) -> checking.Checked:
    with transaction() as session:
        return checking.activate(session, key=key, device=device, **{"now": NOW} | more)  # type: ignore[arg-type]


def check(key: str, device: str | None = None, **more: object) -> checking.Checked:
    with reading() as session:
        return checking.check(session, key=key, device=device, **{"now": NOW} | more)  # type: ignore[arg-type]


def test_a_key_is_stored_sealed_and_looked_up_by_its_hash() -> None:
    key = buy()
    with reading() as session:
        [row] = session.execute(text("SELECT digest, key FROM licence")).all()
    assert key not in str(row)
    assert row.digest == issuing.digest_of(key)
    assert (len(key), key[:4]) == (47, "gwk_")
    assert key not in without_secrets(f"the key {key} came"), "no log has it either"


def test_a_licence_is_used_on_so_many_devices() -> None:
    key = buy(max_activations=2)
    assert activate(key) == activate(key), "the same device is the same use"
    assert activate(key, "server").activations == 2
    with pytest.raises(TooManyDevices, match="on 2 devices"):
        activate(key, "phone")
    assert activate(key).is_valid
    assert (check(key, "phone").is_valid, check(key).is_valid) == (False, True)


def test_of_several_devices_at_once_no_more_than_the_licence_is_for_are_taken() -> None:
    key = buy(max_activations=2)
    found = at_once(lambda number: activate(key, f"device-{number}"))
    assert sum(isinstance(one, checking.Checked) for one in found) == 2, found
    assert {type(one) for one in found if isinstance(one, Exception)} == {TooManyDevices}
    with reading() as session:
        assert len(session.scalars(select(LicenceActivation.device)).all()) == 2


@pytest.mark.databases("sqlite")
def test_a_licence_ends_to_the_second_and_one_that_is_revoked_at_once() -> None:
    key = buy(period="monthly")
    activate(key)
    [licence] = licences()
    assert licence.expires_at is not None
    last = licence.expires_at - timedelta(microseconds=1)
    assert check(key, "laptop", now=last).is_valid
    assert check(key, now=licence.expires_at).standing == "expired"
    with pytest.raises(UnusableLicence, match="is expired"):
        activate(key, now=licence.expires_at)
    for _ in range(2):
        with transaction() as session:
            assert issuing.revoke(session, licence_id=licence.id, now=last).revoked_at == last
    assert (check(key).standing, check(key).is_valid) == ("revoked", False)
    with pytest.raises(LicenceNotFound), transaction() as session:
        issuing.revoke(session, licence_id=4_711, now=NOW)


@pytest.mark.databases("sqlite")
def test_what_is_no_key_is_answered_alike() -> None:
    key = buy()
    no_keys = ["", "gwk_", "x" * 200, "gwk_" + "A" * 43, "ключ", "gwk_\x00", "' OR 1=1", key.swapcase()]
    for asked in (check, activate):
        for one in no_keys:
            with pytest.raises(UnknownKey):
                asked(one)


@pytest.mark.databases("sqlite")
def test_a_network_guesses_no_faster_than_it_may_and_holds_up_no_other() -> None:
    guesses = Guesses()
    for _ in range(FREE):
        guesses.refuse("203.0.113.9", now=100.0)
        guesses.count("203.0.113.9", now=100.0)
    with pytest.raises(TooManyGuesses, match="in 1 seconds") as refused:
        guesses.refuse("203.0.113.9", now=100.0)
    assert refused.value.retry_after == 1
    guesses.refuse("203.0.113.10", now=100.0)
    guesses.refuse("203.0.113.9", now=100.0 + SECONDS_EACH)
    for number in range(MAX_REMEMBERED + 10):
        guesses.count(f"network {number}", now=100.0)
    assert len(guesses._paid_at) <= MAX_REMEMBERED
