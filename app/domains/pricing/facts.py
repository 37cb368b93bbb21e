"""What recomputing and cleaning up are told and tell."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Stats:
    """What a recompute did, counted in batches; the parts of one recompute add up."""

    examined: int = 0
    #: Had no discount and got one.
    opened: int = 0
    #: Got another price: the old discount was closed and a new one opened.
    changed: int = 0
    #: Lost its discount: no rule gives one any more.
    ended: int = 0
    unchanged: int = 0

    def __add__(self, other: Stats) -> Stats:
        return Stats(
            examined=self.examined + other.examined,
            opened=self.opened + other.opened,
            changed=self.changed + other.changed,
            ended=self.ended + other.ended,
            unchanged=self.unchanged + other.unchanged,
        )


@dataclass(frozen=True, kw_only=True)
class KeyRange:
    """Batches by id: above `after`, up to and including `upto`; None has no upper end."""

    after: int = 0
    upto: int | None = None


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """One step of a recompute: what it did, and the id it came to (None: nothing was left)."""

    stats: Stats
    last_id: int | None


@dataclass(frozen=True, kw_only=True)
class RecordedChunk:
    """One step of recording prices."""

    recorded: int
    examined: int
    last_id: int | None


@dataclass(frozen=True, kw_only=True)
class Cleanup:
    """How many discounts were closed, by why."""

    expired_batches: int
    past_expires_at: int


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a walk over many rows has come."""

    done: int
    total: int
