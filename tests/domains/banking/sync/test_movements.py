"""Pages are written by one statement each, whatever they say, and however often of the same transaction."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from tests.domains.banking.linking import at_bank, link, run_sync, small_pages, stored
from tests.fakes.plaid.history import Tx

if TYPE_CHECKING:
    from tests.fakes.plaid import FakePlaid
    from tests.fakes.plaid.bank import Item


@pytest.fixture
def item(plaid: FakePlaid) -> Item:
    return plaid.bank.new_item()


def tx(item: Item, id_: str, **values: Any) -> Tx:
    return Tx(**{"id": id_, "account_id": item.account.id, "cents": 1234, **values})


@pytest.mark.parametrize("size", [1, 2, 500])
def test_a_transaction_that_comes_again_and_again_is_stored_as_it_was_told_last(
    plaid: FakePlaid, item: Item, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    small_pages(monkeypatch, size)
    twice, changed, gone = (item.add(tx(item, name)) for name in ("twice", "changed", "gone"))
    item.add(twice)
    item.modify(changed, cents=1)
    item.modify(changed, cents=2, day=date(2026, 2, 1))
    item.modify(gone, cents=3)
    item.remove(gone)
    item.remove(gone)
    item_id = link(item)
    run_sync(item_id)
    assert stored(item_id) == at_bank(item)
    assert sorted(stored(item_id)) == ["changed", "twice"]


def test_what_no_bank_tells_is_stored_as_it_is(plaid: FakePlaid, item: Item) -> None:
    names = ["NULL", "null", "", "{}", '{"a","b"}', "a,b", "'; DROP TABLE bank_transaction; --", "\\", '\\"']
    names += ["%s %(name)s $1 :name", "قهوة", "☕" * 100, " in the middle "]
    for number, name in enumerate(names):
        item.add(tx(item, f"text {number}", name=name))
    item.add(tx(item, "first day", day=date.min))
    item.add(tx(item, "last day", day=date.max))
    item.add(tx(item, "most", cents=10**15 - 1))
    item.add(tx(item, "least", cents=-(10**15) + 1))
    item.add(tx(item, "nothing", cents=0, category=None))
    item_id = link(item)
    assert run_sync(item_id).set_aside == 0
    assert stored(item_id) == at_bank(item)


def test_a_page_that_has_no_value_in_a_column_is_stored(plaid: FakePlaid, item: Item) -> None:
    item.distorted |= {name: {"merchant_name": None, "authorized_date": None} for name in ("a", "b")}
    for name in ("a", "b"):
        item.add(tx(item, name, category=None))
    item_id = link(item)
    run_sync(item_id)
    assert stored(item_id) == at_bank(item)
