"""Encrypts all that is sealed under the first of the secret keys, some rows at a time beside the service.

It can be stopped at any moment and run again: what has the key already stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, tuple_, update

from app.db.sessions import reading, transaction
from app.errors import GroundworkError
from app.secrets.sealed import places

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.secrets.sealed import Place

#: Rows of one transaction; on SQLite nobody else writes meanwhile.
PART = 200
MAX_EXAMPLES = 5


#: The values of a row's primary key.
Key = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Part:
    """What was done to some rows of one column."""

    what: str
    found: int = 0
    renewed: int = 0
    unreadable: int = 0
    #: The keys of the first rows that cannot be read.
    examples: tuple[str, ...] = ()

    def __add__(self, other: Part) -> Part:
        return Part(
            what=self.what,
            found=self.found + other.found,
            renewed=self.renewed + other.renewed,
            unreadable=self.unreadable + other.unreadable,
            examples=(*self.examples, *other.examples)[:MAX_EXAMPLES],
        )


def rotate() -> Iterator[Part]:
    """Walk everything that is sealed; each part is committed when it is given."""
    for place in places():
        yield from walk(place)


def walk(place: Place) -> Iterator[Part]:
    """Give what is sealed in one place the first key, in the order of the rows' keys."""
    after = None
    while keys := _next_keys(place, after=after):
        part, done = _renew(place, keys, skip_locked=True)
        yield part
        # One by one: who waits for a lock of others must hold none that they could wait for.
        for key in [key for key in keys if key not in done]:
            yield _renew(place, [key], skip_locked=False)[0]
        after = keys[-1]


def _next_keys(place: Place, *, after: Key | None) -> Sequence[Key]:
    rows = select(*place.key).where(place.holds).order_by(*place.key).limit(PART)
    if after is not None:
        rows = rows.where(tuple_(*place.key) > after)
    with reading() as session:
        return [tuple(row) for row in session.execute(rows)]


def _renew(place: Place, keys: Sequence[Key], *, skip_locked: bool) -> tuple[Part, set[Key]]:
    """What was done, and the keys of the rows that it was done to."""
    rows = select(*place.key, place.stored).where(tuple_(*place.key).in_(keys))
    renewed, unreadable = 0, []
    with transaction() as session:
        found = session.execute(rows.with_for_update(key_share=True, skip_locked=skip_locked)).all()
        for *key, stored in found:
            try:
                value = place.renewed(stored)
            except GroundworkError:
                unreadable.append(", ".join(map(str, key)))
                continue
            if value != stored:
                row = update(place.table).where(tuple_(*place.key) == tuple(key))
                session.execute(row.values(place.values(value)))
                renewed += 1
    part = Part(
        what=place.name,
        found=len(found),
        renewed=renewed,
        unreadable=len(unreadable),
        examples=tuple(unreadable[:MAX_EXAMPLES]),
    )
    return part, {tuple(key) for *key, _ in found}
