"""What happened to the transactions of an item, in order: the log that cursors point into."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST_DAY = date(2026, 1, 1)
CATEGORIES = ("FOOD_AND_DRINK", "TRANSPORTATION", "INCOME", "GENERAL_MERCHANDISE")


@dataclass(frozen=True, kw_only=True)
class Tx:
    """A transaction as the bank keeps it; `cents` is what left the account, as Plaid counts."""

    id: str
    account_id: str
    cents: int
    currency: str = "USD"
    unofficial: bool = False
    day: date = FIRST_DAY
    name: str = "Shop"
    pending: bool = False
    pending_id: str | None = None
    category: str | None = "FOOD_AND_DRINK"


class Kind(StrEnum):
    ADDED = "added"
    MODIFIED = "modified"
    REMOVED = "removed"


class Event(NamedTuple):
    kind: Kind
    tx: Tx


@dataclass(frozen=True, kw_only=True)
class _Series:
    """Many additions that are made when they are asked for."""

    account_id: str
    first: int
    count: int

    def event(self, place: int) -> Event:
        number = self.first + place
        return Event(
            Kind.ADDED,
            Tx(
                id=f"{self.account_id}-{number:07}",
                account_id=self.account_id,
                cents=(number * 7919) % 50_000 - 10_000,
                day=FIRST_DAY + timedelta(days=number % 365),
                name=f"Shop {number % 100}",
                category=CATEGORIES[number % len(CATEGORIES)],
            ),
        )


@dataclass
class History:
    """The log of one item. Positions in it only grow."""

    _parts: list[Event | _Series] = field(default_factory=list)
    length: int = 0

    def note(self, kind: Kind, tx: Tx) -> None:
        """Add one event."""
        self._parts.append(Event(kind, tx))
        self.length += 1

    def fill(self, *, account_id: str, count: int, first: int = 0) -> None:
        """Add `count` additions without keeping them in memory."""
        self._parts.append(_Series(account_id=account_id, first=first, count=count))
        self.length += count

    def between(self, begin: int, end: int) -> Iterator[Event]:
        """The events at the positions from `begin` to before `end`."""
        at = 0
        for part in self._parts:
            size = part.count if isinstance(part, _Series) else 1
            if at + size > begin and at < end:
                if isinstance(part, _Series):
                    places = range(max(begin - at, 0), min(end - at, size))
                    yield from (part.event(place) for place in places)
                else:
                    yield part
            at += size

    def transactions(self) -> dict[str, Tx]:
        """What the bank has now, by id."""
        found: dict[str, Tx] = {}
        for kind, tx in self.between(0, self.length):
            if kind is Kind.REMOVED:
                found.pop(tx.id, None)
            else:
                found[tx.id] = tx
        return found


def changed(tx: Tx, **values: object) -> Tx:
    """`tx` with other values."""
    return replace(tx, **values)  # type: ignore[arg-type]
