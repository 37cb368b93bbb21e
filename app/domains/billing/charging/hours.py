"""What of an entry costs what: its time in pieces, by day, overtime, cap and the hours of a fee."""

from __future__ import annotations

from collections import defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from app.domains.billing.charging.entries import Entry
    from app.domains.billing.charging.rounding import Rounding


class Kind(StrEnum):
    """What a line charges, in the order of the lines of a rule."""

    #: A fee, and the time that it pays for.
    FEE = "fee"
    TIME = "time"
    OVERTIME = "overtime"
    #: Time above the cap, which costs nothing.
    CAPPED = "capped"


class Piece(NamedTuple):
    """A part of an entry that is charged in one way."""

    entry_id: int
    worker_id: int
    day: date
    seconds: int
    kind: Kind = Kind.TIME

    def cut(self, room: int, *, within: Kind, beyond: Kind) -> Iterator[Piece]:
        """Its first `room` seconds as one kind, and the rest as another."""
        if self.seconds <= room:
            yield self._replace(kind=within)
            return
        if room:
            yield self._replace(seconds=room, kind=within)
        yield self._replace(seconds=self.seconds - room, kind=beyond)


def pieces_of(entries: Iterable[Entry], *, rounding: Rounding) -> Iterator[Piece]:
    """The rounded time of entries by the workers' days, in the order in which it was worked."""
    for entry in sorted(entries, key=lambda entry: entry.order):
        for day, seconds in entry.by_day(rounding.seconds(entry.length)):
            yield Piece(entry.id, entry.worker_id, day, seconds)


def with_overtime(pieces: Iterable[Piece], *, threshold: int) -> Iterator[Piece]:
    """What a worker did on a day after `threshold` seconds is overtime."""
    rooms: defaultdict[tuple[int, date], int] = defaultdict(lambda: threshold)
    for piece in pieces:
        room = rooms[piece.worker_id, piece.day]
        yield from piece.cut(room, within=Kind.TIME, beyond=Kind.OVERTIME)
        rooms[piece.worker_id, piece.day] = max(room - piece.seconds, 0)


def with_cap(pieces: Iterable[Piece], *, cap: int) -> Iterator[Piece]:
    """What was worked after the first `cap` seconds costs nothing."""
    for piece in pieces:
        yield from piece.cut(cap, within=piece.kind, beyond=Kind.CAPPED)
        cap = max(cap - piece.seconds, 0)


def with_included(pieces: Iterable[Piece], *, included: int) -> Iterator[Piece]:
    """The first `included` seconds are paid by the fee; what is above the cap uses none of them."""
    for piece in pieces:
        if piece.kind is Kind.CAPPED:
            yield piece
            continue
        yield from piece.cut(included, within=Kind.FEE, beyond=piece.kind)
        included = max(included - piece.seconds, 0)
