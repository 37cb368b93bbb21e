"""A page is asked for while the one before is read: one and no more, and nothing of it is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.domains.banking.errors import PlaidUnavailable
from app.domains.banking.plaid.ahead import Ahead
from app.domains.banking.plaid.client import Plaid
from app.jobs.errors import NotYourTurn
from tests.domains.banking.linking import port, small_pages
from tests.fakes.plaid.server import SYNC
from tests.servers import wait_until

if TYPE_CHECKING:
    from tests.fakes.plaid import FakePlaid
    from tests.fakes.plaid.bank import Item


@pytest.fixture
def item(plaid: FakePlaid, monkeypatch: pytest.MonkeyPatch) -> Item:
    """An item of three pages."""
    small_pages(monkeypatch, 10)
    made = plaid.bank.new_item()
    made.history.fill(account_id=made.account.id, count=25)
    return made


def asked(plaid: FakePlaid) -> list[str | None]:
    return [body.get("cursor") for path, body in plaid.requests if path == SYNC]


def wait_for(plaid: FakePlaid, *, count: int) -> None:
    """Until so many pages are asked for."""
    wait_until(lambda: len(asked(plaid)) >= count, seconds=10, what="the next page is asked for")


def test_one_page_is_asked_for_ahead_and_each_once(plaid: FakePlaid, item: Item) -> None:
    cursor, sizes = None, []
    with Ahead() as ahead:
        for number in (1, 2, 3):
            page = port().changes(access_token=item.access_token, cursor=cursor, ahead=ahead)
            cursor = page.cursor
            sizes.append(len(page.put))
            wait_for(plaid, count=min(number + 1, 3))
    assert sizes == [10, 10, 5]
    assert asked(plaid) == [None, "10.25", "20.25"]


def test_what_goes_wrong_with_the_next_page_is_raised_when_it_is_wanted(plaid: FakePlaid, item: Item) -> None:
    plaid.faults.break_down(SYNC, after=1)
    token = item.access_token
    with Ahead() as ahead:
        page = port().changes(access_token=token, cursor=None, ahead=ahead)
        with pytest.raises(PlaidUnavailable):
            port().changes(access_token=token, cursor=page.cursor, ahead=ahead)
        assert len(port().changes(access_token=token, cursor=page.cursor, ahead=ahead).put) == 10


def test_a_page_is_given_though_it_is_not_the_next_ones_turn(plaid: FakePlaid, item: Item) -> None:
    turns = iter([None])

    def take() -> None:
        if next(turns, "none") == "none":
            raise NotYourTurn(partition="test")

    token = item.access_token
    with Ahead() as ahead:
        page = Plaid(turn=take).changes(access_token=token, cursor=None, ahead=ahead)
        assert len(page.put) == 10
        with pytest.raises(NotYourTurn):
            Plaid(turn=take).changes(access_token=token, cursor=page.cursor, ahead=ahead)
    assert asked(plaid) == [None]


def test_who_wants_no_more_does_not_wait_for_an_answer(plaid: FakePlaid, item: Item) -> None:
    held = plaid.faults.hold(SYNC, after=1)
    with Ahead() as ahead:
        port().changes(access_token=item.access_token, cursor=None, ahead=ahead)
        assert held.reached.wait(10)
    assert not held.is_released
    held.release()
