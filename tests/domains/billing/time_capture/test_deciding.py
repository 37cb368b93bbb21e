"""Entries are approved and rejected, one by one and many at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from app.db.sessions import reading, transaction
from app.domains.billing.charging.periods import Period
from app.domains.billing.time_capture import deciding, entries
from app.domains.billing.time_capture.deciding import CHUNK, MAX_NAMED, Decided, Decision
from app.domains.billing.time_capture.errors import EntryDecided, EntryNotFound
from app.domains.billing.time_capture.listing import Wanted
from app.domains.billing.time_capture.models import EntryState, TimeEntry
from tests.domains.banking.home import add_rows
from tests.domains.billing import trade

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.domains.billing.trade import Trade

ONE = pytest.mark.databases("sqlite")
NOW = datetime(2026, 4, 1, tzinfo=UTC)
PENDING, APPROVED, REJECTED, BILLED = EntryState


@pytest.fixture
def made(database: Engine) -> Trade:
    return trade.set_up()


def approval(by: int | None = None) -> Decision:
    return Decision(state=APPROVED, by=by, at=NOW)


def rejection(reason: str = "Not ours", by: int | None = None) -> Decision:
    return Decision(state=REJECTED, by=by, at=NOW, reason=reason)


def decide(entry_id: int, decision: Decision) -> TimeEntry:
    with transaction() as session:
        return deciding.decide(session, entry_id=entry_id, decision=decision)


def reopen(entry_id: int) -> TimeEntry:
    with transaction() as session:
        return deciding.reopen(session, entry_id=entry_id, now=NOW)


def decide_all(made: Trade, ids: list[int], decision: Decision) -> Decided:
    with transaction() as session:
        return deciding.decide_all(session, tenant_id=made.tenant, ids=ids, decision=decision)


def decide_wanted(
    made: Trade,
    wanted: Wanted | None = None,
    *,
    decision: Decision | None = None,
    after: int | None = None,
    at_most: int = 100,
) -> Decided:
    with transaction() as session:
        return deciding.decide_wanted(
            session,
            tenant_id=made.tenant,
            wanted=wanted or Wanted(),
            decision=decision or approval(),
            after=after,
            at_most=at_most,
        )


def states(*ids: int) -> list[str]:
    with reading() as session:
        return [entries.entry(session, entry_id=entry_id).state for entry_id in ids]


def test_an_entry_is_approved_or_rejected_once(made: Trade) -> None:
    first, second = made.add_entry(), made.add_entry()
    for by in (made.admin, None):
        found = decide(first, approval(by))
        assert (found.state, found.decided_by, found.decided_at) == ("approved", made.admin, NOW)
    for reason in ("Not ours", "Another"):
        assert decide(second, rejection(reason)).reason == "Not ours"
    with pytest.raises(EntryDecided, match=f"Entry {first} is approved and stays as it is. An admin"):
        decide(first, rejection())
    with pytest.raises(EntryDecided, match=f"Entry {second} is rejected"):
        decide(second, approval())
    with pytest.raises(EntryNotFound):
        decide(4711, approval())


def test_what_was_decided_is_reopened_unless_it_was_billed(made: Trade) -> None:
    entry_id = made.add_entry()
    for decision in (approval(made.admin), rejection()):
        decide(entry_id, decision)
        found = reopen(entry_id)
        assert (found.state, found.decided_by, found.decided_at, found.reason) == (
            "pending",
            None,
            None,
            None,
        )
    assert reopen(entry_id).state == "pending"
    billed = made.add_entry(state=BILLED)
    with pytest.raises(EntryDecided, match="is billed and stays as it is"):
        reopen(billed)


def test_many_are_decided_and_those_that_may_not_be_are_named(made: Trade) -> None:
    pending, approved, rejected, billed = (made.add_entry(state=state) for state in EntryState)
    theirs = trade.set_up(name="Else").add_entry()
    found = decide_all(
        made, [billed, pending, approved, pending, theirs, rejected, 4711], approval(made.admin)
    )
    assert (found.decided, found.unchanged, found.refused, found.next) == (1, 1, 4, None)
    assert [(one.entry_id, one.code) for one in found.why] == [
        (theirs, "entry_not_found"),
        (4711, "entry_not_found"),
        (rejected, "entry_decided"),
        (billed, "entry_decided"),
    ]
    assert "Credit its invoice" in found.why[-1].detail
    assert states(pending, approved, rejected, billed, theirs) == [
        "approved", "approved", "rejected", "billed", "pending",
    ]  # fmt: skip


def test_a_month_by_the_clocks_of_the_clients_is_approved(made: Trade) -> None:
    tokyo = made.add_project("Tokyo", client=made.add_client(timezone="Asia/Tokyo"))
    last = "2026-03-31T20:00:00+00:00"  # 22:00 in Berlin, and April in Tokyo
    first = "2026-02-28T23:30:00+00:00"  # March in both
    inside = [made.add_entry(last, last), made.add_entry(first, first)]
    inside += [made.add_entry(first, first, project_id=tokyo)]
    outside = [made.add_entry(last, last, project_id=tokyo)]
    outside += [made.add_entry("2026-02-28T22:59:59+00:00", first)]
    found = decide_wanted(made, Wanted(period=Period(year=2026, month=3)))
    assert (found.decided, found.unchanged, found.refused) == (3, 0, 0)
    assert states(*inside) == ["approved"] * 3
    assert states(*outside) == ["pending"] * 2


@ONE
def test_what_entries_have_in_common(made: Trade) -> None:
    ann, other = made.join(), made.add_project("Other")
    client = made.add_client()
    of_ann, of_other = made.add_entry(worker=ann), made.add_entry(project_id=other)
    of_client = made.add_entry(project_id=made.add_project("Third", client=client))
    later = made.add_entry()
    for wanted, hit in (
        (Wanted(user_id=ann), of_ann),
        (Wanted(project_id=other), of_other),
        (Wanted(client_id=client), of_client),
        (Wanted(state=PENDING, upto_id=later - 1), None),
    ):
        found = decide_wanted(made, wanted)
        assert found.decided == (1 if hit else 0)
        assert hit is None or states(hit) == ["approved"]
    assert states(later) == ["pending"]
    assert decide_wanted(trade.set_up(name="Else")).decided == 0


@ONE
def test_many_are_decided_in_parts(made: Trade) -> None:
    ids = [made.add_entry() for _ in range(5)]
    after, decided, parts = None, 0, 0
    while True:
        found = decide_wanted(made, after=after, at_most=2)
        decided, parts, after = decided + found.decided, parts + 1, found.next
        if after is None:
            break
    assert (decided, parts) == (5, 3)
    assert set(states(*ids)) == {"approved"}


@ONE
def test_more_than_a_statement_takes_and_more_than_are_named(made: Trade) -> None:
    row = {"project_id": made.project, "user_id": made.admin, "source": "manual", "timezone": "UTC"}
    row |= {"started_at": NOW, "ended_at": NOW, "description": "", "created_at": NOW, "changed_at": NOW}
    rows = [row | {"state": PENDING}] * (CHUNK + 1) + [row | {"state": BILLED}] * (MAX_NAMED + 1)
    add_rows(TimeEntry, rows)
    found = decide_wanted(made, at_most=10 * CHUNK, decision=rejection())
    assert (found.decided, found.refused, len(found.why)) == (CHUNK + 1, MAX_NAMED + 1, MAX_NAMED)


def test_two_who_decide_the_opposite_at_once_do_not_both_win(made: Trade) -> None:
    ids = [made.add_entry() for _ in range(20)]
    ready = Barrier(2)

    def decided(order: list[int], decision: Decision) -> Decided:
        ready.wait()
        return decide_all(made, order, decision)

    with ThreadPoolExecutor(2) as threads:
        approved = threads.submit(decided, ids, approval())
        rejected = threads.submit(decided, ids[::-1], rejection())
        counts = [one.result().decided for one in (approved, rejected)]
    assert sorted(counts) == [0, 20]
    assert len(set(states(*ids))) == 1


@pytest.mark.databases("postgresql")
def test_who_bills_entries_meanwhile_is_not_waited_for(made: Trade) -> None:
    approved, pending = made.add_entry(state=APPROVED), made.add_entry()
    with ThreadPoolExecutor(1) as threads, transaction() as session:
        entries.entry(session, entry_id=approved, lock=True)
        found = threads.submit(decide_wanted, made).result(timeout=30)
    assert (found.decided, found.unchanged) == (1, 1)
    assert states(pending) == ["approved"]
